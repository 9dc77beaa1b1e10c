package redis

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/redis/rdb"
	"lifeboat/internal/filekind"
)

var _ restore.Reader = (*Loader)(nil)

// sink takes the files of a backup while they are read.
type sink interface {
	// file begins one of a name in the data folder and a size in bytes.
	file(name string, size int64) (io.Writer, error)
}

// nowhere is the sink of what is only read.
type nowhere struct{}

func (nowhere) file(string, int64) (io.Writer, error) { return io.Discard, nil }

// Read reads a backup to its end, without a server.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	job := &load{Loader: l, source: s, now: time.Now()}
	out, err := job.pass(ctx, nowhere{})
	return out, dump.Classify(s.Backup, err)
}

// pass reads the backup once, into a sink, and tells what it is.
func (l *load) pass(ctx context.Context, to sink) (restore.Outcome, error) {
	stream, err := l.source.Open(ctx)
	if err != nil {
		return restore.Outcome{}, err
	}
	in := dump.Open(ctx, stream)
	l.backup = backup{}
	err = l.content(in, to)
	if err == nil {
		err = l.backup.choose(l.set.Format, l.set.AOFTruncated)
	}
	err = in.Explained(ctx, l.source, err)
	if e := in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", l.source.Backup, e)
	}
	if err != nil {
		return restore.Outcome{}, err
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes(), Made: l.backup.made()}, nil
}

// content reads all files of the backup.
func (l *load) content(in *dump.Input, to sink) error {
	head, found, err := in.Detect()
	if err != nil {
		return err
	}
	switch found.Name {
	case "redis", "redis_aof":
		name := nameOf(head)
		out, err := to.file(name, l.size)
		if err != nil {
			return err
		}
		if err := l.add(piece{}, name, io.TeeReader(in, out)); err != nil {
			return err
		}
		return in.Finish()
	case "tar":
		return l.folder(in, to)
	case "":
		return errNone()
	}
	return &restore.KindError{Found: found}
}

// nameOf a file in the data folder, by its beginning.
func nameOf(head []byte) string {
	if s, err := rdb.Head(bytes.NewReader(head)); err == nil && !s.OfLog {
		return snapshotName
	}
	return logName
}

// add reads one file to its end. Its only errors are of the reading: what is wrong with the file is kept with it.
func (l *load) add(p piece, name string, from io.Reader) error {
	counted := &counter{from: from}
	if name == snapshotName {
		p.snapshot, p.err = rdb.Read(counted, l.now)
	} else {
		p.log, p.err = rdb.ReadLog(counted, l.now)
		p.snapshot = p.log.Snapshot
	}
	if p.err != nil && !errors.As(p.err, new(*dump.Damage)) {
		return p.err
	}
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return err
	}
	p.size = counted.n
	if p.err == nil && name == snapshotName && p.snapshot.Unknown == "" && p.size > p.snapshot.Bytes && !counted.marked(p.size-p.snapshot.Bytes) {
		p.err = &dump.Damage{Reason: fmt.Sprintf("%d bytes follow the end of its snapshot", p.size-p.snapshot.Bytes)}
	}
	if name == snapshotName {
		l.backup.snapshots = append(l.backup.snapshots, p)
	} else {
		l.backup.logs = append(l.backup.logs, p)
	}
	return nil
}

// counter counts what is read.
type counter struct {
	from io.Reader
	n    int64
	last []byte // as many as endMark has
}

// endMark is the length of what ends the stream of a server that saves to nowhere: redis-cli --rdb - writes it behind the snapshot, and no server
// minds it there. bytes
const endMark = 40

// marked tells whether what follows a snapshot, so many bytes, is such a mark.
func (c *counter) marked(more int64) bool {
	return more == endMark && len(bytes.Trim(c.last, "0123456789abcdef")) == 0
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	c.last = append(c.last, p[max(0, n-endMark):n]...)
	c.last = append(c.last[:0], c.last[max(0, len(c.last)-endMark):]...)
	return n, err
}

// folder reads a tar: a data folder, or what lies in the folder of a log's parts.
func (l *load) folder(in *dump.Input, to sink) error {
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cutTar(err)
		}
		if h.Typeflag == tar.TypeReg {
			if err := l.member(h, &whole{tr}, to); err != nil {
				return err
			}
		}
	}
	_, err := io.Copy(io.Discard, in) // blocks of zeros follow
	if err != nil {
		return err
	}
	return in.Finish()
}

// whole turns the end of a tar in the middle of a file into damage.
type whole struct{ from io.Reader }

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = cutTar(err)
	}
	return n, err
}

func cutTar(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &dump.Damage{Reason: "its tar archive is cut off"}
	case errors.Is(err, tar.ErrHeader):
		return &dump.Damage{Reason: "its tar archive is damaged"}
	}
	return err
}

// member reads one file of a folder.
func (l *load) member(h *tar.Header, from io.Reader, to sink) error {
	name := path.Base(path.Clean("/" + h.Name))
	p := piece{name: name, size: h.Size}
	if strings.HasSuffix(name, ".manifest") && h.Size <= mostManifest {
		text, err := io.ReadAll(from)
		if err != nil {
			return err
		}
		l.backup.manifest, l.backup.manifests = string(text), append(l.backup.manifests, name)
		return put(to, path.Join(partsFolder, name), text)
	}
	if _, _, ok := rdb.PartOf(name); ok {
		out, err := to.file(path.Join(partsFolder, name), h.Size)
		if err != nil {
			return err
		}
		return l.addPart(p, io.TeeReader(from, out))
	}
	head := make([]byte, min(h.Size, headSize))
	if _, err := io.ReadFull(from, head); err != nil {
		return err
	}
	place := placeOf(name, head)
	if place == "" {
		if l.backup.inside == nil && !strings.HasPrefix(name, ".") {
			l.backup.inside = dump.Inside(h.Name, filekind.Of(head))
		}
		_, err := io.Copy(io.Discard, from)
		return err
	}
	out, err := to.file(place, h.Size)
	if err != nil {
		return err
	}
	return l.add(p, place, io.TeeReader(io.MultiReader(bytes.NewReader(head), from), out))
}

const (
	mostManifest = 1 << 20
	headSize     = 4 << 10
)

// placeOf a file that is no part of a log in several, in the data folder; "": a server reads none of its kind, or only once it has
// written it to its end.
func placeOf(name string, head []byte) string {
	magic := bytes.HasPrefix(head, []byte("REDIS")) || bytes.HasPrefix(head, []byte("VALKEY"))
	switch {
	case strings.HasPrefix(name, "temp-"):
	case magic:
		return nameOf(head)
	case strings.HasSuffix(name, ".aof"):
		return logName
	case strings.HasSuffix(name, ".rdb"):
		return snapshotName
	}
	return ""
}

func put(to sink, name string, content []byte) error {
	out, err := to.file(name, int64(len(content)))
	if err == nil {
		_, err = out.Write(content)
	}
	return err
}

// addPart reads a part of a log in several.
func (l *load) addPart(p piece, from io.Reader) error {
	if l.backup.parts == nil {
		l.backup.parts = map[string]piece{}
	}
	if _, twice := l.backup.parts[p.name]; twice {
		return which("it holds %s twice: give each server's log a backup of its own", p.name)
	}
	p.log, p.err = rdb.ReadLog(from, l.now)
	if p.err != nil && !errors.As(p.err, new(*dump.Damage)) {
		return p.err
	}
	p.snapshot = p.log.Snapshot
	l.backup.parts[p.name] = p
	_, err := io.Copy(io.Discard, from)
	return err
}
