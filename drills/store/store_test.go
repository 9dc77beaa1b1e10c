package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPick(t *testing.T) {
	points := []Point{{ID: "mon"}, {ID: "tue"}, {ID: "oldest"}}
	for name, test := range map[string]struct {
		points []Point
		pick   string
		want   string
		err    string
	}{
		"default is the latest": {points[:2], "", "tue", ""},
		"latest":                {points[:2], "latest", "tue", ""},
		"oldest":                {points[:2], "oldest", "mon", ""},
		"a name":                {points, "tue", "tue", ""},
		"a name that is a word": {points, "oldest", "oldest", ""},
		"a name that is not there": {points, "wed", "",
			"pick wed: no restore point of that name (there are: oldest, tue, mon)"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Pick(test.points, test.pick)
			assert.Equal(t, test.want, p.ID)
			if test.err != "" {
				require.ErrorIs(t, err, ErrNoPoint)
				assert.EqualError(t, err, test.err)
			}
		})
	}
}

func TestPickFromAnEmptyStore(t *testing.T) {
	for pick, word := range map[string]string{"": Latest, Oldest: Oldest, "x": "x"} {
		_, err := Pick(nil, pick)
		var none *NoneUsable
		require.ErrorAs(t, err, &none)
		assert.Empty(t, none.Lies)
		assert.EqualError(t, err, "pick "+word+": the store is empty")
	}
}

func TestPickLeavesOutWhatCannotBeUsed(t *testing.T) {
	part := Point{ID: "tue.part", Unusable: Partial}
	c, err := Pick([]Point{{ID: "pipe", Unusable: Special}, {ID: "sun"}, {ID: "mon"}, part}, "")
	require.NoError(t, err)
	assert.Equal(t, "mon", c.ID)
	assert.Equal(t, []Point{part}, c.Skipped)
	assert.Equal(t, []Point{{ID: "sun"}}, c.Older)
	c, err = Pick([]Point{{ID: "pipe", Unusable: Special}, {ID: "sun"}, part}, Oldest)
	require.NoError(t, err)
	assert.Equal(t, "sun", c.ID)
	for _, pick := range []string{"", Oldest, "tue.part"} {
		_, err = Pick([]Point{part}, pick)
		var none *NoneUsable
		require.ErrorAs(t, err, &none, pick)
		assert.ErrorContains(t, err, "tue.part is still being written")
	}
	wrong := errors.New("its manifest is wrong")
	_, err = Pick([]Point{{ID: "mon", Wrong: wrong}}, "")
	assert.ErrorIs(t, err, wrong)
	_, err = Pick([]Point{{ID: "sun", Wrong: wrong}, {ID: "mon"}}, "")
	assert.NoError(t, err, "of another")
}

