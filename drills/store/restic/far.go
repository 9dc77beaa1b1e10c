package restic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/store"
	web "lifeboat/drills/store/http"
	"lifeboat/drills/store/remote"
	"lifeboat/drills/store/s3"
)

// bucket is a repository below a prefix of a bucket.
type bucket struct{ of *s3.Store }

// list implements files.
func (b bucket) list(ctx context.Context, kind string) ([]file, error) {
	return either(kind, func(kind string) (all []file, err error) {
		there, err := b.of.Objects(ctx, kind)
		for name, is := range there {
			if id := path.Base(name); isID(id) {
				all = append(all, file{name: id, size: is.Size, written: is.Modified})
			}
		}
		return all, err
	})
}

// open implements files.
func (b bucket) open(ctx context.Context, kind, name string, from, to int64) (body io.ReadCloser, is file, err error) {
	for _, at := range places(kind, name) {
		body, is, err = steadily(ctx, from, to, func(from int64) (io.ReadCloser, remote.Facts, error) { return b.of.Part(ctx, at, from, to) })
		if is.name = name; !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return body, is, err
}

// upstream is a server of restic's REST protocol that has the repository: rest-server, rclone serve restic.
type upstream struct{ of *web.Folder }

const mostNames = 64 << 20 // bytes of a list, which has a hundred for each file

// list implements files.
func (u upstream) list(ctx context.Context, kind string) (all []file, err error) {
	err = remote.Retry(ctx, func() error {
		answer, err := u.of.Get(ctx, kind+"/", 0, -1, http.Header{"Accept": {versionTwo}})
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		all, err = namesOf(answer, u.of.Timeout())
		return err
	})
	return all, absent(err)
}

// namesOf reads a list: names with sizes (version 2 of the protocol), or names alone, whose sizes are not known then.
func namesOf(answer *http.Response, timeout time.Duration) ([]file, error) {
	raw, err := remote.ReadText(answer.Body, mostNames, timeout)
	if err != nil {
		return nil, remote.Passing(err)
	}
	var sized []struct {
		Name string
		Size int64
	}
	var all []file
	if answer.Header.Get("Content-Type") == versionTwo {
		err = json.Unmarshal(raw, &sized)
	} else {
		var names []string
		err = json.Unmarshal(raw, &names)
		for _, name := range names {
			all = append(all, file{name: name, size: -1})
		}
	}
	for _, f := range sized {
		all = append(all, file{name: f.Name, size: f.Size})
	}
	if err != nil {
		return nil, errors.New("a list of it is answered with something else than restic's REST protocol has")
	}
	return slices.DeleteFunc(all, func(f file) bool { return !isID(f.name) }), nil
}

// open implements files.
func (u upstream) open(ctx context.Context, kind, name string, from, to int64) (io.ReadCloser, file, error) {
	body, is, err := steadily(ctx, from, to, func(from int64) (io.ReadCloser, remote.Facts, error) {
		answer, err := u.of.Get(ctx, strings.TrimSuffix(path.Join(kind, name), "/"), from, to, nil)
		if err != nil {
			return nil, remote.Facts{}, err
		}
		return answer.Body, remote.FactsOf(answer), nil
	})
	is.name = name
	return body, is, err
}

// steady is the body of a file that is asked for again from where it broke off: under its name nothing else may lie, or its digest shows it.
type steady struct {
	io.ReadCloser
	ask   func(from int64) (io.ReadCloser, remote.Facts, error)
	ctx   context.Context
	next  int64 // byte
	end   int64 // the byte behind the last one that will come
	again int
}

const mostAgain = 5 // of one file

func steadily(ctx context.Context, from, to int64, ask func(from int64) (io.ReadCloser, remote.Facts, error)) (io.ReadCloser, file, error) {
	s := &steady{ask: ask, ctx: ctx, next: from}
	is, err := s.open()
	if err == nil && is.Size < 0 {
		err = errors.Join(errors.New("its server does not say how long it is"), s.Close())
	}
	if err != nil {
		return nil, file{}, absent(err)
	}
	if s.end = is.Size; to >= 0 {
		s.end = min(is.Size, to+1)
	}
	return s, file{size: is.Size, written: is.Modified}, nil
}

func (s *steady) open() (is remote.Facts, err error) {
	err = remote.Retry(s.ctx, func() (err error) {
		s.ReadCloser, is, err = s.ask(s.next)
		return err
	})
	return is, err
}

// Read implements io.Reader.
func (s *steady) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.next += int64(n)
	if err == nil || s.next >= s.end || s.ctx.Err() != nil {
		return n, err
	}
	if s.again++; s.again > mostAgain {
		return n, fmt.Errorf("it broke off %d times: %w", s.again, err)
	}
	_ = s.Close() // it ended
	if _, err = s.open(); err != nil {
		s.ReadCloser = http.NoBody
	}
	return n, err
}

// absent says in the words of files that one is not there.
func absent(err error) error {
	if errors.Is(err, store.ErrNoPoint) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}
