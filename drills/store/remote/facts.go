package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Facts are what a server says of a file: enough to notice that it became another one.
type Facts struct {
	Size     int64 // bytes of the whole file; -1: not said
	Modified time.Time
	ETag     string
}

// FactsOf an answer; of a part, size is that of the whole.
func FactsOf(r *http.Response) Facts {
	f := Facts{Size: r.ContentLength, ETag: r.Header.Get("ETag")}
	if _, _, total, ok := ContentRange(r.Header); ok {
		f.Size = total
	} else if r.StatusCode != http.StatusOK {
		f.Size = -1 // of a part, or of a message
	}
	if at, err := http.ParseTime(r.Header.Get("Last-Modified")); err == nil {
		f.Modified = at.UTC()
	}
	return f
}

// ContentRange reads the header of that name (RFC 9110, 14.4): bytes first-last/total, or bytes */total, whose
// first and last are -1.
func ContentRange(h http.Header) (first, last, total int64, ok bool) {
	text, ok := strings.CutPrefix(h.Get("Content-Range"), "bytes ")
	span, whole, cut := strings.Cut(text, "/")
	total, err := strconv.ParseInt(whole, 10, 64)
	if !ok || !cut || err != nil || total < 0 {
		return 0, 0, 0, false
	}
	if span == "*" {
		return -1, -1, total, true
	}
	from, to, cut := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if !cut || err1 != nil || err2 != nil || first < 0 || last < first || last >= total {
		return 0, 0, 0, false
	}
	return first, last, total, true
}

// Change tells in which way now is another file than f; "" when it is the same as far as can be known.
func (f Facts) Change(now Facts) string {
	switch {
	case f.Size >= 0 && now.Size >= 0 && f.Size != now.Size:
		return fmt.Sprintf("it had %d bytes and has %d", f.Size, now.Size)
	case f.ETag != "" && now.ETag != "" && strings.TrimPrefix(f.ETag, "W/") != strings.TrimPrefix(now.ETag, "W/"):
		return fmt.Sprintf("its ETag was %.40s and is %.40s", f.ETag, now.ETag)
	case f.ETag != "" && f.ETag == now.ETag && !strings.HasPrefix(f.ETag, "W/"):
		return "" // a weak one may stay when bytes change (RFC 9110, 8.8.1)
	case !f.Modified.IsZero() && !now.Modified.IsZero() && !f.Modified.Equal(now.Modified):
		return fmt.Sprintf("it was modified %s and then %s", f.Modified.Format(time.RFC3339),
			now.Modified.Format(time.RFC3339))
	}
	return ""
}

// Strong is the ETag where it may stand in If-Range (RFC 9110, 13.1.5).
func (f Facts) Strong() string {
	if strings.HasPrefix(f.ETag, `"`) {
		return f.ETag
	}
	return ""
}

// MostSize in bytes of a file that is read at any offset; what claims more is no disk image.
const MostSize = 64 << 40

// Each asks for every number below n, so many at once. The first error is returned; it ends those under way, and no
// more are asked for: a server that is gone is not waited for once for each file.
func Each(ctx context.Context, n, atOnce int, ask func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := 0; i < n && ctx.Err() == nil; i++ {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := ask(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

const (
	tries = 3                      // for each request
	pause = 200 * time.Millisecond // before the second; twice as long before the third
)

// passing is an error that may be gone at the next try.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// Passing marks an error that may be gone at the next try: of the network, or of a server that is busy.
func Passing(err error) error { return passing{err} }

// Retry makes a request up to three times, as long as its error is one that may pass and ctx has not ended.
func Retry(ctx context.Context, request func() error) error {
	for try := 1; ; try++ {
		err := request()
		var p passing
		if !errors.As(err, &p) || ctx.Err() != nil {
			return err
		}
		if try == tries {
			return fmt.Errorf("%w (tried %d times)", err, tries)
		}
		select {
		case <-time.After(pause << (try - 1)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Seen are the facts of files when they were last listed, by name. The zero value is ready; safe for concurrent use.
type Seen struct {
	mu    sync.Mutex
	facts map[string]Facts
}

// Put remembers a file.
func (s *Seen) Put(name string, f Facts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts == nil {
		s.facts = map[string]Facts{}
	}
	s.facts[name] = f
}

// Expect tells what a file has to be that was listed with that size and time: what was seen then, or else these two
// alone. A name and no more, with zeros for both, may be any file.
func (s *Seen) Expect(name string, size int64, modified time.Time) Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.facts[name]; ok && f.Size == size && f.Modified.Equal(modified) {
		return f
	}
	if size == 0 && modified.IsZero() {
		return Facts{Size: -1}
	}
	return Facts{Size: size, Modified: modified}
}

// ErrLong is a text that is longer than it may be.
var ErrLong = errors.New("the text is too long")

// waits is how many timeouts a text may take in all: each piece alone may take one.
const waits = 10

// ReadText reads a small body whole: a list, a manifest, an error. A server that sends a byte now and then for ever is
// left after ten timeouts, with an error that may pass; one that sends more than most bytes at once, with ErrLong.
// What came until then is returned with an error, too.
func ReadText(body io.Reader, most int, timeout time.Duration) ([]byte, error) {
	began, limit := time.Now(), waits*timeout
	text, piece := []byte(nil), make([]byte, 32<<10)
	for {
		n, err := body.Read(piece)
		text = append(text, piece[:n]...)
		switch {
		case len(text) > most:
			return text[:most], ErrLong
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return text, err
		case time.Since(began) > limit:
			return text, Passing(fmt.Errorf("not all of it came within %v", limit))
		}
	}
}
