// Package checksums reads what lists of digests beside backups promise: SHA256SUMS, and <backup>.sha256, as sha256sum
// (also with --tag), shasum and openssl dgst write them, and the same of other algorithms. What they say is used where it
// can be; where it cannot, it is told what stands in the way of which backup, and no other backup is touched by it. Where
// several algorithms promise something of one backup, the strongest counts.
package checksums

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// Name of a list of several digests.
const Name = "SHA256SUMS"

// Names are all under which such a list may lie; Suffixes end the name of the list of one backup. Those of SHA-256 come first.
var Names, Suffixes = namesOf(append([]string{record.SHA256}, record.Algorithms()...))

func namesOf(algorithms []string) (names, suffixes []string) {
	for i, a := range algorithms {
		if i > 0 && a == record.SHA256 {
			continue
		}
		upper := strings.ToUpper(a)
		names = append(names, upper+"SUMS", upper+"SUMS.txt", a+"sums", a+"sums.txt", a+"sum.txt")
		suffixes = append(suffixes, "."+a, "."+a+"sum", "."+upper, "."+a+".txt", "."+a+"sum.txt")
	}
	return names, suffixes
}

// IsList tells which names are of a list of several digests.
func IsList(name string) bool { return slices.Contains(Names, name) }

// algorithmOf a list is in its name.
func algorithmOf(list string) string {
	text := strings.ToLower(path.Base(list))
	if _, single := Of(list); single {
		text = path.Ext(strings.TrimSuffix(text, ".txt"))
	}
	for _, a := range record.Algorithms() {
		if strings.Contains(text, a) {
			return a
		}
	}
	return ""
}

// strength orders algorithms, the strongest first.
func strength(algorithm string) int { return slices.Index(record.Algorithms(), algorithm) }

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

// List is promised digests by the file's path below the place of the lists; no path leaves it.
type List map[string]record.Digest

// Names in their order.
func (l List) Names() []string { return slices.Sorted(maps.Keys(l)) }

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

// Folder is the digest of the lines that sha256sum prints for the folder's files; none where none of them has a promise.
// Where not all of them have one by the same algorithm, it is as weak as the weakest.
func (l List) Folder(name string) record.Digest {
	in := l.Below(name)
	var d record.Digest
	for _, n := range in.Names() {
		if d.Algorithm == "" || strength(in[n].Algorithm) > strength(d.Algorithm) {
			d = in[n]
		}
	}
	if len(in) == 0 {
		return d
	}
	h := d.Hash()
	for _, n := range in.Names() {
		fmt.Fprintf(h, "%s  %s\n", in[n].Value, n)
	}
	d.Value = hex.EncodeToString(h.Sum(nil))
	return d
}

// Lists is what all lists that were read promise, and what of it cannot be used.
type Lists struct {
	List
	doubts map[string]doubt  // by the backup's path: why its own list is of no use
	torn   map[string]doubt  // by the file's path: between which lists
	unread map[string]string // by the path of a SHA256SUMS that was read: its first line that says nothing, or ""
	shut   map[string]string // by the path of a SHA256SUMS that is there and could not be read: why
}

// doubt of what lists of one algorithm say.
type doubt struct{ algorithm, why string }

// over tells whether a doubt leaves nothing stronger to stand on.
func (d doubt) over(promised record.Digest) bool {
	return !promised.Given() || strength(d.algorithm) <= strength(promised.Algorithm)
}

// strongest keeps the doubt of the stronger algorithm.
func strongest(doubts map[string]doubt, name string, d doubt) {
	if old, ok := doubts[name]; !ok || strength(d.algorithm) <= strength(old.algorithm) {
		doubts[name] = d
	}
}

func (l *Lists) ready() {
	if l.List == nil {
		l.List, l.doubts, l.torn, l.unread = List{}, map[string]doubt{}, map[string]doubt{}, map[string]string{}
		l.shut = map[string]string{}
	}
}

// Unopened says of a list that it is there and cannot be read, and why: what it promises is not known.
func (l *Lists) Unopened(list, why string) {
	l.ready()
	if own, single := Of(list); single {
		strongest(l.doubts, own, doubt{algorithmOf(list), fmt.Sprintf("%s cannot be read: %s", list, why)})
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
	by := record.Digest{Algorithm: algorithmOf(list), PromisedBy: record.PromisedByList, File: list}
	if single {
		by.PromisedBy = record.PromisedBySideFile
	}
	if bare, ok := record.ParseDigest(by.Algorithm + ":" + strings.TrimSpace(text)); single && ok {
		by.Value = bare.Value
		l.promise(own, by)
		return
	}
	unread, other, named := "", "", false
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		digest, name, ok := parse(by.Algorithm, line)
		if !ok {
			if unread == "" {
				unread = fmt.Sprintf("%s:%d is not a line of %s", list, i+1, by.Algorithm+"sum")
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
		by.Value = digest
		l.promise(at, by)
		named = true
	}
	why := ""
	switch {
	case !single:
		l.unread[list] = unread
	case named:
	case other != "":
		why = fmt.Sprintf("%s promises the digest of %s", list, other)
	case unread != "":
		why = unread
	default:
		why = fmt.Sprintf("%s promises nothing", list)
	}
	if why != "" {
		strongest(l.doubts, own, doubt{by.Algorithm, why})
	}
}

// promise enters a digest; two of one file by one algorithm are none.
func (l *Lists) promise(name string, d record.Digest) {
	old, ok := l.List[name]
	switch {
	case ok && old.Algorithm == d.Algorithm && old.Value != d.Value:
		l.torn[name] = doubt{d.Algorithm, fmt.Sprintf("it is promised two digests, in %s and in %s", old.File, d.File)}
	case !ok || strength(d.Algorithm) < strength(old.Algorithm):
		l.List[name] = d
	}
}

// Settle looks at the names of what is there: where a list names a file by a path at which there is none, and one of
// that name lies beside the list, it is meant.
func (l *Lists) Settle(there func(name string) bool) {
	for _, name := range l.Names() {
		s := l.List[name]
		if at := path.Join(path.Dir(s.File), path.Base(name)); at != name && !there(name) && there(at) {
			delete(l.List, name)
			l.promise(at, s)
		}
	}
	for name, d := range l.torn {
		if d.over(l.List[name]) {
			delete(l.List, name) // it may be the wrong one
		}
	}
}

// Doubt says why what the lists say of a backup, or do not say of it, cannot be used; "" where it can, and where there
// is no list.
func (l *Lists) Doubt(name string) string {
	for torn, d := range l.torn {
		if (torn == name || strings.HasPrefix(torn, name+"/")) && d.over(l.List[torn]) {
			return d.why
		}
	}
	if d, ok := l.doubts[name]; ok && d.over(l.List[name]) {
		return d.why
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
			func(n string) bool { return l.List[n].File == list && path.Dir(n) == path.Dir(name) })
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
