package mariadbbackup

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mariadbbackup/innodb"
	"lifeboat/internal/filekind"
)

// packedName are the files of a folder in which whole backups may be: streams and tars.
var packedName = regexp.MustCompile(`(?i)\.(xb|xbs|xbstream|mb|mbs|mbstream|stream|tar|tgz|gz|zst|xz|lz4|bz2|gpg|enc|age)$`)

// walk goes through a restore point: a folder with one backup or more, or one file.
func (r *reading) walk(in *dump.Input) error {
	if !r.source.Point.Dir {
		head, found, err := in.Detect()
		if err != nil {
			return err
		}
		if err := isBackup(head, found); err != nil {
			return err
		}
		if found.Name == "xtrabackup" {
			return r.stream("", in)
		}
	}
	outer := r.tree("")
	if err := dump.Members(in, "its tar", func(h *tar.Header, from io.Reader) error {
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if h.Typeflag == tar.TypeReg && packedName.MatchString(name) {
			return r.packed(outer, name, h.Size, from)
		}
		return r.member(outer, name, h, from)
	}); err != nil {
		return err
	}
	return dump.Drained(in)
}

// isBackup tells what is there in the place of a backup.
func isBackup(head []byte, found filekind.Found) error {
	switch {
	case found.Name == "xtrabackup":
		return nil
	case found.Class == filekind.Bundle && filekind.IsTar(head):
		return nil
	case found.Kind.Name == "":
		return damage("it is no backup of mariadb-backup: neither a stream nor a tar of a folder")
	}
	return &restore.KindError{Found: found}
}

// packed is a file of a folder that may be a whole backup by itself. One that is none belongs to the folder.
func (r *reading) packed(outer *tree, name string, size int64, from io.Reader) error {
	head := bufio.NewReaderSize(from, filekind.Enough)
	first, err := head.Peek(filekind.Enough)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	found := filekind.Of(first)
	if found.Class == filekind.Sealed {
		return &restore.KindError{Found: found, File: name}
	}
	if found.Class != filekind.Packed && found.Name != "xtrabackup" && !filekind.IsTar(first) {
		return r.file(outer, name, size, head)
	}
	plain, found, done, err := dump.Unwrapped(head)
	defer done()
	if err != nil {
		return dump.PartError(name, found, err)
	}
	switch first, _ = plain.Peek(filekind.Enough); {
	case found.Name == "xtrabackup":
		err = r.stream(name, plain)
	case filekind.IsTar(first):
		t := r.tree(name)
		err = dump.Members(plain, name, func(h *tar.Header, from io.Reader) error {
			return r.member(t, strings.TrimPrefix(path.Clean("/"+h.Name), "/"), h, from)
		})
	default: // something else that lies there
	}
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	if err != nil {
		return dump.PartError(name, found, err)
	}
	return nil
}

// member of a tar.
func (r *reading) member(t *tree, name string, h *tar.Header, from io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		t.folders[name] = true
		return nil
	case tar.TypeReg, tar.TypeGNUSparse:
		return r.file(t, name, h.Size, from)
	case tar.TypeXGlobalHeader:
		return nil
	}
	if !dataFolder(name) {
		return nil // such as a link to the latest backup
	}
	return damage("it holds %q, which is neither a file nor a folder: no backup of mariadb-backup has such", name)
}

// dataFolder tells by its name whether a file belongs to a server.
func dataFolder(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, "ibdata") || strings.HasPrefix(base, "ib_logfile") || strings.HasPrefix(base, "undo") ||
		strings.HasSuffix(base, ".ibd") || strings.HasSuffix(base, ".frm")
}

// file reads one of a tar to its end, and puts it into the machine.
func (r *reading) file(t *tree, name string, size int64, from io.Reader) error {
	f, err := t.begin(name)
	if err != nil {
		return err
	}
	to := []io.Writer{f}
	if r.put != nil {
		if err := r.put.begin(t.at(name), size); err != nil {
			return err
		}
		to = append(to, r.put)
	}
	if _, err := io.CopyBuffer(io.MultiWriter(to...), struct{ io.Reader }{from}, r.buf); err != nil {
		if dump.Harness(err) || errors.Is(err, io.ErrUnexpectedEOF) { // whose tar says where it is cut off
			return err
		}
		return damage("%s cannot be read to its end: %v", name, err)
	}
	return nil
}

// stream reads a stream of mariadb-backup, and has it unpacked in the machine as it passes.
func (r *reading) stream(name string, from io.Reader) error {
	t := r.tree(name)
	if r.put == nil {
		return t.pieces(from)
	}
	return r.put.unpack(t.stage, func(out io.Writer) error { return t.pieces(io.TeeReader(from, out)) })
}

// pieces reads the files of a stream.
func (t *tree) pieces(from io.Reader) error {
	in := innodb.NewStream(from)
	for n := 0; ; n++ {
		p, err := in.Next()
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return t.ended()
		case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
			return damage("%s ends too early: it is cut off", t.words())
		case errors.Is(err, innodb.ErrStream):
			return damage("%s is damaged: %v", t.words(), err)
		case err != nil:
			return err
		}
		if err := t.piece(p); err != nil {
			return err
		}
	}
}

func (t *tree) piece(p innodb.Piece) error {
	name := path.Clean(p.Path)
	if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return damage("it holds %q, which leads out of it", p.Path)
	}
	f := t.files[name]
	if f == nil {
		var err error
		if f, err = t.begin(name); err != nil {
			return err
		}
		f.open = true
	}
	switch {
	case p.End:
		f.open = false
	case p.Offset != uint64(f.size):
		return damage("%s is damaged: of %s the bytes from %d on are missing", t.words(), name, f.size)
	}
	_, err := f.Write(p.Data)
	return err
}

// infoName is the last file of a stream.
var infoName = regexp.MustCompile(`^(xtrabackup|mariadb_backup)_info$`)

// ended tells whether each file came to its end.
func (t *tree) ended() error {
	for _, name := range keys(t.files) {
		if t.files[name].open {
			return damage("%s ends too early, in %s: it is cut off", t.words(), name)
		}
	}
	if !slices.ContainsFunc(keys(t.files), func(name string) bool { return infoName.MatchString(name) }) {
		return damage("%s ends too early: xtrabackup_info is missing, which is written last", t.words())
	}
	return nil
}
