package basebackup

import (
	"archive/tar"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgbackrest"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
)

// Programs whose repositories are read.
const (
	byPgBackRest = "pgbackrest"
	byBarman     = "barman"
)

// index is what a repository was found to hold, before anything of it is restored.
type index struct {
	sizes map[string]int64  // of its files, by path
	texts map[string][]byte // of those that tell of others
}

// chosen is the backup of a repository that is restored: which files it is made of, and where its WAL lies.
type chosen struct {
	label    string
	pieces   map[string][]piece
	empty    []string // files without a byte, which may lie nowhere
	folders  []string
	manifest *pgdata.Manifest // nil: the repository holds no checksums
	history  *pgdata.Label    // where its WAL begins and ends, if no manifest says it
	first    string           // segment from which WAL is needed; "": all
	log      func(at string) (l log, ok bool)
	member   func(w *walker, at string, h *tar.Header, r io.Reader) (taken bool, err error) // files that are no pieces; nil: there are none
}

// piece is a file of a backup, as it lies in one of the repository.
type piece struct {
	name   string // in the data folder
	size   int64
	at     int64 // where it begins
	length int64 // bytes there; below 0: to the end
	pass   string
	packed bool
}

// log is a file of WAL in a repository.
type log struct{ name, sum, pass string }

// told are the files of a repository that tell of others.
func told(at string) bool {
	base := strings.TrimSuffix(path.Base(at), ".copy")
	return base == "backup.info" || base == "archive.info" || base == "backup.manifest"
}

// through reads the backup to its end; of a repository, what belongs to one backup of it.
func (b *backup) through(ctx context.Context, to *contents) (digest string, n int64, err error) {
	if b.set.Repository == "" {
		return through(ctx, b.source, to)
	}
	members := func(do func(w *walker, h *tar.Header, r io.Reader) error) (string, int64, error) {
		w := &walker{to: to, seen: true}
		return dump.Through(ctx, b.source, func(in *dump.Input) error {
			if !b.source.Point.Dir {
				if err := detected(in); err != nil {
					return err
				}
			}
			if err := dump.Members(in, "its tar", func(h *tar.Header, r io.Reader) error {
				if h.Typeflag != tar.TypeReg {
					return nil
				}
				return do(w, h, r)
			}); err != nil {
				return err
			}
			return dump.Drained(in)
		})
	}
	if b.chosen == nil {
		found := &index{sizes: map[string]int64{}, texts: map[string][]byte{}}
		if _, _, err := members(func(_ *walker, h *tar.Header, r io.Reader) (err error) {
			at := path.Clean(h.Name)
			found.sizes[at] = h.Size
			if told(at) {
				found.texts[at], err = io.ReadAll(io.LimitReader(r, mostManifest))
			}
			return err
		}); err != nil {
			return "", 0, err
		}
		if b.chosen, err = b.choose(found); err != nil {
			return "", 0, err
		}
		b.Note("restored is backup %s of its repository", b.chosen.label)
	}
	if err := b.chosen.begin(to); err != nil {
		return "", 0, err
	}
	return members(func(w *walker, h *tar.Header, r io.Reader) error { return b.chosen.take(w, path.Clean(h.Name), h, r) })
}

func (b *backup) choose(found *index) (*chosen, error) {
	if b.set.Repository == byBarman {
		return b.ofBarman(found)
	}
	return b.ofPgBackRest(found)
}

// begin gives the taker what lies in no file of its own.
func (s *chosen) begin(to *contents) error {
	to.manifest = s.manifest
	if s.history != nil {
		to.archived.backups = append(to.archived.backups, s.history)
	}
	if to.put != nil && s.first != "" {
		to.put.want = func(name string) bool { return len(name) != len(s.first) || name[8:] >= s.first[8:] }
	}
	for _, name := range s.folders {
		if err := to.folder(name); err != nil {
			return err
		}
	}
	for _, name := range s.empty {
		if err := to.file(name, 0, strings.NewReader("")); err != nil {
			return err
		}
	}
	return nil
}

