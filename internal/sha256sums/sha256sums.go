// Package sha256sums reads lists of digests as sha256sum of the GNU coreutils
// writes them: SHA256SUMS beside backups, and <backup>.sha256.
package sha256sums

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Name of a list of several digests; Suffix of the list of one file.
const (
	Name   = "SHA256SUMS"
	Suffix = ".sha256"
)

// Sum is one promised digest.
type Sum struct {
	Hex string // lower case
	By  string // the file that promises it
}

// List is all promised digests by the file's path below the place of the lists; no path leaves it.
type List map[string]Sum

// Names in their order.
func (l List) Names() []string {
	names := make([]string, 0, len(l))
	for n := range l {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Promise of a file as sha256:…; "" where there is none.
func (l List) Promise(name string) string {
	if s, ok := l[name]; ok {
		return "sha256:" + s.Hex
	}
	return ""
}

// Below are the digests of a folder's files, by their path within it.
func (l List) Below(folder string) List {
	in := List{}
	for name, s := range l {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			in[rest] = s
		}
	}
	return in
}

// Folder is the digest of the lines that sha256sum prints for the folder's files, as sha256:…; "" when none of
// them has a promise.
func (l List) Folder(name string) string {
	in := l.Below(name)
	if len(in) == 0 {
		return ""
	}
	h := sha256.New()
	for _, n := range in.Names() {
		fmt.Fprintf(h, "%s  %s\n", in[n].Hex, n)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Add reads the text of one list, itself named by its path: text (two blanks), binary (blank and asterisk) and
// escaped names (a leading backslash), and, under a name with Suffix, the digest alone. What the list names
// lies beside it. Lines that say nothing are passed over; any other is an error, and so are two digests of one file.
func (l List) Add(list, text string) error {
	if strings.HasSuffix(list, Suffix) && len(strings.TrimSpace(text)) == sha256.Size*2 {
		text = strings.TrimSpace(text) + "  " + path.Base(strings.TrimSuffix(list, Suffix)) // the bare digest
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		digest, name, ok := parse(line)
		if !ok {
			return fmt.Errorf("%s:%d is not a line of sha256sum", list, i+1)
		}
		name = path.Join(path.Dir(list), name)
		if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return fmt.Errorf("%s:%d names a file outside the folder", list, i+1)
		}
		if old, ok := l[name]; ok && old.Hex != digest {
			return fmt.Errorf("%s is promised two digests, in %s and in %s", name, old.By, list)
		}
		l[name] = Sum{Hex: digest, By: list}
	}
	return nil
}

// parse reads one line.
func parse(line string) (digest, name string, ok bool) {
	line, escaped := strings.CutPrefix(line, `\`)
	const n = sha256.Size * 2
	if len(line) < n+3 || line[n] != ' ' || (line[n+1] != ' ' && line[n+1] != '*') {
		return "", "", false
	}
	digest = strings.ToLower(line[:n])
	if _, err := hex.DecodeString(digest); err != nil {
		return "", "", false
	}
	name = line[n+2:]
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	if strings.HasPrefix(name, "/") {
		return "", "", false
	}
	return digest, name, true
}