// Lines of backups that were removed long ago say nothing; what may have been the newest is named.
func TestPickWhatIsAbsent(t *testing.T) {
	gone := func(id string) Point { return Point{ID: id, Unusable: Absent} }
	for name, test := range map[string]struct {
		points []Point
		want   int
	}{
		"older by name": {[]Point{gone("shop-20261101"), gone("shop-20261127"), {ID: "shop-20261128"}}, 0},
		"newer by name": {[]Point{gone("shop-20261129"), {ID: "shop-20261128"}}, 1},
		"no date":       {[]Point{gone("shop.dump"), {ID: "shop-20261128"}}, 1},
		"no date there": {[]Point{gone("shop-20261101"), {ID: "shop.dump"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Pick(test.points, "")
			require.NoError(t, err)
			assert.Equal(t, test.points[len(test.points)-1].ID, c.ID)
			assert.Len(t, c.Skipped, test.want)
		})
	}
	var none *NoneUsable
	_, err := Pick([]Point{gone("x")}, "")
	assert.ErrorAs(t, err, &none)
}

func TestLater(t *testing.T) {
	for name, test := range map[string]struct {
		p, other string
		later    bool
	}{
		"days":          {"shop-20261127.dump", "shop-20261128.dump", true},
		"the same":      {"shop-20261128.dump", "shop-2026-11-28.sql", false},
		"earlier":       {"shop-20261128.dump", "shop-20261127.dump", false},
		"minutes":       {"shop_2026-11-28_02-00.dump", "shop_2026-11-28_02-30.dump", true},
		"ISO":           {"shop-20261128T020000Z.dump", "shop-20261128T030000Z.dump", true},
		"no date":       {"shop.dump", "shop-20261128.dump", false},
		"a number":      {"shop-20261127.dump", "shop-202611281.dump", false},
		"no such month": {"shop-20261127.dump", "shop-20261328.dump", false},
		"no such day":   {"shop-20260130.dump", "shop-20260231.dump", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, later := Later(Point{ID: test.p}, []Point{{ID: test.p}, {ID: test.other}})
			assert.Equal(t, test.later, later)
			if later {
				assert.Equal(t, test.other, got.ID)
			}
		})
	}
	_, later := Later(Point{ID: "a-20261127"}, []Point{{ID: "a-20261128.part", Unusable: Partial}})
	assert.False(t, later)
}

type bytesStream struct{ *bytes.Reader }

func (bytesStream) Close() error   { return nil }
func (bytesStream) Digest() string { return "sha256:x" }
func (s bytesStream) Bytes() int64 { return s.Size() - int64(s.Len()) }

func TestThrottle(t *testing.T) {
	for name, rate := range map[string]float64{"slow": 1000, "medium": 5e6, "fast": 100e6} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := Throttle(t.Context(), bytesStream{bytes.NewReader(make([]byte, int(rate*4)))}, rate)
				n, err := io.Copy(io.Discard, s)
				require.NoError(t, err)
				assert.Equal(t, n, s.Bytes())
				assert.InEpsilon(t, 4*time.Second, time.Since(began), 0.005)
			})
		})
	}
}

func TestThrottleStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := io.Copy(io.Discard, Throttle(ctx, bytesStream{bytes.NewReader(make([]byte, 1000))}, 1))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

type bytesAt struct {
	*bytes.Reader
	closed *bool
}

func (b bytesAt) Close() error { *b.closed = true; return nil }
func (bytesAt) Path() string   { return "/somewhere" }
func (bytesAt) Fetched() int64 { return 0 }
func (bytesAt) Same() error    { return nil }

func zeroes(n int) bytesAt { return bytesAt{bytes.NewReader(make([]byte, n)), new(bool)} }

func TestThrottleAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ThrottleAt(t.Context(), zeroes(8000), 1000)
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 4 { // all reads together
			wg.Go(func() {
				n, err := r.ReadAt(make([]byte, 1000), int64(i)*1000)
				assert.NoError(t, err)
				assert.Equal(t, 1000, n)
			})
		}
		wg.Wait()
		assert.InDelta(t, 4, time.Since(began).Seconds(), 0.02)
		n, err := r.ReadAt(make([]byte, 1000), 7500)
		assert.Equal(t, 500, n)
		assert.ErrorIs(t, err, io.EOF, "only what was read counts")
		assert.InDelta(t, 4.5, time.Since(began).Seconds(), 0.02)
		assert.Empty(t, r.Path(), "or somebody reads past the limit")
	})
}

func TestThrottleAtStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := ThrottleAt(ctx, zeroes(1000), 1)
		defer slow.Close()
		_, err := slow.ReadAt(make([]byte, 1000), 0)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		inner := zeroes(1000)
		r := ThrottleAt(t.Context(), inner, 1)
		go func() { time.Sleep(time.Second); assert.NoError(t, r.Close()) }()
		_, err = r.ReadAt(make([]byte, 1000), 0)
		assert.ErrorIs(t, err, fs.ErrClosed)
		synctest.Wait()
		assert.True(t, *inner.closed)
	})
}
