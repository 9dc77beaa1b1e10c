package postgres

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
	"lifeboat/scenarios"
)

// ended is a machine that does not run any more.
type ended struct{ *machine }

func (ended) State(context.Context) (instance.State, error) { return instance.State{Exit: 1}, nil }
func (ended) Console(context.Context) (string, error)       { return "one\ntwo\nno password\n", nil }
func (ended) Dial(context.Context, int) (net.Conn, error)   { return nil, errors.New("refused") }

func TestReady(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	t.Run("a server that serves", func(t *testing.T) {
		began := time.Now()
		require.NoError(t, loader(t, settings).Ready(t.Context(), m))
		assert.GreaterOrEqual(t, time.Since(began), dump.ReadyGap, "one look is not enough")
	})
	t.Run("another password", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := loader(t, "password: other").Ready(ctx, m)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "password authentication failed")
		assert.NotContains(t, err.Error(), "other")
	})
	t.Run("another port", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, loader(t, settings+"\nport: 5433").Ready(ctx, m), context.DeadlineExceeded)
	})
	t.Run("a machine that ended", func(t *testing.T) {
		err := loader(t, settings).Ready(t.Context(), ended{m})
		assert.ErrorContains(t, err, "its machine ended with exit code 1: one / two / no password")
	})
}

func TestPrepare(t *testing.T) {
	for name, test := range map[string]struct {
		settings string
		env      map[string]string
		want     map[string]string
	}{
		"nothing given": {"{}", nil, map[string]string{"POSTGRES_USER": "postgres"}},
		"by the instance": {"{}", map[string]string{"POSTGRES_USER": "root", "POSTGRES_PASSWORD": "a"},
			map[string]string{"POSTGRES_USER": "root", "POSTGRES_PASSWORD": "a"}},
		"by the restore": {"{user: boss, password: b}", map[string]string{"POSTGRES_PASSWORD": "a", "X": "y"},
			map[string]string{"POSTGRES_USER": "boss", "POSTGRES_PASSWORD": "b", "X": "y"}},
		"without passwords": {"{}", map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust"},
			map[string]string{"POSTGRES_USER": "postgres", "POSTGRES_HOST_AUTH_METHOD": "trust"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := loader(t, test.settings)
			r := instance.Request{Name: "db", Env: test.env, Data: []string{"/srv"}}
			require.NoError(t, l.Prepare(&r))
			again := instance.Request{Name: "db", Env: test.env}
			require.NoError(t, l.Prepare(&again))
			assert.Equal(t, r.Env, again.Env, "the next generation may stand on the same data")
			assert.Equal(t, []string{"/srv", dataFolder, stageFolder}, r.Data)
			if test.want["POSTGRES_PASSWORD"] == "" && test.env["POSTGRES_HOST_AUTH_METHOD"] == "" {
				assert.Len(t, r.Env["POSTGRES_PASSWORD"], 26, "made up")
				delete(r.Env, "POSTGRES_PASSWORD")
			}
			assert.Equal(t, test.want, r.Env)
		})
	}
}

func TestNewProblems(t *testing.T) {
	for text, want := range map[string]string{
		"format: sql":        `format: "sql" is unknown (one of auto, custom, plain, directory, tar)`,
		"jobs: 0":            "jobs: 0 is out of range",
		"jobs: 65":           "jobs: 65 is out of range",
		"port: 70000":        "port: 70000 is no port",
		"database: postgres": "database: postgres belongs to the server",
		"databse: x":         "databse",
	} {
		s, err := scenarios.ParseSettings("postgres", text)
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Error(), want)
	}
}
