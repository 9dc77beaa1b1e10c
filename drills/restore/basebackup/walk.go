package basebackup

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
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
var partName = regexp.MustCompile(`^(base|pg_wal|\d+)\.tar(\.(gz|zst|lz4|xz|bz2))?$`)

// tops are what lies in the root of a data folder.
var tops = []string{"PG_VERSION", "backup_label", "backup_manifest", "base", "current_logfiles", "global", "pg_commit_ts", "pg_dynshmem",
	"pg_hba.conf", "pg_ident.conf", "pg_logical", "pg_multixact", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat",
	"pg_stat_tmp", "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact", "postgresql.auto.conf", "postgresql.conf",
	"postmaster.opts", "postmaster.pid", "recovery.signal", "standby.signal", "tablespace_map"}

// outer goes through the tar that a store streams of a folder, or that a backup in one file is.
func (w *walker) outer(in io.Reader) error {
	return w.members(in, "its tar", func(h *tar.Header, r io.Reader) error {
		name, ok := w.place(h.Name)
		switch {
		case !ok:
			return nil
		case h.Typeflag == tar.TypeReg && partName.MatchString(name):
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
		i := slices.IndexFunc(parts, func(p string) bool { return slices.Contains(tops, p) || partName.MatchString(p) })
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
	plain, found, done, err := unwrapped(r)
	defer done()
	if err != nil {
		return partError(name, found, err)
	}
	if !found.In("tar", "basebackup") {
		return &dump.Damage{Reason: fmt.Sprintf("%s is %s, and not a tar", name, orUnknown(found.Words))}
	}
	if err := w.members(plain, name, func(h *tar.Header, r io.Reader) error {
		return w.one(below+strings.TrimPrefix(path.Clean("/"+h.Name), "/"), h, r)
	}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return partError(name, found, err)
	}
	return nil
}

func orUnknown(words string) string {
	if words == "" {
		return "nothing that is known"
	}
	return words
}

// unwrapped takes the compression of a file off, and tells what is under it. done is never nil.
func unwrapped(r io.Reader) (plain *bufio.Reader, found filekind.Found, done func(), err error) {
	done = func() {}
	in := bufio.NewReaderSize(r, dump.PieceSize)
	head, err := in.Peek(filekind.Enough)
	if found = filekind.Of(head); err != nil && !errors.Is(err, io.EOF) {
		return in, found, done, err
	}
	if !unpack.Can(found.Kind) {
		return in, found, done, nil
	}
	u, err := unpack.Open(found.Kind, in)
	if err != nil {
		return in, found, done, err
	}
	packed := found
	plain = bufio.NewReaderSize(u, dump.PieceSize)
	if head, err = plain.Peek(filekind.Enough); err != nil && !errors.Is(err, io.EOF) {
		return plain, packed, func() { _ = u.Close() }, err // nothing was written
	}
	return plain, filekind.Of(head), func() { _ = u.Close() }, nil
}

// partError says of which file it is.
func partError(name string, found filekind.Found, err error) error {
	var refusal *unpack.Refusal
	switch {
	case harness(err):
		return err
	case errors.As(err, &refusal):
		return &restore.KindError{Found: filekind.Found{Kind: refusal.Kind}, Why: refusal.Why}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &dump.Damage{Reason: fmt.Sprintf("%s ends too early: it is cut off", name)}
	}
	return &dump.Damage{Reason: fmt.Sprintf("%s is damaged (%s): %v", name, orUnknown(found.Words), err)}
}

// members goes through a tar to its end.
func (w *walker) members(in io.Reader, what string, do func(*tar.Header, io.Reader) error) error {
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case harness(err):
			return err
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &dump.Damage{Reason: what + " ends too early: it is cut off"}
		case err != nil:
			return &dump.Damage{Reason: fmt.Sprintf("%s is damaged: %v", what, err)}
		}
		inside := &member{r: tr}
		if err := do(h, inside); err != nil {
			if errors.Is(inside.err, io.ErrUnexpectedEOF) && !harness(err) {
				return &dump.Damage{Reason: fmt.Sprintf("%s ends too early, in %s: it is cut off", what, h.Name)}
			}
			return err
		}
	}
}

// member remembers how reading it ended.
type member struct {
	r   io.Reader
	err error
}

func (m *member) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil {
		m.err = err
	}
	return n, err
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
