package postgres

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// tarball loads a dump that comes as a tar: one of pg_dump -Ft, or a folder dump. The former
// begins with its table of contents and pg_restore takes it from a stream. A folder
// is put on the machine's volume first, and so is anything when several jobs load it.
func (l *load) tarball(ctx context.Context) error {
	fwd := &dump.Forward{}
	tr := tar.NewReader(io.TeeReader(l.in, fwd))
	h, err := tr.Next()
	if err != nil {
		return tarError(err)
	}
	want := l.set.Format
	if h.Name != pgdump.TOCName || l.set.Jobs > 1 || want == formatDirectory {
		return l.folder(ctx, fwd)
	}
	toc, err := readTOC(tr, h)
	if err != nil {
		return err
	}
	if toc.Compressed { // pg_dump -Ft never is: a folder dump whose tar begins with toc.dat
		return l.folder(ctx, fwd)
	}
	if err := l.makeReady(ctx, toc); err != nil {
		return err
	}
	c, done, err := l.pgRestore(ctx, "tar")
	if err != nil {
		return err
	}
	defer done()
	err = l.runner().Pour(ctx, c, func(out io.Writer) error {
		if err := fwd.Open(out); err != nil {
			return err
		}
		return l.members(tr, toc)
	})
	if err != nil {
		return l.told(ctx, err, "tar", "")
	}
	return nil
}

// members checks what follows the table of contents of a pg_dump -Ft.
func (l *load) members(tr *tar.Reader, toc *pgdump.Archive) error {
	files := pgdump.NewFiles()
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return tarError(err)
		}
		if err := inside(h); err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || path.Base(h.Name) != h.Name {
			return &dump.Damage{Reason: fmt.Sprintf("its tar holds %q: pg_dump writes files, and no folders", h.Name)}
		}
		if err := files.Add(h.Name, tr); err != nil {
			return tarError(err)
		}
	}
	if _, err := io.Copy(io.Discard, l.in); err != nil { // padding
		return err
	}
	return files.Check(toc)
}

// inside refuses a member whose name leads out of the tar.
func inside(h *tar.Header) error {
	if path.IsAbs(h.Name) || strings.ContainsAny(h.Name, "\\\x00") || slices.Contains(strings.Split(h.Name, "/"), "..") {
		return &dump.Damage{Reason: fmt.Sprintf("its tar holds the name %q, which leads out of it", h.Name)}
	}
	return nil
}

// readTOC reads a member that is the table of contents.
func readTOC(r io.Reader, h *tar.Header) (*pgdump.Archive, error) {
	in := pgdump.NewReader(r)
	toc, err := pgdump.ReadArchive(in)
	if err == nil {
		err = in.End()
	}
	if err != nil {
		return nil, tarError(err)
	}
	if toc.Format == pgdump.Custom {
		return nil, &dump.Damage{Reason: fmt.Sprintf("%s of it is a custom dump (give the custom dump itself)", h.Name)}
	}
	return toc, nil
}

// tarError tells a tar that is cut off or damaged from a stream that cannot be read.
func tarError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &dump.Damage{Reason: "its tar is cut off"}
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return &dump.Damage{Reason: fmt.Sprintf("its tar is damaged: %s", err)}
	}
	return err
}

// folder puts a folder dump on the machine's volume, checking each file as it passes.
func (l *load) folder(ctx context.Context, fwd *dump.Forward) error {
	again := bytes.NewReader(fwd.Head()) // what was looked at
	tr := tar.NewReader(io.MultiReader(again, l.in))
	return l.runner().Staged(ctx, stageFolder, func(folder string) error {
		toc, err := l.put(ctx, folder, tr)
		if err != nil {
			return err
		}
		if err := l.makeReady(ctx, toc); err != nil {
			return err
		}
		dump := path.Join(folder, "dump")
		c, done, err := l.pgRestore(ctx, "directory", "-j", fmt.Sprint(l.set.Jobs), dump)
		if err != nil {
			return err
		}
		defer done()
		if err := l.runner().Exec(ctx, c); err != nil {
			return l.told(ctx, err, "directory", dump)
		}
		return nil
	})
}

// put copies the tar into the machine. Only the names of a flat folder dump get there.
func (l *load) put(ctx context.Context, folder string, tr *tar.Reader) (*pgdump.Archive, error) {
	pr, pw := io.Pipe()
	type result struct {
		toc *pgdump.Archive
		err error
	}
	done := make(chan result, 1)
	go func() {
		toc, err := l.copyFolder(tr, pw)
		pw.CloseWithError(err)
		done <- result{toc, err}
	}()
	err := instance.Put(ctx, l.machine, folder, pr)
	pr.CloseWithError(io.ErrClosedPipe)
	r := <-done
	if r.err != nil && (err == nil || !errors.Is(r.err, io.ErrClosedPipe)) {
		return nil, r.err
	}
	if err != nil {
		return nil, fmt.Errorf("put the backup on %s: %w", l.machine.Name(), err)
	}
	return r.toc, nil
}

// copyFolder writes the files of a folder dump as dump/<name>.
func (l *load) copyFolder(tr *tar.Reader, out io.Writer) (*pgdump.Archive, error) {
	tw := tar.NewWriter(out)
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "dump/", Mode: 0o755}); err != nil {
		return nil, err
	}
	files := pgdump.NewFiles()
	var toc *pgdump.Archive
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tarError(err)
		}
		if err := inside(h); err != nil {
			return nil, err
		}
		name := path.Base(h.Name)
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || strings.HasPrefix(name, "._") { // attributes, as macOS packs them
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return nil, &dump.Damage{Reason: fmt.Sprintf("%s of it is not a file", h.Name)}
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: "dump/" + name, Size: h.Size, Mode: 0o644, Format: tar.FormatPAX}
		if err := tw.WriteHeader(header); err != nil {
			return nil, err
		}
		in := io.TeeReader(tr, tw)
		if name == pgdump.TOCName {
			toc, err = readTOC(in, h)
		} else {
			err = files.Add(name, in)
		}
		if err != nil {
			return nil, tarError(err)
		}
	}
	if _, err := io.Copy(io.Discard, l.in); err != nil { // padding
		return nil, err
	}
	if toc == nil {
		return nil, &dump.Damage{Reason: "it has no table of contents (toc.dat)"}
	}
	if err := files.Check(toc); err != nil {
		return nil, err
	}
	return toc, tw.Close()
}
