// Package sha256sums reads what lists of digests beside backups promise: SHA256SUMS, and <backup>.sha256, as sha256sum
// (also with --tag), shasum and openssl dgst write them. What they say is used where it can be; where it cannot, it is
// told what stands in the way of which backup, and no other backup is touched by it.
package sha256sums

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Name of a list of several digests.
const Name = "SHA256SUMS"

// Names are all under which such a list may lie; Suffixes end the name of the list of one backup.
var (
	Names    = []string{Name, "SHA256SUMS.txt", "sha256sums", "sha256sums.txt", "sha256sum.txt"}
	Suffixes = []string{".sha256", ".sha256sum"}
)

// About are the paths of the lists that may be about something of that path: beside it, and of it alone.
func About(name string) []string {
	var lists []string
	for _, n := range Names {
		lists = append(lists, path.Join(path.Dir(name), n))
	}
	if own, is := Of(name); is {
		name = own
	}
	for _, suffix := range Suffixes {
		lists = append(lists, name+suffix)
	}
	return lists
}

// Of is the backup that a list of one backup is of.
func Of(list string) (backup string, is bool) {
	for _, suffix := range Suffixes {
		if own, ok := strings.CutSuffix(list, suffix); ok {
			return own, true
		}
	}
	return "", false
}

// Sum is one promised digest.
type Sum struct {
	Hex string // lower case
	By  string // the file that promises it
}

// List is promised digests by the file's path below the place of the lists; no path leaves it.
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

// Lists is what all lists that were read promise, and what of it cannot be used.
type Lists struct {
	List
	doubts map[string]string // by the backup's path: why its own list is of no use
	torn   map[string]string // by the file's path: between which lists
	unread map[string]string // by the path of a SHA256SUMS that was read: its first line that says nothing, or ""
	shut   map[string]string // by the path of a SHA256SUMS that is there and could not be read: why
}

func (l *Lists) ready() {
	if l.List == nil {
		l.List, l.doubts, l.torn, l.unread = List{}, map[string]string{}, map[string]string{}, map[string]string{}
		l.shut = map[string]string{}
	}
}

// Unopened says of a list that it is there and cannot be read, and why: what it promises is not known.
func (l *Lists) Unopened(list, why string) {
	l.ready()
	if own, single := Of(list); single {
		l.doubts[own] = fmt.Sprintf("%s cannot be read: %s", list, why)
		return
	}
	l.shut[list] = why
}

// Add reads the text of one list, itself named by its path. What a SHA256SUMS names lies beside it, or is called by the
// last part of its name where that path is absolute or leads elsewhere. What <backup>.sha256 names is the backup, by the
// last part of its name or as standard input, or a file in it.
func (l *Lists) Add(list, text string) {
	l.ready()
	own, single := Of(list)
	if bare := strings.TrimSpace(text); single && isDigest(bare) {
		l.promise(own, Sum{Hex: strings.ToLower(bare), By: list})
		return
	}
	unread, other, named := "", "", false
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		digest, name, ok := parse(line)
		if !ok {
			if unread == "" {
				unread = fmt.Sprintf("%s:%d is not a line of sha256sum", list, i+1)
			}
			continue
		}
		at := beside(list, name)
		if single && !strings.HasPrefix(at, own+"/") {
			if at = own; name != "-" && path.Base(name) != path.Base(own) {
				other = name
				continue
			}
		}
		l.promise(at, Sum{Hex: digest, By: list})
		named = true
	}
	switch {
	case !single:
		l.unread[list] = unread
	case named:
	case other != "":
		l.doubts[own] = fmt.Sprintf("%s promises the digest of %s", list, other)
	case unread != "":
		l.doubts[own] = unread
	default:
		l.doubts[own] = fmt.Sprintf("%s promises nothing", list)
	}
}

// promise enters a digest; two of one file are none.
func (l *Lists) promise(name string, s Sum) {
	if old, ok := l.List[name]; ok && old.Hex != s.Hex {
		l.torn[name] = fmt.Sprintf("it is promised two digests, in %s and in %s", old.By, s.By)
		return
	}
	l.List[name] = s
}

// Settle looks at the names of what is there: where a list names a file by a path at which there is none, and one of
// that name lies beside the list, it is meant.
func (l *Lists) Settle(there func(name string) bool) {
	for _, name := range l.Names() {
		s := l.List[name]
		if at := path.Join(path.Dir(s.By), path.Base(name)); at != name && !there(name) && there(at) {
			delete(l.List, name)
			l.promise(at, s)
		}
	}
	for name := range l.torn {
		delete(l.List, name) // it may be the wrong one
	}
}

// Doubt says why what the lists say of a backup, or do not say of it, cannot be used; "" where it can, and where there
// is no list.
func (l *Lists) Doubt(name string) string {
	for torn, why := range l.torn {
		if torn == name || strings.HasPrefix(torn, name+"/") {
			return why
		}
	}
	if why, ok := l.doubts[name]; ok {
		return why
	}
	if _, ok := l.List[name]; ok || len(l.Below(name)) > 0 {
		return ""
	}
	for _, list := range slices.Sorted(maps.Keys(l.shut)) { // of a folder's own list nobody knows what it is about
		if path.Dir(list) == path.Dir(name) || path.Dir(list) == name || path.Dir(list) == "." {
			return fmt.Sprintf("%s cannot be read: %s", list, l.shut[list])
		}
	}
	for _, list := range slices.Sorted(maps.Keys(l.unread)) {
		about := path.Dir(list) == path.Dir(name) || path.Dir(list) == name || slices.ContainsFunc(l.Names(),
			func(n string) bool { return l.List[n].By == list && path.Dir(n) == path.Dir(name) })
		switch unread := l.unread[list]; {
		case about && unread != "":
			return fmt.Sprintf("%s does not name it, and %s", list, unread)
		case about:
			return fmt.Sprintf("%s does not name it", list)
		}
	}
	return ""
}

// Unread is the first line of a SHA256SUMS that says nothing, as half a sentence; "" where there is none.
func (l *Lists) Unread(list string) string { return l.unread[list] }

// beside is the path of a file that a list names.
func beside(list, name string) string {
	at := path.Join(path.Dir(list), name)
	if path.IsAbs(name) || at == ".." || strings.HasPrefix(at, "../") {
		return path.Join(path.Dir(list), path.Base(name))
	}
	return at
}

func isDigest(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == sha256.Size*2
}

// tags are what lines of sha256sum --tag and of openssl dgst begin with.
var tags = []string{"SHA256 (", "SHA256(", "SHA2-256(", "SHA2-256 ("}

// parse reads one line: text (two blanks), binary (blank and asterisk), tagged, each with an escaped name after a
// leading backslash.
func parse(line string) (digest, name string, ok bool) {
	line, escaped := strings.CutPrefix(line, `\`)
	const n = sha256.Size * 2
	if tag := slices.IndexFunc(tags, func(t string) bool { return strings.HasPrefix(line, t) }); tag >= 0 {
		end := strings.LastIndex(line, ")")
		name, digest = line[len(tags[tag]):max(end, len(tags[tag]))], strings.TrimLeft(line[end+1:], " =")
		ok = end > len(tags[tag])
	} else if len(line) >= n+3 && line[n] == ' ' && (line[n+1] == ' ' || line[n+1] == '*') {
		digest, name, ok = line[:n], line[n+2:], true
	}
	if digest = strings.ToLower(strings.TrimSpace(digest)); !ok || !isDigest(digest) {
		return "", "", false
	}
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	return digest, name, path.Base(name) != "/" && path.Base(name) != ".."
}
