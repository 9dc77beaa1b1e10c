package tree

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"lifeboat/internal/tarend"
)

// Damage says what is wrong with a tar of a tree.
type Damage struct{ Reason string }

func (e *Damage) Error() string { return e.Reason }

func bad(format string, args ...any) error { return &Damage{Reason: fmt.Sprintf(format, args...)} }

// Odd says that a tar may be good and is not read here.
type Odd struct {
	Reason  string
	Partial bool // it is an increment, or a part of several: something else belongs to it
}

func (e *Odd) Error() string { return e.Reason }

// Said is what is worth a word and decides nothing: how many members, and the first of them.
type Said struct {
	Count int64
	First string
}

func (s *Said) add(name string) {
	if s.Count++; s.Count == 1 {
		s.First = name
	}
}

// mostNames bounds what is remembered of a tree: some 300 bytes each.
const mostNames = 4 << 20

// mostZeros is what may follow an archive's end, bytes: more is no record of any tape, but a file that was never filled.
const mostZeros = 1<<20 + 4*tarend.Block

// Tar reads a tar of a tree, member by member, and remembers the tree that comes of it. Names are made plain, and none leads out of
// the tree, nor through a link of it that does.
type Tar struct {
	src  *source
	end  *tarend.Reader
	tr   *tar.Reader
	hash hash.Hash // nil: nobody asks for digests
	size int64

	now     *named // being read
	names   map[string]named
	within  map[string]int // how many paths lie in a folder
	files   int            // numbers of files that have several names, so far
	members int64

	Absolute, Twice, Special, Privileged, Relabelled, Nameless Said
}

// source remembers the error of the stream itself, whatever a tar reader makes of it.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// NewTar reads a tar, with digests of its files or without.
func NewTar(r io.Reader, digests bool) *Tar {
	t := &Tar{src: &source{r: r}, names: map[string]named{}, within: map[string]int{}}
	t.end = tarend.New(t.src)
	t.tr = tar.NewReader(t.end)
	if digests {
		t.hash = sha256.New()
	}
	return t
}

// Next gives the next member, whose content is to be Read. Its digest is not known yet. io.EOF: that was all, and the archive has its end.
// *Damage, *Odd, or the error of the stream.
func (t *Tar) Next() (Entry, error) {
	if err := t.settle(); err != nil {
		return Entry{}, t.blame(err)
	}
	for {
		h, err := t.tr.Next()
		if errors.Is(err, io.EOF) && t.src.err == nil {
			return Entry{}, t.finish()
		}
		if err != nil {
			return Entry{}, t.blame(err)
		}
		t.members++
		n, skip, err := t.member(h)
		if err != nil {
			return Entry{}, t.blame(err)
		}
		if skip {
			if _, err := io.Copy(io.Discard, t.tr); err != nil {
				return Entry{}, t.blame(err)
			}
			t.end.Mark()
			continue
		}
		t.now = &n
		return n.Entry, nil
	}
}

// Read gives the content of the member that Next gave.
func (t *Tar) Read(p []byte) (int, error) {
	n, err := t.tr.Read(p)
	if t.hash != nil {
		t.hash.Write(p[:n])
	}
	t.size += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = t.blame(err)
	}
	return n, err
}

// settle reads the member before to its end, and puts it into the tree.
func (t *Tar) settle() error {
	n := t.now
	if n == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, onlyReader{t}); err != nil {
		return err
	}
	t.end.Mark()
	if n.Type == File && n.Same == "" {
		n.Size = t.size
		if t.hash != nil {
			n.Digest = hex.EncodeToString(t.hash.Sum(nil))
		}
	}
	t.names[n.Path] = *n
	if t.hash != nil {
		t.hash.Reset()
	}
	t.now, t.size = nil, 0
	return nil
}

type onlyReader struct{ io.Reader }

func (t *Tar) finish() error {
	wrong, zeros, err := t.end.Finish()
	switch {
	case err != nil:
		return err
	case wrong == tarend.CutOff && t.members > 0:
		return bad("it is cut off after %d members: the end of the archive is missing", t.members)
	case wrong != "":
		return bad("%s", wrong)
	case zeros > mostZeros:
		return bad("%d bytes of zeros stand at its end: it was never filled, or was overwritten", zeros)
	}
	return io.EOF
}

// blame tells damage from an error of the stream.
func (t *Tar) blame(err error) error {
	switch {
	case t.src.err != nil:
		return t.src.err
	case errors.As(err, new(*Damage)), errors.As(err, new(*Odd)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) && t.now != nil:
		return bad("it is cut off in the middle of %q, after %d bytes", t.now.Path, t.end.Bytes())
	case errors.Is(err, io.ErrUnexpectedEOF):
		return bad("it is cut off after %d members, in the header of the next, after %d bytes", max(0, t.members), t.end.Bytes())
	}
	return bad("its tar is damaged at byte %d, after %d members: %v", t.end.Bytes(), t.members, err)
}

// Entries of the tree that the members made, in the order of their paths. Of several members of one name the last one counts.
func (t *Tar) Entries() []Entry { return settle(slices.Collect(maps.Values(t.names))) }

// Members read so far.
func (t *Tar) Members() int64 { return t.members }

// plain makes a member's name one within the tree: absolute ones lose their slash, as tar itself has it.
func (t *Tar) plain(name string) (string, error) {
	if strings.ContainsRune(name, 0) || name == "" {
		return "", bad("it holds the name %q, which is none", clip(name))
	}
	if path.IsAbs(name) {
		t.Absolute.add(name)
		name = strings.TrimLeft(name, "/")
	}
	if strings.Contains("/"+name+"/", "/../") {
		return "", bad("it holds the name %q, which leads out of the tree", clip(name))
	}
	return t.through(path.Clean("./"+name), name)
}

const mostLinks = 40 // as Linux follows

// through follows the links of the tree that a name leads through, but for its last part. One that leads out of the tree is damage.
func (t *Tar) through(clean, said string) (string, error) {
	for links := 0; ; {
		moved := false
		for i, c := range []byte(clean) {
			if c != '/' {
				continue
			}
			at, ok := t.names[clean[:i]]
			if !ok || at.Type == Dir {
				continue
			}
			if at.Type != Link {
				return "", bad("it holds the name %q, and %q is no folder", clip(said), clip(at.Path))
			}
			to := path.Join(path.Dir(at.Path), at.Target)
			if links++; path.IsAbs(at.Target) || to == ".." || strings.HasPrefix(to, "../") || links > mostLinks {
				return "", bad("it holds the name %q, which leads out of the tree through the link %q to %q", clip(said), clip(at.Path), clip(at.Target))
			}
			clean, moved = path.Join(to, clean[i+1:]), true
			break
		}
		if !moved {
			return clean, nil
		}
	}
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