// take gives the taker what a file of the repository holds of the backup.
func (s *chosen) take(w *walker, at string, h *tar.Header, r io.Reader) error {
	if l, ok := s.log(at); ok {
		return s.takeLog(w.to, at, l, r)
	}
	var gone int64
	for _, p := range s.pieces[at] {
		if p.at < gone {
			return damage("%s holds %s where another file lies", at, p.name)
		}
		if n, err := io.CopyN(io.Discard, r, p.at-gone); err != nil {
			return cutOff(at, p.name, gone+n, err)
		}
		inside := r
		if p.length >= 0 {
			inside = io.LimitReader(r, p.length)
			gone = p.at + p.length
		}
		if err := p.give(w.to, at, inside); err != nil {
			return err
		}
	}
	if s.member != nil {
		_, err := s.member(w, at, h, r)
		return err
	}
	return nil
}

func cutOff(at, name string, after int64, err error) error {
	if dump.Harness(err) {
		return err
	}
	return damage("%s ends after %d bytes, before %s in it: it is cut off", at, after, name)
}

// give reads a piece to its end.
func (p piece) give(to taker, at string, r io.Reader) error {
	from := r
	if p.pass != "" {
		from = pgbackrest.Decrypt(from, p.pass)
	}
	done := func() {}
	if p.packed {
		plain, _, end, err := dump.Unwrapped(from)
		done = end
		if err != nil {
			done()
			return p.wrong(at, err)
		}
		from = plain
	}
	defer done()
	if err := to.file(p.name, p.size, &exact{from, p.size, func(err error) error { return p.wrong(at, err) }}); err != nil {
		return p.wrong(at, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return p.wrong(at, err)
	}
	return nil
}

func (p piece) wrong(at string, err error) error {
	switch {
	case dump.Harness(err):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return damage("%s ends too early in %s: it is cut off, or damaged", p.name, at)
	}
	return damage("%s is damaged in %s: %v", p.name, at, err)
}

// takeLog reads a file of WAL, and holds it against the checksum in its name.
func (s *chosen) takeLog(to taker, at string, l log, r io.Reader) error {
	if s.first != "" && len(l.name) >= 24 && l.name[8:24] < s.first[8:] {
		return nil // of older backups
	}
	if l.pass != "" {
		r = pgbackrest.Decrypt(r, l.pass)
	}
	plain, found, done, err := dump.Unwrapped(r)
	defer done()
	if err != nil {
		return dump.PartError(at, found, err)
	}
	named := &archived{from: plain, log: l, sum: sha1.New()} //nolint:gosec // it is pgBackRest's
	if err = to.log(l.name, named); err == nil {             // who took it may not have read all of it, and then nobody knows its checksum
		_, err = io.Copy(io.Discard, io.LimitReader(named, mostSegment+1))
	}
	switch {
	case named.other != nil:
		return named.other
	case named.err != nil:
		return dump.PartError(at, found, named.err)
	}
	return err
}

// one of several that a repository holds.
func (b *backup) one(of map[string]bool, what string) (string, error) {
	names := keys(of)
	switch {
	case b.set.Stanza != "" && !of[b.set.Stanza]:
		return "", &restore.LackError{Lack: record.LackStanza, What: fmt.Sprintf("there is no %s %s in its repository, which holds %s", what, b.set.Stanza,
			few(append(names, "")[:max(1, len(names))]))}
	case b.set.Stanza != "":
		return b.set.Stanza, nil
	case len(names) == 0:
		return "", damage("it is no repository of %s: there is no %s in it", b.set.Repository, what)
	case len(names) > 1:
		return "", &restore.LackError{Lack: record.LackStanza, What: fmt.Sprintf("its repository holds several: %s", few(names))}
	}
	return names[0], nil
}

// newest of the complete backups of a repository, by when each was complete: that which the scenario names, or the last before the time to
// which recovery goes.
func (b *backup) newest(of map[string]time.Time) (string, error) {
	if want := b.set.Set; want != "" {
		if _, ok := of[want]; !ok {
			return "", &restore.LackError{Lack: record.LackSet, What: fmt.Sprintf("there is no backup %s in its repository, which holds %s", want, few(keys(of)))}
		}
		return want, nil
	}
	label := ""
	for _, name := range keys(of) {
		if t := b.set.Recover.Time; t != nil && of[name].After(*t) {
			continue
		}
		if label == "" || !of[name].Before(of[label]) {
			label = name
		}
	}
	switch {
	case len(of) == 0:
		return "", damage("there is no complete backup in its repository")
	case label == "":
		return "", damage("no backup in its repository was complete before %s, to which recovery should go", b.set.Recover.Time.UTC().Format(time.RFC3339))
	}
	return label, nil
}
