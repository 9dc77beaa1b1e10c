package tree

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What two trees may differ in. Those of Attributes can be left out of a comparison.
const (
	Missing = "missing"
	Extra   = "extra"
	Kind    = "type"
	Size    = "size"
	Content = "content"
	Target  = "target"
	Hard    = "hard_link"
	Mode    = "mode"
	Owner   = "owner"
	Time    = "time"
	Xattr   = "xattrs"
	Holes   = "sparse"
)

// Attributes that a comparison may leave out.
func Attributes() []string { return []string{Mode, Owner, Time, Xattr, Holes} }

// Difference of one path.
type Difference struct {
	Path string `json:"path"` // quoted
	What string `json:"what"`
	Was  string `json:"was,omitempty"`
	Now  string `json:"now,omitempty"`
}

// Options of a comparison. Patterns are as path.Match has them, of the whole path or, without a slash, of its last part; one that ends
// with /** is all below a folder.
type Options struct {
	Ignore    []string            // paths that are not looked at
	MayChange []string            // paths of files whose content, size and time may be others
	Without   []string            // some of Attributes
	Lost      map[string][]string // as Made has it: what could not be restored here is no difference
	Most      int                 // differences that are given
	Rootless  bool                // the tree was packed without its own folder, which then is none of it
	Alone     bool                // what is wanted names some of the tree: the rest is not looked at
}

// Compared is what came of it.
type Compared struct {
	Looked int64            `json:"looked"`           // paths that both have
	Counts map[string]int64 `json:"counts,omitempty"` // differences, by what they are
	First  []Difference     `json:"first,omitempty"`
	// Passed over, since patterns say so.
	Ignored int64 `json:"ignored,omitempty"`
}

// Compare holds a tree against what it should be. Folders that a tar implies and does not hold are none of the tree's.
func Compare(want, got []Entry, o Options) Compared {
	c := comparison{Options: o, Compared: Compared{Counts: map[string]int64{}}, lost: map[string]map[string]bool{}}
	for what, all := range o.Lost {
		c.lost[what] = map[string]bool{}
		for _, name := range all {
			c.lost[what][name] = true
		}
	}
	is := map[string]Entry{}
	for _, e := range got {
		is[e.Path] = e
	}
	implied := map[string]bool{Root: true}
	partial := false
	for _, w := range want {
		partial = partial || w.Partial
		for dir := path.Dir(w.Path); !implied[dir]; dir = path.Dir(dir) {
			implied[dir] = true
		}
		g, ok := is[w.Path]
		delete(is, w.Path)
		switch {
		case w.Path == Root && o.Rootless:
		case matches(o.Ignore, w.Path):
			c.Ignored++
		case !ok && c.isLost(LostDevice, w.Path):
		case !ok:
			c.differ(w.Path, Missing, string(w.Type), "")
		default:
			c.Looked++
			c.one(w, g)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is)) {
		switch g := is[name]; {
		case g.Type == Dir && implied[name], partial && g.Type != File, o.Alone:
		case matches(o.Ignore, name):
			c.Ignored++
		default:
			c.differ(name, Extra, "", string(g.Type))
		}
	}
	return c.Compared
}

type comparison struct {
	Options
	Compared
	lost map[string]map[string]bool
}

func (c *comparison) isLost(what, name string) bool { return c.lost[what][quote(name)] }

func (c *comparison) differ(name, what, was, now string) {
	c.Counts[what]++
	if len(c.First) < c.Most {
		c.First = append(c.First, Difference{Path: strconv.Quote(name), What: what, Was: was, Now: now})
	}
}

func (c *comparison) one(w, g Entry) {
	if w.Type != g.Type {
		c.differ(w.Path, Kind, string(w.Type), string(g.Type))
		return
	}
	moves := matches(c.MayChange, w.Path)
	asked := func(what string) bool { return !w.Partial && !slices.Contains(c.Without, what) }
	if w.Type == File && !moves {
		switch {
		case !w.Partial && w.Size != g.Size:
			c.differ(w.Path, Size, strconv.FormatInt(w.Size, 10), strconv.FormatInt(g.Size, 10))
		case w.Digest != "" && w.Digest != g.Digest:
			c.differ(w.Path, Content, w.Digest, g.Digest)
		}
	}
	if w.Target != g.Target {
		c.differ(w.Path, Target, strconv.Quote(w.Target), strconv.Quote(g.Target))
	}
	if !w.Partial && w.Same != g.Same {
		c.differ(w.Path, Hard, strconv.Quote(w.Same), strconv.Quote(g.Same))
	}
	if asked(Mode) && w.Mode != g.Mode {
		c.differ(w.Path, Mode, fmt.Sprintf("%04o", w.Mode), fmt.Sprintf("%04o", g.Mode))
	}
	if asked(Owner) && (w.UID != g.UID || w.GID != g.GID) {
		c.differ(w.Path, Owner, fmt.Sprintf("%d:%d", w.UID, w.GID), fmt.Sprintf("%d:%d", g.UID, g.GID))
	}
	if asked(Time) && !moves && !w.Time.IsZero() && !sameTime(w.Time, g.Time) {
		c.differ(w.Path, Time, w.Time.UTC().Format(time.RFC3339Nano), g.Time.UTC().Format(time.RFC3339Nano))
	}
	if asked(Holes) && !moves && w.Sparse && !g.Sparse {
		c.differ(w.Path, Holes, "has holes", "has none")
	}
	if asked(Xattr) {
		c.extended(w, g)
	}
}

// sameTime also where one of the two was kept to the second alone, as tar's older formats do.
func sameTime(a, b time.Time) bool {
	return a.Equal(b) || a.Unix() == b.Unix() && (a.Nanosecond() == 0 || b.Nanosecond() == 0)
}

func (c *comparison) extended(w, g Entry) {
	for _, name := range slices.Sorted(maps.Keys(w.Xattrs)) {
		value, ok := g.Xattrs[name]
		switch {
		case c.isLost(name, w.Path), ok && value == w.Xattrs[name]:
		case !ok:
			c.differ(w.Path, Xattr, shown(name, w.Xattrs[name]), "")
		default:
			c.differ(w.Path, Xattr, shown(name, w.Xattrs[name]), shown(name, value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.Xattrs)) {
		if _, ok := w.Xattrs[name]; !ok {
			c.differ(w.Path, Xattr, "", shown(name, g.Xattrs[name]))
		}
	}
}

func shown(name, value string) string { return name + "=" + strconv.Quote(clip(value)) }

// matches tells whether one of the patterns means a path.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if below, ok := strings.CutSuffix(p, "/**"); ok && (name == below || strings.HasPrefix(name, below+"/")) {
			return true
		}
		of := name
		if !strings.Contains(p, "/") {
			of = path.Base(name)
		}
		if ok, _ := path.Match(p, of); ok {
			return true
		}
	}
	return false
}
