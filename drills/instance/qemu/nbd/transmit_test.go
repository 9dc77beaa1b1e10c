package nbd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReads(t *testing.T) {
	image := noise(4<<20 + 77)
	s := New(image, Options{})
	c := connect(t.Context(), t, s).open()
	random := rand.New(rand.NewPCG(3, 4))
	total := int64(0)
	for range 300 {
		off := random.IntN(int(image.Size()))
		length := random.IntN(min(int(image.Size())-off, 1<<20) + 1)
		want := make([]byte, length)
		_, _ = image.ReadAt(want, int64(off))
		got, code := c.read(uint64(off), uint32(length))
		require.Zero(t, code)
		require.True(t, bytes.Equal(want, got), "%d bytes at %d", length, off)
		total += int64(length)
	}
	_, served := s.Served()
	assert.Equal(t, total, served)
	assert.NoError(t, s.Err())
	c.ask(cmdDisc, 0, 0, 0)
	assert.NoError(t, <-c.served)
}

func TestRefused(t *testing.T) {
	const size = 64 << 20
	s := New(imageFunc(func(p []byte, _ int64) (int, error) { return len(p), nil }), Options{})
	c := connect(t.Context(), t, s).open()
	for name, test := range map[string]struct {
		flags, kind uint16
		from        uint64
		length      uint32
		want        uint32
	}{
		"write":               {0, 1, 0, 8, 1},
		"trim":                {0, 4, 0, 512, 1},
		"write zeroes":        {0, 6, 0, 512, 1},
		"cache":               {0, 5, 0, 512, 22},
		"block status":        {0, 7, 0, 512, 22},
		"unknown":             {0, 999, 0, 512, 22},
		"an unknown flag":     {4, 0, 0, 8, 22},
		"more than 32 MiB":    {0, 0, 0, MaxRead + 1, 22},
		"all there is":        {0, 0, 0, 1<<32 - 1, 22},
		"past the end":        {0, 0, size - 7, 8, 22},
		"far past the end":    {0, 0, 1<<64 - 1, 8, 22},
		"a flush is accepted": {0, 3, 0, 0, 0},
		"nothing to read":     {0, 0, size, 0, 0},
		"FUA means nothing":   {1, 0, 0, 0, 0},
	} {
		data := []byte{}
		if test.kind == 1 {
			data = make([]byte, test.length)
		}
		c.send(uint32(0x25609513), test.flags, test.kind, uint64(5), test.from, test.length, data)
		code, cookie := c.answer()
		assert.Equal(t, test.want, code, name)
		assert.Equal(t, uint64(5), cookie, name)
		got, code := c.read(size-8, 8)
		require.Zero(t, code, "after %s the session goes on", name)
		require.Len(t, got, 8)
	}
	assert.NoError(t, s.Err(), "the image did nothing wrong")
}

func TestSessionBreaks(t *testing.T) {
	for name, test := range map[string]struct {
		say  []any
		want string
	}{
		"no request":       {[]any{make([]byte, 28)}, "in place of a request"},
		"a write of 4 GiB": {[]any{uint32(magicRequest), uint32(1), uint64(1), uint64(0), uint32(1<<32 - 1)}, "a write of"},
		"half a request":   {[]any{uint32(0x25609513), uint32(0)}, "the client hung up"},
		"half a write": {[]any{uint32(magicRequest), uint32(1), uint64(1), uint64(0), uint32(9), uint8(0)},
			"the client hung up"},
		"without a farewell": {nil, "the client hung up"},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t.Context(), t, New(noise(10), Options{})).open()
			if test.say != nil {
				c.send(test.say...)
			}
			c.conn.Close()
			assert.ErrorContains(t, <-c.served, test.want)
		})
	}
}

func TestImageFails(t *testing.T) {
	broken := errors.New("the bucket is gone")
	for name, test := range map[string]struct {
		n    int
		err  error
		want error
	}{
		"an error":      {0, broken, broken},
		"a short read":  {5, io.EOF, io.ErrUnexpectedEOF},
		"no error even": {5, nil, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			bad := true
			s := New(imageFunc(func(p []byte, _ int64) (int, error) {
				if bad {
					return test.n, test.err
				}
				return len(p), io.EOF // which io.ReaderAt may say at the very end
			}), Options{})
			c := connect(t.Context(), t, s).open()
			_, code := c.read(4096, 10)
			assert.Equal(t, uint32(5), code)
			assert.ErrorIs(t, s.Err(), test.want)
			assert.ErrorContains(t, s.Err(), "read 10 bytes at 4096 of the image")
			bad = false
			_, code = c.read(4096, 10)
			assert.Zero(t, code, "the client may try again")
			assert.Error(t, s.Err(), "but it stays known")
		})
	}
}

// Requests are under way side by side, but never more than the bounds allow.
func TestInFlight(t *testing.T) {
	for name, test := range map[string]struct {
		length uint32
		most   int64
	}{"small": {512, mostInFlight}, "large": {MaxRead, 1}, "some": {10 << 20, 3}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int64
				open := make(chan struct{})
				c := connect(t.Context(), t, New(imageFunc(func(p []byte, _ int64) (int, error) {
					most.Store(max(most.Load(), now.Add(1)))
					<-open
					now.Add(-1)
					return len(p), nil
				}), Options{})).open()
				const asked = mostInFlight + 4
				go func() {
					for i := range uint64(asked) {
						c.ask(0, i, 0, test.length)
					}
				}()
				synctest.Wait()
				assert.Equal(t, test.most, now.Load())
				close(open)
				cookies := map[uint64]bool{}
				for range asked {
					code, cookie := c.answer()
					assert.Zero(t, code)
					cookies[cookie] = true
					c.take(int(test.length))
				}
				assert.Len(t, cookies, asked, "each request has one answer")
				assert.Equal(t, test.most, most.Load())
				c.ask(cmdDisc, 0, 0, 0)
				assert.NoError(t, <-c.served)
			})
		})
	}
}

func TestHangUpDuringReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(noise(1<<20), Options{Impair: Impairment{Stall: true}})
		c := connect(t.Context(), t, s).open()
		for i := range uint64(5) {
			c.ask(0, i, 0, 4096)
		}
		synctest.Wait()
		c.conn.Close()
		assert.ErrorContains(t, <-c.served, "the client hung up")
		assert.NoError(t, s.Err(), "a client that left is no failure of the image")
	})
}

func TestContextEnds(t *testing.T) {
	for name, prepare := range map[string]func(*testClient){
		"in the handshake": func(*testClient) {},
		"idle":             func(c *testClient) { c.open() },
		"during a read":    func(c *testClient) { c.open().ask(0, 1, 0, 4096) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := New(noise(1<<20), Options{Impair: Impairment{Stall: true}})
				c := connect(ctx, t, s)
				prepare(c)
				synctest.Wait()
				cancel()
				assert.ErrorIs(t, <-c.served, context.Canceled)
				assert.NoError(t, s.Err())
			})
		})
	}
}

// An image that is closed because the drill ends has not failed.
func TestImageEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reading := make(chan struct{})
	s := New(imageFunc(func([]byte, int64) (int, error) {
		close(reading)
		<-ctx.Done()
		return 0, ctx.Err()
	}), Options{})
	c := connect(ctx, t, s).open()
	c.ask(0, 1, 0, 10)
	<-reading
	cancel()
	assert.ErrorIs(t, <-c.served, context.Canceled)
	assert.NoError(t, s.Err())
}
