package mydumper

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/internal/filekind"
)

// mostText is how much of what makes tables and the like is kept, bytes: of a hundred thousand tables.
const mostText = 512 << 20

// Folder is what mydumper wrote, as it was read.
type Folder struct {
	Said  *said
	Notes []string // what is not restored, and what it does not say

	names  map[string]string // of databases, by their spelling in names of files
	files  []file
	texts  map[string]string // of files that hold no rows, by path
	tables map[string]*table // by key
	unsure bool              // a lack of chunks is taken as it is
	kept   int               // bytes of texts
}

// table of the folder.
type table struct {
	schema *file
	name   string // its own; "": nothing makes it
	view   bool   // the schema keeps the place of one
	chunks []file
	rows   int64 // that the chunks add
}

// Read reads all of a folder, or of a tar of one. ok is false where it is none of mydumper's. unsure takes a folder of which nobody can know whether
// chunks are missing.
func Read(ctx context.Context, s restore.Source, unsure bool) (f *Folder, ok bool, err error) {
	f = &Folder{names: map[string]string{}, texts: map[string]string{}, tables: map[string]*table{}, unsure: unsure}
	_, _, err = dump.Through(ctx, s, func(in *dump.Input) error {
		if !s.Point.Dir {
			if head, _, err := in.Detect(); err != nil || !filekind.IsTar(head) {
				return err
			}
		}
		if err := dump.Members(in, "its tar", f.member); err != nil {
			return err
		}
		return dump.Drained(in)
	})
	if !f.any() && (err == nil || errors.As(err, new(*dump.Damage))) {
		return nil, false, nil
	}
	if err == nil {
		err = f.judge()
	}
	return f, true, err
}

// any tells whether a file is as mydumper calls them.
func (f *Folder) any() bool {
	return slices.ContainsFunc(f.files, func(o file) bool { return o.is != rowsElse })
}

// member is one file.
func (f *Folder) member(h *tar.Header, from io.Reader) error {
	at := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	one := fileOf(at)
	switch {
	case one.is == nothing, h.Typeflag == tar.TypeDir:
		return nil
	case h.Typeflag == tar.TypeSymlink, h.Typeflag == tar.TypeLink:
		return damage("%s is a link to %s, and what lies there is not in the archive", at, h.Linkname)
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse:
		return nil
	}
	f.files = append(f.files, one)
	if one.is == rowsElse {
		_, err := io.Copy(io.Discard, from)
		return err
	}
	plain, found, done, err := dump.Unwrapped(from)
	defer done()
	if err == nil && found.Class != filekind.Unknown && !found.In("mysql", "empty", "tar") && one.is != rowCount {
		err = damage("%s is %s", at, found.Words)
	}
	if err == nil {
		err = f.hold(one, plain)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	if err != nil && !dump.Harness(err) && !errors.As(err, new(*restore.ImageError)) {
		return dump.PartError(at, found, err)
	}
	return err
}

// hold reads a file, and keeps what of it is needed.
func (f *Folder) hold(one file, in io.Reader) error {
	if one.is == rowsOf {
		return f.holdRows(one, in)
	}
	raw, err := io.ReadAll(io.LimitReader(in, int64(mostText-f.kept)+1))
	if err != nil {
		return err
	}
	if f.kept += len(raw); f.kept > mostText {
		return fmt.Errorf("what makes its tables, views and routines is more than %d MiB: that is not kept", mostText>>20)
	}
	text := string(raw)
	f.texts[one.path] = text
	if mysqldump.System(one.database) { // it is left out
		return nil
	}
	switch one.is {
	case createsOne, createsTable, createsSequence, createsView, createsTriggers, createsPost:
		if one.open(text) {
			return damage("%s: it is cut off: it ends inside a statement", one.path)
		}
		d, err := one.read(strings.NewReader(one.sql(text)))
		if err != nil {
			return err
		}
		return f.makes(one, text, d)
	}
	return nil
}

// makes holds what a file makes against its name.
func (f *Folder) makes(one file, text string, d *mysqldump.Dump) error {
	missing := func(what string) error {
		return damage("%s makes no %s: it is cut off, or another file", one.path, what)
	}
	var first mysqldump.Object
	if all := d.Objects(); len(all) > 0 {
		first = all[0]
	}
	switch one.is {
	case createsOne:
		if len(d.Databases()) != 1 {
			return missing("database")
		}
		f.names[one.database] = d.Databases()[0]
	case createsTable:
		if first.Kind != mysqldump.Table && first.Kind != mysqldump.Sequence {
			return missing("table")
		}
		t := f.table(one.key())
		if len(t.chunks) > 0 && t.name != "" && t.name != first.Name { // in a tar rows may come first
			return astray(t.chunks[0].path, t.name, first.Name)
		}
		t.schema, t.name, t.view = &one, first.Name, placeholder(text)
	case createsSequence:
		if first.Kind != mysqldump.Sequence {
			return missing("sequence")
		}
		f.table(one.key()).name = first.Name
	case createsView:
		if first.Kind != mysqldump.View {
			return missing("view")
		}
	case createsTriggers, createsPost:
		if strings.TrimSpace(text) == "" {
			return missing(map[part]string{createsTriggers: "trigger", createsPost: "routine and no event"}[one.is])
		}
	}
	return nil
}

func (f *Folder) table(key string) *table {
	if f.tables[key] == nil {
		f.tables[key] = &table{}
	}
	return f.tables[key]
}

// holdRows reads a file of rows to its end.
func (f *Folder) holdRows(one file, in io.Reader) error {
	t := f.table(one.key())
	t.chunks = append(t.chunks, one)
	d, err := one.read(in)
	if err != nil {
		return err
	}
	for _, o := range d.Added() {
		if t.name == "" && t.schema == nil {
			t.name = o.Name // until its schema says it
		}
		if o.Name != t.name {
			return astray(one.path, o.Name, t.name)
		}
		n, _ := d.Rows(o)
		t.rows += n
	}
	return nil
}

func astray(at, holds, of string) error {
	return damage("%s holds rows of table %s, and by its name it is one of %s: files lie under each other's names", at, holds, of)
}

func (f *Folder) note(what string) { f.Notes = append(f.Notes, what) }

func lack(kind, format string, args ...any) error {
	return &restore.LackError{Lack: kind, What: fmt.Sprintf(format, args...)}
}

// metadataOf the folder.
func (f *Folder) metadataOf() (text string, err error) {
	var whole, begun []file
	for _, o := range f.files {
		switch o.is {
		case metadata:
			whole = append(whole, o)
		case partial:
			begun = append(begun, o)
		}
	}
	switch {
	case len(whole) > 1:
		return "", lack(record.LackSeveral, "it holds several dumps of mydumper, %s and %s: name one of them (pattern)", path.Dir(whole[0].path),
			path.Dir(whole[1].path))
	case len(begun) > 0:
		return "", damage("it is incomplete: mydumper did not end it (%s is there, which it renames at its end)", begun[0].path)
	case len(whole) == 0:
		return "", damage("it is incomplete: its file metadata is missing, which mydumper writes at its end")
	}
	dir := path.Dir(whole[0].path)
	if i := slices.IndexFunc(f.files, func(o file) bool { return path.Dir(o.path) != dir }); i >= 0 {
		return "", lack(record.LackSeveral, "files of mydumper lie in several folders of it: %s and %s", whole[0].path, f.files[i].path)
	}
	return f.texts[whole[0].path], nil
}
