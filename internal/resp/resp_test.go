package resp

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve answers whatever is asked with a text.
func serve(t *testing.T, answer string) *Conn {
	t.Helper()
	here, there := net.Pipe()
	go func() {
		buf := make([]byte, 1<<16)
		if n, err := there.Read(buf); n > 0 && err == nil && answer != "" {
			_, _ = io.WriteString(there, answer)
			_ = there.Close()
		}
	}()
	t.Cleanup(func() { _ = here.Close(); _ = there.Close() })
	return New(here)
}

func TestDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   any
		err    string
	}{
		"a word":          {"+PONG\r\n", "PONG", ""},
		"a number":        {":-3\r\n", int64(-3), ""},
		"bytes":           {"$5\r\na\r\nb\x00\r\n", "a\r\nb\x00", ""},
		"no bytes":        {"$0\r\n\r\n", "", ""},
		"nothing":         {"$-1\r\n", nil, ""},
		"a list":          {"*2\r\n$1\r\n0\r\n*1\r\n-ERR x\r\n", []any{"0", []any{&Error{"ERR x"}}}, ""},
		"an error":        {"-LOADING Redis is loading\r\n", nil, "LOADING Redis is loading"},
		"cut off":         {"$5\r\nab", nil, "unexpected EOF"},
		"another's":       {"HTTP/1.1 400 Bad Request\r\n", nil, "the answer is not one of Redis"},
		"too large":       {"$999999999999\r\n", nil, "the answer is not one of Redis"},
		"an endless line": {strings.Repeat("x", 2*mostLine), nil, "the answer is not one of Redis"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := serve(t, test.answer).Do(t.Context(), "PING")
			if test.err != "" {
				assert.EqualError(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := serve(t, "").Do(ctx, "PING")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestKeyspace(t *testing.T) {
	t.Parallel()
	text := "# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\ndb15:keys=2,expires=0,avg_ttl=0\r\n"
	got, err := serve(t, "$"+"76"+"\r\n"+text+"\r\n").Keyspace(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[int]int64{0: 3, 15: 2}, got)
	assert.Equal(t, "NOAUTH", CodeOf(&Error{"NOAUTH Authentication required."}))
}
