package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRetry(t *testing.T) {
	cold := errors.New("cold")
	for name, test := range map[string]struct {
		errs []error
		want string
		took time.Duration
	}{
		"at once":    {[]error{nil}, "", 0},
		"for good":   {[]error{cold}, "cold", 0},
		"passes":     {[]error{Passing(cold), fmt.Errorf("again: %w", Passing(cold)), nil}, "", 3 * pause},
		"stays":      {[]error{Passing(cold), Passing(cold), Passing(cold)}, "cold (tried 3 times)", 3 * pause},
		"gets worse": {[]error{Passing(cold), errors.New("colder")}, "colder", pause},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, n := time.Now(), 0
				err := Retry(t.Context(), func() error { n++; return test.errs[n-1] })
				if test.want == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, test.want)
				}
				assert.Len(t, test.errs, n)
				assert.Equal(t, test.took, time.Since(began))
			})
		})
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), pause/2)
		defer cancel()
		err := Retry(ctx, func() error { return Passing(errors.New("cold")) })
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestSeen(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var s Seen
	f := Facts{Size: 4, Modified: noon, ETag: "x"}
	s.Put("a", f)
	assert.Equal(t, f, s.Expect("a", 4, noon))
	assert.Equal(t, Facts{Size: 5, Modified: noon}, s.Expect("a", 5, noon), "it was listed by another")
	assert.Equal(t, Facts{Size: -1}, s.Expect("b", 0, time.Time{}), "a name and no more")
}

func TestChange(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	was := Facts{Size: 4, Modified: noon, ETag: `"x"`}
	for name, test := range map[string]struct {
		now  Facts
		want string
	}{
		"the same":                 {was, ""},
		"its length":               {Facts{Size: 5, ETag: `"x"`}, "it had 4 bytes and has 5"},
		"its tag":                  {Facts{Size: 4, ETag: `"y"`}, `its ETag was "x" and is "y"`},
		"its tag is weak now":      {Facts{Size: 4, ETag: `W/"x"`}, ""},
		"its age, but not its tag": {Facts{Size: 4, ETag: `"x"`, Modified: noon.Add(1)}, ""},
		"its age, and no tag": {Facts{Size: -1, Modified: noon.Add(time.Hour)},
			"it was modified 2026-03-01T12:00:00Z and then 2026-03-01T13:00:00Z"},
	} {
		assert.Equal(t, test.want, was.Change(test.now), name)
	}
	weak := Facts{Size: 4, Modified: noon, ETag: `W/"x"`}
	assert.Empty(t, weak.Change(weak))
	assert.Empty(t, weak.Change(was), "it is the same age")
	assert.Equal(t, "it was modified 2026-03-01T12:00:00Z and then 2026-03-01T13:00:00Z",
		weak.Change(Facts{Size: 4, Modified: noon.Add(time.Hour), ETag: `W/"x"`}), "a weak tag may stay when bytes change")
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/10")
	f.Add("bytes */10")
	f.Add("bytes 9-0/10")
	f.Fuzz(func(t *testing.T, text string) {
		first, last, total, ok := ContentRange(http.Header{"Content-Range": {text}})
		if ok && first >= 0 {
			assert.True(t, first <= last && last < total, text)
		}
	})
}
