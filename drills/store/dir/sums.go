package dir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// sum is one promised digest.
type sum struct {
	hex string
	by  string // the file that promises it
}

// sums are all promised digests by the file's path below the store's folder.
type sums map[string]sum

// names in their order.
func (s sums) names() []string {
	names := make([]string, 0, len(s))
	for n := range s {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// promise of a file; "" where there is none.
func (s sums) promise(name string) string {
	if p, ok := s[name]; ok {
		return "sha256:" + p.hex
	}
	return ""
}

// below are the sums of a folder's files, by their path within it.
func (s sums) below(folder string) sums {
	in := sums{}
	for name, p := range s {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			in[rest] = p
		}
	}
	return in
}

// folder is the digest that a folder's stream must have; "" when none of its files has a promise.
func (s sums) folder(name string) string {
	in := s.below(name)
	if len(in) == 0 {
		return ""
	}
	h := sha256.New()
	for _, n := range in.names() {
		fmt.Fprintf(h, "%s  %s\n", in[n].hex, n)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// sums reads every list of digests that is about the given names: SHA256SUMS beside
// them and within folders, and <name>.sha256.
func (s *Store) sums(root *os.Root, names []string) (sums, error) {
	lists := map[string]bool{sumsName: true}
	for _, n := range names {
		lists[path.Join(path.Dir(n), sumsName)] = true
		lists[path.Join(n, sumsName)] = true
		lists[strings.TrimSuffix(n, sumSuffix)+sumSuffix] = true
	}
	all := sums{}
	for list := range lists {
		raw, err := root.ReadFile(list)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // below something that is a file
			continue
		}
		if err != nil {
			return nil, s.problem("", "%s: %v", list, cause(err))
		}
		if err := all.add(list, string(raw)); err != nil {
			return nil, s.problem("write it with sha256sum", "%v", err)
		}
	}
	return all, nil
}

// add reads a list in the format of coreutils: text (two blanks), binary (blank
// and asterisk), and escaped names (a leading backslash).
func (s sums) add(list, text string) error {
	if strings.HasSuffix(list, sumSuffix) && len(strings.TrimSpace(text)) == sha256.Size*2 {
		text = strings.TrimSpace(text) + "  " + path.Base(strings.TrimSuffix(list, sumSuffix)) // the bare digest
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		digest, name, ok := parseSum(line)
		if !ok {
			return fmt.Errorf("%s:%d is not a line of sha256sum", list, i+1)
		}
		name = path.Join(path.Dir(list), name)
		if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return fmt.Errorf("%s:%d names a file outside the folder", list, i+1)
		}
		if old, ok := s[name]; ok && old.hex != digest {
			return fmt.Errorf("%s is promised two digests, in %s and in %s", name, old.by, list)
		}
		s[name] = sum{hex: digest, by: list}
	}
	return nil
}

// parseSum reads one line.
func parseSum(line string) (digest, name string, ok bool) {
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
