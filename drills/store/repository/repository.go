// Package repository is what stores have in common whose folder is read by somebody else's program, in a room without any network: restic, borg.
package repository

import (
	"cmp"
	"errors"
	"io"
	"path"
	"strings"
	"sync"

	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// Keys are those that the settings of all of them have, as a scenario gives them.
type Keys struct {
	Path, Image, Take, Consistent string
	Elsewhere                     bool // it lies in no folder
}

// Checks are what the key check takes: what of a repository its own program is to check once the drill is over. structure is what it holds and how that hangs
// together; data reads all of it.
type Checks struct {
	Check string `yaml:"check" enum:"structure data"` // have the program check the whole repository afterwards, structure or data; default neither
}

// Judge is what the end of a program's own check says. found are its words where it found something; otherwise says what any other end is.
func (c Checks) Judge(tool string, ended error, said, found string, otherwise func() error) (*store.Checked, error) {
	checked := &store.Checked{Tool: tool, How: c.Check}
	if ended == nil {
		return checked, nil
	}
	if exit, ok := errors.AsType[*store.ExitError](ended); ok && exit.Code == 1 && strings.Contains(said, found) {
		checked.Wrong = First(said)
		return checked, nil
	}
	err := otherwise()
	if bad, ok := errors.AsType[*store.Mismatch](err); ok {
		checked.Wrong = bad.What
		return checked, nil
	}
	return nil, err
}

// First line of what a program said.
func First(said string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return strings.TrimSpace(line)
}

// Problems of the keys. program is whose repository it is. decoded: all keys could be read, so that one without a value is missing.
func (k Keys) Problems(s scenarios.Settings, program string, decoded bool) (all []scenarios.Problem) {
	need := func(key, hint, value string) {
		all = append(all, s.ProblemIf(value == "" && (decoded || !s.Has(key)), key, hint, "is missing")...)
	}
	if !k.Elsewhere {
		need("path", "add path: ./repository", k.Path)
	}
	need("image", "add image: NAME, of an image of your engine that holds "+program+"; lifeboat pulls none", k.Image)
	if k.Take != "" {
		all = append(all, FullPath(s, "take", k.Take)...)
	}
	if check := s.Text("check"); check != "" && check != "structure" && check != "data" {
		all = append(all, s.Problem("check", "check: structure, check: data, or delete it", "%q is not understood", scenarios.Clip(check)))
	}
	if k.Consistent != "" && k.Consistent != "begun" {
		all = append(all, s.Problem("consistent", "consistent: begun, or delete it", "%q is not understood", scenarios.Clip(k.Consistent)))
	}
	return all
}

// FullPath says what is wrong with the path of something that was backed up.
func FullPath(s scenarios.Settings, key, name string) []scenarios.Problem {
	if path.IsAbs(name) && path.Clean(name) == name {
		return nil
	}
	return []scenarios.Problem{s.Problem(key, "write it like /var/backups/shop.dump", "%q is not the full path of a file or a folder", scenarios.Clip(name))}
}

// Pour is a body that give writes in a goroutine of its own, once it is read. Close has stop end that, waits until it has, and then calls end.
func Pour(give func(io.Writer) error, stop func(), end func() error) io.ReadCloser {
	b := &body{give: give, stop: stop, end: end}
	b.PipeReader, b.to = io.Pipe()
	return b
}

type body struct {
	*io.PipeReader
	to    *io.PipeWriter
	give  func(io.Writer) error
	stop  func()
	end   func() error
	begun sync.Once
	given sync.WaitGroup
}

func (b *body) Read(p []byte) (int, error) {
	b.begun.Do(func() { b.given.Go(func() { b.to.CloseWithError(b.give(b.to)) }) })
	return b.PipeReader.Read(p)
}

func (b *body) Close() error {
	b.begun.Do(func() {}) // what nobody read is not begun any more
	b.stop()
	err := b.PipeReader.Close()
	b.given.Wait()
	return errors.Join(err, b.end())
}

// MostSaid bounds what Tail keeps of what a program says, and Head where nothing else is said, bytes.
const MostSaid = 64 << 10

// Tail keeps the end of what is written.
type Tail struct{ b []byte }

// Write implements io.Writer.
func (t *Tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - MostSaid; n > 0 {
		t.b = t.b[n:]
	}
	return len(p), nil
}

func (t *Tail) String() string { return string(t.b) }

// Head keeps the beginning of what is written.
type Head struct {
	Most int // bytes; 0: MostSaid
	b    []byte
}

// Write implements io.Writer.
func (h *Head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), cmp.Or(h.Most, MostSaid)-len(h.b))]...)
	return len(p), nil
}

// Bytes are those that were kept.
func (h *Head) Bytes() []byte { return h.b }
