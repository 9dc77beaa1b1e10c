package basebackup

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// taker is given what a backup holds, by the paths in a data folder. What it does not read of a file is passed over.
type taker interface {
	folder(name string) error
	file(name string, size int64, r io.Reader) error
	// log is a file of an archive of WAL that lies in the backup beside the data folder.
	log(name string, r io.Reader) error
	link(name, target string) error
}

// walker goes through tars of files, and through tars in them.
type walker struct {
	to   taker
	root string // of the data folder in the outermost tar, such as "data/"; "": its own
	seen bool   // something that belongs to a data folder
}

// partName are the files that pg_basebackup -Ft writes.
var partName = lazy.Regexp(`^(base|pg_wal|\d+)\.tar(\.(gz|zst|lz4|xz|bz2))?$`)

// tops are what lies in the root of a data folder.
var tops = []string{"PG_VERSION", "backup_label", "backup_manifest", "base", "current_logfiles", "global", "pg_commit_ts", "pg_dynshmem",
	"pg_hba.conf", "pg_ident.conf", "pg_logical", "pg_multixact", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat",
	"pg_stat_tmp", "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact", "postgresql.auto.conf", "postgresql.conf",
	"postmaster.opts", "postmaster.pid", "recovery.signal", "standby.signal", "tablespace_map"}

// outer goes through the tar that a store streams of a folder, or that a backup in one file is.
func (w *walker) outer(in io.Reader) error {
	return dump.Members(in, "its tar", func(h *tar.Header, r io.Reader) error {
		name, ok := w.place(h.Name)
		switch {
		case !ok:
			return nil
		case h.Typeflag == tar.TypeReg && partName().MatchString(name):
			w.seen = true
			return w.part(name, r)
		}
		return w.one(name, h, r)
	})
}

// place finds the root of the data folder by the first name in it that is known, and gives the path from there.
func (w *walker) place(name string) (string, bool) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if !w.seen {
		parts := strings.Split(name, "/")
		i := 0
		for i < len(parts) && !topAt(parts[i:]) {
			i++
		}
		if i == len(parts) {
			i = -1
		}
		if i < 0 {
			return name, logName(path.Base(name))
		}
		w.seen = true
		if i > 0 {
			w.root = strings.Join(parts[:i], "/") + "/"
		}
	}
	if rest, ok := strings.CutPrefix(name, w.root); ok {
		return rest, true
	}
	return name, logName(path.Base(name))
}

// topAt tells whether a path begins with what lies in the root of a data folder. Folders of backups are called base and global, too: in those of a
// server lie databases by their numbers, and files.
func topAt(path []string) bool {
	top := path[0]
	if len(path) > 1 && (top == "base" && strings.Trim(path[1], "0123456789") != "" && path[1] != "pgsql_tmp" || top == "global" && len(path) > 2) {
		return false
	}
	return slices.Contains(tops, top) || partName().MatchString(top)
}

// part goes through one of the tars of pg_basebackup -Ft.
func (w *walker) part(name string, r io.Reader) error {
	below := ""
	switch base, _, _ := strings.Cut(name, "."); base {
	case "base":
	case "pg_wal":
		below = "pg_wal/"
	default:
		below = "pg_tblspc/" + base + "/"
		if err := w.to.folder(strings.TrimSuffix(below, "/")); err != nil {
			return err
		}
	}
	plain, found, done, err := dump.Unwrapped(r)
	defer done()
	if err != nil {
		return dump.PartError(name, found, err)
	}
	if !found.In("tar", "basebackup") {
		return &dump.Damage{Reason: fmt.Sprintf("%s is %s, and not a tar", name, dump.OrUnknown(found.Words))}
	}
	if err := dump.Members(plain, name, func(h *tar.Header, r io.Reader) error {
		return w.one(below+strings.TrimPrefix(path.Clean("/"+h.Name), "/"), h, r)
	}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return dump.PartError(name, found, err)
	}
	return nil
}

// one gives the taker what a tar's member is.
func (w *walker) one(name string, h *tar.Header, r io.Reader) error {
	if name == "" || name == "." {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return w.to.folder(name)
	case tar.TypeReg, tar.TypeGNUSparse:
		if logName(path.Base(name)) && !strings.HasPrefix(name, "pg_wal/") {
			return w.to.log(path.Base(name), r)
		}
		return w.to.file(name, h.Size, r)
	case tar.TypeSymlink:
		return w.to.link(name, h.Linkname)
	case tar.TypeXGlobalHeader:
		return nil
	}
	return &dump.Damage{Reason: fmt.Sprintf("it holds %q, which is neither a file nor a folder: no data folder has such", name)}
}
