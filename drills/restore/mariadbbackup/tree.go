package mariadbbackup

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"lifeboat/drills/restore/mariadbbackup/innodb"
)

// tree is what lies in one folder, tar or stream.
type tree struct {
	name    string // in the restore point; "": it is all of it
	stage   string // where it is put in the machine
	files   map[string]*file
	folders map[string]bool
}

// at is where a file is put.
func (t *tree) at(name string) string { return path.Join(t.stage, name) }

// words name it in a sentence.
func (t *tree) words() string { return cmp.Or(t.name, "the stream") }

// file is one of a backup, as far as it was read.
type file struct {
	size  int64
	open  bool          // of a stream: its end was not seen
	text  *bytes.Buffer // of what is interpreted
	head  []byte        // of a log and of a file of changed pages
	pages *pages        // of a tablespace
	list  *list         // of a file of changed pages
	delta *changed      // its pages
}

// list is the one with which a file of changed pages begins: their numbers, behind four bytes that say what it is.
type list struct {
	read  int64
	word  uint32
	names int64 // pages
	ended bool  // its end was seen; one that fills a page has none
}

func (l *list) take(b []byte) {
	for _, c := range b {
		if l.ended || l.read >= firstLook {
			return
		}
		l.word = l.word<<8 | uint32(c)
		if l.read++; l.read%4 == 0 && l.read > 4 {
			if l.ended = l.word == math.MaxUint32; !l.ended {
				l.names++
			}
		}
	}
}

const (
	mostText = 1 << 20
	headSize = 512
)

// textFiles are interpreted. Newer versions call them by another name (MDEV-18931).
var textFiles = regexp.MustCompile(`^(?:(?:xtrabackup|mariadb_backup)_(checkpoints|info|binlog_info)|(backup-my\.cnf)|.*\.ibd(\.meta)|ibdata1(\.meta))$`)

func (t *tree) begin(name string) (*file, error) {
	if _, twice := t.files[name]; twice {
		return nil, damage("it holds %s twice", name)
	}
	f := &file{}
	base := path.Base(name)
	switch {
	case textFiles.MatchString(base):
		f.text = &bytes.Buffer{}
	case base == "ibdata1" || strings.HasSuffix(base, ".ibd") || strings.HasSuffix(base, ".new") || undoName.MatchString(base):
		f.pages = &pages{system: base == "ibdata1"}
	}
	if strings.HasSuffix(base, ".delta") {
		f.list, f.delta = &list{}, &changed{system: base == "ibdata1.delta"}
	}
	t.files[name] = f
	return f, nil
}

var undoName = regexp.MustCompile(`^undo\d{3}$`)

func (f *file) Write(p []byte) (int, error) {
	f.size += int64(len(p))
	if f.text != nil && f.text.Len() < mostText {
		f.text.Write(p)
	}
	f.head = append(f.head, p[:min(len(p), headSize-len(f.head))]...)
	if f.pages != nil {
		f.pages.take(p)
	}
	if f.list != nil {
		f.list.take(p)
		f.delta.take(p)
	}
	return len(p), nil
}

// pages of a tablespace, judged as they pass.
type pages struct {
	system bool
	space  innodb.Space
	known  bool // space is
	other  bool // it is no tablespace, or of pages that are not looked at
	rest   []byte
	number uint32
	said   uint32 // how many there are, as page 0 says
	read   int64
	unsaid int64
	bad    []uint32 // those whose checksum is wrong, at most
	more   int64    // than are in bad
	newest uint64   // up to where in the log any whole page was changed
}

const (
	mostBad   = 3
	firstLook = 64 << 10
	countAt   = 46 // of page 0
)

func (p *pages) take(b []byte) {
	if p.other {
		return
	}
	if !p.known {
		p.rest = append(p.rest, b...)
		if b = p.rest; len(b) < 64 {
			return
		}
		p.rest = nil
		var ok bool
		if p.space, ok = innodb.SpaceOf(b, 16<<10); !ok || p.space.Size == 0 {
			p.other = true
			return
		}
		p.known = true
		p.said = uint32(b[countAt])<<24 | uint32(b[countAt+1])<<16 | uint32(b[countAt+2])<<8 | uint32(b[countAt+3])
	}
	size := p.space.Size
	if begun := len(p.rest); begun > 0 { // pieces end where they end: what is left of one is a part of a page, and no more is copied than that
		n := min(size-begun, len(b))
		if p.rest, b = append(p.rest, b[:n]...), b[n:]; len(p.rest) < size {
			return
		}
		p.look(p.rest)
		p.rest = p.rest[:0]
	}
	for ; len(b) >= size; b = b[size:] {
		p.look(b[:size])
	}
	if p.rest = append(p.rest, b...); len(b) == 0 {
		p.rest = nil // there may be as many files as there are tables
	}
}

func (p *pages) look(b []byte) {
	number := p.number
	p.number++
	if p.system && innodb.Doublewrite(0, number, p.space.Size) {
		return
	}
	p.read++
	switch p.space.Page(b, number) {
	case innodb.Whole:
		_, lsn := innodb.Told(b)
		p.newest = max(p.newest, lsn)
	case innodb.Unsaid:
		p.unsaid++
	case innodb.Damaged:
		if len(p.bad) < mostBad {
			p.bad = append(p.bad, number)
		} else {
			p.more++
		}
	}
}

// wrong is what is wrong with a tablespace; "": nothing that shows here.
func (p *pages) wrong(name string, size int64) error {
	switch {
	case p.other:
		return nil
	case size == 0:
		return damage("%s is empty", name)
	case !p.known:
		return damage("%s has %d bytes, and is cut off", name, size)
	case len(p.bad) > 0:
		return damage("the checksum of a page is wrong: block %d of %s%s", p.bad[0], name, others(p.more+int64(len(p.bad)-1)))
	case !p.system && strings.HasSuffix(name, ".ibd") && int64(p.said)*int64(p.space.Size) > size, size%int64(p.space.Size) != 0:
		return damage("%s is cut off: it has %d bytes, and %d pages of %d bytes belong to it", name, size, p.said, p.space.Size)
	}
	return nil
}

func others(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

func keys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
