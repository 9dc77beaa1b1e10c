package basebackup

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
)

// contents is what a base backup was found to hold, read once.
type contents struct {
	files    map[string]file   // by path in the data folder
	spaces   map[string]bool   // tablespaces that files or folders were seen of, by number
	texts    map[string]string // of the small files that are interpreted
	manifest *pgdata.Manifest
	wrong    error // what is wrong with the manifest
	pages    pages
	wal      *segments // in pg_wal
	archived *segments // beside the data folder
	put      *putting  // nil: it is only read
	buf      []byte
}

// file is one of a data folder.
type file struct {
	size int64
	sums map[string]string // by algorithm
}

// pages that were read.
type pages struct {
	read    int64
	unsaid  int64 // have no checksum
	first   page  // of those
	damaged []page
	more    bool // than are kept
}

// page is one, by its file and its block in it.
type page struct {
	file  string
	fork  string
	block int
	at    pgdata.LSN
}

const (
	mostDamaged  = 4096
	mostText     = 1 << 20 // bytes of a file that is interpreted
	mostManifest = 1 << 30
)

func newContents(put *putting) *contents {
	return &contents{files: map[string]file{}, spaces: map[string]bool{}, texts: map[string]string{}, put: put, wal: newSegments(),
		archived: newSegments(), buf: make([]byte, dump.PieceSize)}
}

// passing are folders whose contents no server takes over from another: they are emptied when one starts.
var passing = []string{"pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans"}

// left tells which files do not go into the machine: those of a running server, of its slots, of what it had to archive, and of
// a standby, which would begin to follow its primary.
func left(name string) bool {
	top, _, below := strings.Cut(name, "/")
	switch name {
	case "postmaster.pid", "postmaster.opts", "standby.signal", "recovery.signal", "current_logfiles", pgdata.ManifestName:
		return true
	}
	return below && slices.Contains(passing, top) || strings.HasPrefix(name, "pg_wal/archive_status/") ||
		strings.HasPrefix(path.Base(name), "pgsql_tmp")
}

// text tells which files are kept whole.
func text(name string) (most int64, is bool) {
	switch name {
	case pgdata.LabelName, pgdata.TablespaceName, pgdata.VersionName:
		return mostText, true
	case pgdata.ManifestName:
		return mostManifest, true
	}
	return mostText, !strings.Contains(name, "/") && strings.HasSuffix(name, ".conf")
}

func (c *contents) folder(name string) error {
	if oid, ok := space(name); ok {
		c.spaces[oid] = true
	}
	return c.put.folder(name)
}

// space is the tablespace that a path lies in.
func space(name string) (oid string, ok bool) {
	rest, ok := strings.CutPrefix(name, "pg_tblspc/")
	oid, _, _ = strings.Cut(rest, "/")
	return oid, ok && oid != "" && strings.Trim(oid, "0123456789") == ""
}

// link of a data folder leads to a tablespace: what is in that is seen beside it, or is missing.
func (c *contents) link(name, target string) error {
	if _, ok := space(name); ok && strings.Count(name, "/") == 1 {
		return nil
	}
	if name == "pg_wal" {
		return damage("its pg_wal is a link to %s, and what that holds is not in the backup", target)
	}
	return damage("it holds a link %s to %s: what lies there is not in the backup", name, target)
}

func (c *contents) log(name string, r io.Reader) error {
	return c.archived.take(name, r, c.put.wal())
}

// file reads one to its end: its checksums, its pages, its bytes into the machine.
func (c *contents) file(name string, size int64, r io.Reader) error {
	if _, twice := c.files[name]; twice {
		return damage("it holds %s twice", name)
	}
	if oid, ok := space(name); ok {
		c.spaces[oid] = true
	}
	var kept *bytes.Buffer
	if most, is := text(name); is {
		if size > most {
			return damage("%s has %d bytes, which no such file has", name, size)
		}
		kept = &bytes.Buffer{}
	} else if name == pgdata.ControlPath {
		kept = &bytes.Buffer{}
	}
	out, err := c.put.file(name, size)
	if err != nil {
		return err
	}
	sums := c.hashes(name)
	rel, relation := pgdata.ParseRelation(name)
	head := make([]byte, 0, pgdata.HeaderSize)
	var at int64
	for {
		n, err := io.ReadFull(r, c.buf)
		b := c.buf[:n]
		for _, h := range sums {
			h.Write(b)
		}
		if relation {
			c.pages.look(name, rel, b, int(at/pgdata.PageSize))
		}
		if kept != nil {
			kept.Write(b)
		}
		head = append(head, b[:min(n, cap(head)-len(head))]...)
		if out != nil && n > 0 {
			if _, err := out.Write(b); err != nil {
				return &dump.PutError{Err: err}
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && at == size {
			break
		}
		if err != nil {
			if dump.Harness(err) || errors.Is(err, io.ErrUnexpectedEOF) { // whose tar says where it is cut off
				return err
			}
			return damage("%s cannot be read to its end: %v", name, err)
		}
	}
	f := file{size: at, sums: map[string]string{}}
	for algorithm, h := range sums {
		f.sums[algorithm] = pgdata.Sum(algorithm, h)
	}
	c.files[name] = f
	if below, ok := strings.CutPrefix(name, "pg_wal/"); ok {
		c.wal.add(below, head, at)
	}
	if kept != nil {
		c.texts[name] = kept.String()
	}
	if name == pgdata.ManifestName {
		c.manifest, c.wrong = pgdata.ReadManifest(kept.Bytes())
	}
	return nil
}

// hashes that a file is read with: those of the manifest, or before it is known those that are usual.
func (c *contents) hashes(name string) map[string]hash.Hash {
	all := map[string]hash.Hash{}
	switch {
	case pgdata.Unlisted(name):
	case c.manifest != nil:
		if f, ok := c.manifest.Files[name]; ok && f.Algorithm != "" {
			all[f.Algorithm] = pgdata.NewHash(f.Algorithm)
		}
	default:
		for _, algorithm := range pgdata.Algorithms[:usual] {
			all[algorithm] = pgdata.NewHash(algorithm)
		}
	}
	return all
}

// usual are how many algorithms are computed where the manifest comes late: what it has by others is read once more.
const usual = 2

// look at the pages of a piece of a file.
func (p *pages) look(name string, rel pgdata.Relation, b []byte, from int) {
	for i := 0; (i+1)*pgdata.PageSize <= len(b); i++ { // what is left at the end of a file was just being written
		state, at := pgdata.Page(b[i*pgdata.PageSize:(i+1)*pgdata.PageSize], rel.First+uint32(from+i))
		p.read++
		found := page{file: name, fork: rel.Fork, block: from + i, at: at}
		switch {
		case state == pgdata.Unsaid:
			if p.unsaid++; p.unsaid == 1 {
				p.first = found
			}
		case state == pgdata.Damaged && len(p.damaged) < mostDamaged:
			p.damaged = append(p.damaged, found)
		case state == pgdata.Damaged:
			p.more = true
		}
	}
}

// few names the first of many, and says how many more there are.
func few(names []string) string {
	const most = 3
	slices.Sort(names)
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

func keys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
