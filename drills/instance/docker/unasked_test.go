package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// stubEngine answers the calls that a command takes, as a case wants it.
type stubEngine struct {
	create  http.HandlerFunc // nil: a command is made
	streams time.Duration    // how long the command's output stays open
	inspect string           // of the command; empty: it is not known
}

func (s stubEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	switch {
	case strings.HasSuffix(r.URL.Path, "/exec") && s.create != nil:
		s.create(w, r)
	case strings.HasSuffix(r.URL.Path, "/exec"):
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"Id":"x1"}`)
	case strings.HasSuffix(r.URL.Path, "/start"):
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprint(c, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			time.AfterFunc(s.streams, func() { _ = c.Close() })
		}
	case strings.HasSuffix(r.URL.Path, "/json") && s.inspect != "":
		fmt.Fprint(w, s.inspect)
	case strings.HasSuffix(r.URL.Path, "/json"):
		http.Error(w, `{"message":"no such exec instance"}`, http.StatusNotFound)
	}
}

// What the engine or the way to it did is no word of the machine; what it says about the machine is.
func TestAQuestionThatCouldNotBeAsked(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"message":"so"}`, code) }
	}
	for name, c := range map[string]struct {
		engine  stubEngine
		unasked bool
		timeout bool
	}{
		"the engine hangs": {stubEngine{create: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the caller leave
			<-r.Context().Done()
		}}, true, true},
		"the engine fails":            {stubEngine{create: status(http.StatusInternalServerError)}, true, false},
		"the machine does not run":    {stubEngine{create: status(http.StatusConflict)}, false, false},
		"the machine is gone":         {stubEngine{create: status(http.StatusNotFound)}, false, false},
		"the engine forgot it":        {stubEngine{}, true, false},
		"it did not begin in time":    {stubEngine{streams: 2 * limit, inspect: `{"Running":false,"Pid":0}`}, true, true},
		"it was not ready in time":    {stubEngine{streams: 2 * limit, inspect: `{"Running":true,"Pid":7}`}, false, true},
		"it was ended when we looked": {stubEngine{streams: 2 * limit, inspect: `{"Running":false,"Pid":7}`}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.engine)
			defer server.Close()
			e, err := openHost("tcp://"+server.Listener.Addr().String(), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err = e.exec(ctx, "container", instance.Command{Args: []string{"ask"}},
				func(context.Context, string, int) error { return nil })
			require.Error(t, err)
			assert.Equal(t, c.unasked, errors.As(err, new(*instance.UnaskedError)), "%v", err)
			assert.Equal(t, c.timeout, errors.Is(err, context.DeadlineExceeded), "%v", err)
		})
	}
}

// A reader that fails is its own error, also where the command had not begun.
func TestABrokenInputIsNotUnasked(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(stubEngine{streams: 200 * time.Millisecond, inspect: `{"Running":false,"Pid":0}`})
	defer server.Close()
	e, err := openHost("tcp://"+server.Listener.Addr().String(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	broken := errors.New("the digest does not match")
	_, err = e.exec(t.Context(), "container", instance.Command{Args: []string{"ask"}, Stdin: &failing{r: errorReader{broken}}},
		func(context.Context, string, int) error { return nil })
	require.ErrorIs(t, err, broken)
	assert.False(t, errors.As(err, new(*instance.UnaskedError)), "%v", err)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
