package restic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/store"
)

// Kinds of files of a repository: each has a folder, and config is one file. The name of every other file is the SHA-256 of its content
// (restic's "Design", Repository Format).
const (
	config    = "config"
	keys      = "keys"
	index     = "index"
	snapshots = "snapshots"
	packs     = "data"
	locks     = "locks"
)

var folders = []string{keys, index, snapshots, packs, locks}

// file of a repository.
type file struct {
	name    string
	size    int64
	written time.Time
}

// files are where a repository lies. Names are checked before it is asked.
type files interface {
	// list gives the files of one kind; fs.ErrNotExist where the repository has no such folder.
	list(ctx context.Context, kind string) ([]file, error)
	// open gives one from an offset on, and what is known of all of it; to is the last byte that will be read, below 0 its end. fs.ErrNotExist: it is
	// not there.
	open(ctx context.Context, kind, name string, from, to int64) (io.ReadCloser, file, error)
}

// server answers one run of restic, in restic's own protocol for repositories (REST backend, versions 1 and 2), and takes nothing. What it sees
// of the repository is beyond doubt: whether a file is there, and whether one that it gave whole is what its name promises.
type server struct {
	of   files
	stop context.CancelCauseFunc // ends the run: what was seen decides it, and restic would ask again for minutes

	mu      sync.Mutex
	gone    []string // files that were asked for and are not there, as kind/name
	damaged map[string][]file
	given   map[string]bool // packs of which something was given
	noKeys  bool
	trouble error // of this host, or of what the repository lies on: then nothing was found about it
	refused string
}

func newServer(of files, stop context.CancelCauseFunc) *server {
	return &server{of: of, stop: stop, damaged: map[string][]file{}, given: map[string]bool{}}
}

const versionTwo = "application/vnd.x.restic.rest.v2"

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.note(func() { s.refused = r.Method + " " + r.URL.Path })
		http.Error(w, "this repository is only read", http.StatusForbidden)
		return
	}
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case kind == config && name == "":
		s.file(w, r, config, "")
	case slices.Contains(folders, kind) && name == "":
		s.list(w, r, kind)
	case slices.Contains(folders, kind) && isID(name):
		s.file(w, r, kind, name)
	default:
		http.NotFound(w, r)
	}
}

// isID tells a digest in hex from anything else: nothing else is ever opened.
func isID(name string) bool {
	raw, err := hex.DecodeString(name)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(name) == name
}

func (s *server) note(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
}

// fail ends the run for what is no word on the repository.
func (s *server) fail(w http.ResponseWriter, err error) {
	s.note(func() { s.trouble = errors.Join(s.trouble, err) })
	s.stop(err)
	http.Error(w, "it cannot be read", http.StatusInternalServerError)
}

func (s *server) list(w http.ResponseWriter, r *http.Request, kind string) {
	all, err := s.of.list(r.Context(), kind)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(w, err)
		return
	}
	if kind == keys && len(all) == 0 {
		s.note(func() { s.noKeys = true })
	}
	type sized struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	}
	names, both, sizes := []string{}, []sized{}, true
	for _, f := range all {
		names, both, sizes = append(names, f.name), append(both, sized{f.name, f.size}), sizes && f.size >= 0
	}
	var said any = names
	w.Header().Set("Content-Type", "application/vnd.x.restic.rest.v1")
	if r.Header.Get("Accept") == versionTwo && sizes {
		w.Header().Set("Content-Type", versionTwo)
		said = both
	}
	_ = json.NewEncoder(w).Encode(said) // who does not listen any more has ended
}

var errSeen = errors.New("what was seen of the repository decides")

