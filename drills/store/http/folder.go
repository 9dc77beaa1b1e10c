package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/drills/store/chunks"
	"lifeboat/drills/store/remote"
	"lifeboat/scenarios"
)

// Folder of a web server, for who knows what lies in it: a REST server of restic. Nothing but GET is sent there, and no redirect is followed.
type Folder struct{ s *Store }

// NewFolder makes one of the settings url, header, proxy and timeout. It asks nobody yet.
func NewFolder(s scenarios.Settings) (*Folder, []scenarios.Problem) {
	st := &Store{set: Settings{Way: Way{Timeout: scenarios.Duration(defaultTimeout)}}, chunk: chunks.Size}
	problems := s.Decode(&st.set.Way)
	problems = append(problems, st.reach(s, len(problems) == 0, "https://backups.example.com/shop/", st.anyAddress)...)
	if len(problems) > 0 {
		return nil, problems
	}
	st.client = st.newClient(func(next *http.Request, via []*http.Request) error {
		return st.problem("give the address that it leads to, if you trust it", "%s redirects to %s://%s", st.show(via[0].URL), next.URL.Scheme, next.URL.Host)
	})
	return &Folder{st}, nil
}

// Name of it, for people.
func (f *Folder) Name() string { return f.s.name }

// Timeout of each piece of an answer.
func (f *Folder) Timeout() time.Duration { return f.s.timeout }

// Hosts are the server and its proxy; see store.Remote.
func (f *Folder) Hosts() []string { return f.s.Hosts() }

// Get asks for a file below the folder: for a stretch of it whose ends are both part of it (last below 0 is the end of the file), or for all. The answer may
// have less than was asked for, and has no body where the file ends before it. Errors wrap store.ErrNoPoint where the server says that there is no such
// file; those that may pass are marked.
func (f *Folder) Get(ctx context.Context, name string, first, last int64, header http.Header) (*http.Response, error) {
	u, err := f.s.anyAddress()
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	u = beside(u, name)
	if header = header.Clone(); header == nil {
		header = http.Header{}
	}
	if last >= 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, last))
	} else if first > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", first))
	}
	answer, err := f.s.ask(ctx, http.MethodGet, u, header)
	switch {
	case errors.As(err, new(*store.Problem)):
		return nil, err
	case err != nil:
		return nil, remote.Passing(err)
	}
	if answer.StatusCode == http.StatusRequestedRangeNotSatisfiable || answer.StatusCode == http.StatusPartialContent && first > 0 {
		if from, _, _, ok := remote.ContentRange(answer.Header); !ok || from < 0 { // rclone answers 206 with a range that ends before it begins
			return f.behind(ctx, answer, name, first, header)
		}
	}
	if err := f.fits(answer, u, first); err != nil {
		answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// behind is the answer to a range behind the end of a file: how long that is, and nothing of it.
func (f *Folder) behind(ctx context.Context, refused *http.Response, name string, first int64, header http.Header) (*http.Response, error) {
	refused.Body.Close()
	if first == 0 {
		refused.Body = http.NoBody // it is empty
		return refused, nil
	}
	answer, err := f.Get(ctx, name, 0, 0, header)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	answer.Body = http.NoBody
	if remote.FactsOf(answer).Size > first {
		return nil, f.s.problem("", "%s is answered with the range %.60q of a request for another", name, refused.Header.Get("Content-Range"))
	}
	return answer, nil
}

// fits holds an answer against the beginning of what was asked for.
func (f *Folder) fits(answer *http.Response, u *url.URL, want int64) error {
	first, _, _, ranged := remote.ContentRange(answer.Header)
	switch status := answer.StatusCode; {
	case strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") && status < http.StatusBadRequest:
		return f.s.problem("look at what stands before the server", "%s is answered with a page", f.s.show(u))
	case status == http.StatusPartialContent && ranged && first == want:
		return nil
	case status == http.StatusPartialContent:
		return f.s.problem("", "%s is answered with the range %.60q of a request for another", f.s.show(u), answer.Header.Get("Content-Range"))
	case status == http.StatusOK && want == 0: // all of it, where a server knows no ranges: who asked reads no further
		return nil
	case status == http.StatusOK:
		return f.s.problem("serve it from one that does", "the server ignores Range: it would have to send all of %s for each read", f.s.show(u))
	}
	return f.s.refusedOnce(answer, u)
}

// Fetch streams a file. Errors wrap store.ErrNoPoint when it is not there any more; *store.Problem when it is not
// the file that was listed.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	u, err := s.locate(p.ID)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, err)
	}
	r, err := s.ask(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, err)
	}
	if r.StatusCode != http.StatusOK {
		r.Body.Close()
		return nil, fmt.Errorf("fetch %s: %w", p.ID, s.refusal(r, u))
	}
	want, now := s.seen.Expect(p.ID, p.Size, p.Taken), remote.FactsOf(r)
	if how := want.Change(now); how != "" {
		r.Body.Close()
		return nil, s.changed(p.ID, how)
	}
	return store.Verify(ctx, store.Opened{Body: r.Body, Point: p, Store: s.name, Size: max(want.Size, now.Size)}), nil
}

// Beside implements store.Beside.
func (s *Store) Beside(ctx context.Context, p store.Point, suffix string) ([]byte, error) {
	u, err := s.locate(p.ID)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", p.ID+suffix, err)
	}
	listed, err := s.address()
	if err != nil {
		return nil, err
	}
	file, base, sums := p.ID+suffix, path.Base(listed.Path), &checksums.Lists{}
	switch {
	case checksums.IsList(base):
		err = s.read(ctx, listed, base, sums)
	case s.set.Sums != noSums:
		err = s.sums(ctx, u, file, sums)
	}
	if err != nil {
		return nil, s.known(ctx, err)
	}
	sums.Settle(func(name string) bool { return name == file })
	raw, err := s.whole(ctx, beside(u, path.Base(file)), store.MostBeside)
	if errors.Is(err, store.ErrNoPoint) {
		return nil, store.NotBeside(file, sums.List[file])
	}
	if err != nil {
		return nil, s.known(ctx, err)
	}
	return store.Held(file, raw, sums.List[file])
}