func (s *server) file(w http.ResponseWriter, r *http.Request, kind, name string) {
	from, to, ok := span(r.Header.Get("Range"))
	if !ok {
		http.Error(w, "one range at most", http.StatusRequestedRangeNotSatisfiable)
		return
	}
	last := to
	if r.Method == http.MethodHead {
		last = 0
	}
	body, is, err := s.of.open(r.Context(), kind, name, from, last)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.note(func() { s.gone = append(s.gone, strings.TrimSuffix(kind+"/"+name, "/")) })
		http.NotFound(w, r)
		if kind != locks && r.Method == http.MethodGet {
			s.stop(errSeen)
		}
		return
	case err != nil:
		s.fail(w, err)
		return
	}
	defer body.Close()
	size := is.size
	if kind == packs && max(from, to) >= size {
		s.cut(r.Context(), name)
	}
	s.config(kind, is)
	if to < 0 || to >= size {
		to = size - 1
	}
	length := max(0, to-from+1)
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	if r.Method == http.MethodHead {
		return
	}
	if r.Header.Get("Range") != "" {
		w.Header().Set("Content-Range", strings.Join([]string{"bytes ", number(from), "-", number(to), "/", number(size)}, ""))
		w.WriteHeader(http.StatusPartialContent)
	}
	sum := sha256.New()
	var out io.Writer = &tolerant{w: w}
	if kind != packs { // of which restic takes pieces
		out = io.MultiWriter(sum, out)
	}
	n, err := io.Copy(out, io.LimitReader(body, length))
	switch {
	case err != nil || n < length: // the answer ends too early, which restic sees
		s.note(func() {
			s.trouble = errors.Join(s.trouble, fmt.Errorf("read %s/%s: %d of %d bytes came: %w", kind, name, n, length, err))
		})
		s.stop(errSeen)
	case kind == packs:
		s.note(func() { s.given[name] = true })
	case kind != config && length == size && hex.EncodeToString(sum.Sum(nil)) != name:
		s.note(func() { s.damaged[kind] = append(s.damaged[kind], is) })
		if kind != snapshots { // of those the others may be good
			s.stop(errSeen)
		}
	}
}

// cut looks at a pack that ends before what an index says is in it.
func (s *server) cut(ctx context.Context, name string) {
	if is, err := whole(ctx, s.of, name); err == nil && !is {
		s.note(func() { s.damaged[packs] = append(s.damaged[packs], file{name: name}) })
		s.stop(errSeen)
	}
}

// whole tells whether a pack is what its name promises.
func whole(ctx context.Context, of files, name string) (bool, error) {
	body, _, err := of.open(ctx, packs, name, 0, -1)
	if err != nil {
		return false, err
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return false, err
	}
	return hex.EncodeToString(sum.Sum(nil)) == name, nil
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// tolerant goes on where nobody reads any more: what is read is judged all the same.
type tolerant struct {
	w      io.Writer
	failed bool
}

func (t *tolerant) Write(p []byte) (int, error) {
	if !t.failed {
		_, err := t.w.Write(p)
		t.failed = err != nil
	}
	return len(p), nil
}

// span reads a Range of one part; to is -1 where it has no end.
func span(header string) (from, to int64, ok bool) {
	if header == "" {
		return 0, -1, true
	}
	text, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, cut := strings.Cut(text, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	if !isBytes || !cut || err != nil || from < 0 {
		return 0, 0, false
	}
	if last == "" {
		return from, -1, true
	}
	to, err = strconv.ParseInt(last, 10, 64)
	return from, to, err == nil && to >= from
}

// damagedSnapshots are files of snapshots that are not what their names promise.
func (s *server) damagedSnapshots() []file {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []file
	for _, f := range s.damaged[snapshots] {
		if !slices.ContainsFunc(all, func(o file) bool { return o.name == f.name }) {
			all = append(all, f)
		}
	}
	return all
}

// otherwise is what says nothing of the repository: trouble on the way, and what restic was not allowed to do.
func (s *server) otherwise() (refused string, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused, s.trouble
}

// bad is what the server itself saw to be wrong with the repository, of a point; nil: nothing.
func (s *server) bad(point string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all := s.damaged[config]; len(all) > 0 {
		return &store.Mismatch{Point: point, What: fmt.Sprintf("config of its repository is damaged: it has %d bytes", all[0].size)}
	}
	for _, kind := range []string{keys, index, packs} {
		if all := s.damaged[kind]; len(all) > 0 {
			return &store.Mismatch{Point: point, What: fmt.Sprintf("%s/%s of its repository is damaged: its content is not what its name promises", kind,
				all[0].name)}
		}
	}
	for _, name := range s.gone {
		if name == config || strings.HasPrefix(name, packs+"/") || strings.HasPrefix(name, index+"/") || strings.HasPrefix(name, keys+"/") {
			return &store.Mismatch{Point: point, What: fmt.Sprintf("%s of its repository is missing", name)}
		}
	}
	if s.noKeys {
		return &store.Mismatch{Point: point, What: "its repository has not one key left: nobody can read it, with whatever password"}
	}
	return nil
}
