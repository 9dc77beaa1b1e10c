package instancetest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

const patience = 20 * time.Second // for what should take a moment

func (x suite) bootAndExec(t *testing.T) {
	_, m := x.boot(t)
	assert.Equal(t, "db", m.Name())
	s, err := m.State(t.Context())
	require.NoError(t, err)
	assert.True(t, s.Running, s.Reason)
	assert.Equal(t, instance.Result{Stdout: "one two\n"}, x.exec(t, m, "echo", "one", "two"))
	assert.Equal(t, instance.Result{Exit: 7, Stderr: "no\n"}, x.exec(t, m, "complain", "7", "no"))
	r, err := m.Exec(t.Context(), instance.Command{Args: x.guest("env", "SHAPE"),
		Env: map[string]string{"SHAPE": "round"}})
	require.NoError(t, err)
	assert.Equal(t, "round\n", r.Stdout, "the command's environment")
}

func (x suite) environment(t *testing.T) {
	_, m := x.boot(t)
	assert.Equal(t, "orange\n", x.exec(t, m, "env", "COLOUR").Stdout, "the request's environment")
}

func (x suite) inputAndOutput(t *testing.T) {
	_, m := x.boot(t)
	content := bytes.Repeat([]byte("lifeboat"), 1<<19) // 4 MiB
	sum := sha256.New()
	r, err := m.Exec(t.Context(), instance.Command{Args: x.guest("cat"), Stdin: bytes.NewReader(content), Stdout: sum})
	require.NoError(t, err)
	want := sha256.Sum256(content)
	assert.Equal(t, 0, r.Exit)
	assert.Empty(t, r.Stdout)
	assert.Equal(t, want[:], sum.Sum(nil))
	r, err = m.Exec(t.Context(), instance.Command{Args: x.guest("cat"), Stdin: strings.NewReader("")})
	require.NoError(t, err)
	assert.Equal(t, 3, r.Exit, "an empty input is an input that ends")
	r = x.exec(t, m, "spam", "3000000")
	assert.LessOrEqual(t, len(r.Stdout), 1<<20, "output is kept up to 1 MiB")
	assert.Equal(t, 0, r.Exit)
}

// A reader that breaks half-way must not look like one that ended.
func (x suite) brokenInput(t *testing.T) {
	_, m := x.boot(t)
	broken := errors.New("the digest does not match")
	in := io.MultiReader(strings.NewReader("half"), failing{broken})
	_, err := m.Exec(t.Context(), instance.Command{Args: x.guest("cat"), Stdin: in})
	assert.ErrorIs(t, err, broken)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (x suite) cancelled(t *testing.T) {
	_, m := x.boot(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := m.Exec(ctx, instance.Command{Args: x.guest("sleep", "1h")})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(began), patience)
}

func tarOf(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)),
			Typeflag: tar.TypeReg}))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return &b
}

func (x suite) files(t *testing.T) {
	_, m := x.boot(t)
	ctx := t.Context()
	require.NoError(t, instance.Put(ctx, m, "/etc/app/deep", tarOf(t, map[string]string{"app.conf": "a=1"})))
	assert.Equal(t, "a=1", x.exec(t, m, "read", "/etc/app/deep/app.conf").Stdout)
	x.exec(t, m, "write", "/data/out", "b=2")
	got, err := m.Get(ctx, "/data/out")
	require.NoError(t, err)
	assert.Equal(t, "b=2", string(got))
	_, err = m.Get(ctx, "/etc/app/nothing")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func (x suite) held(t *testing.T) {
	b := x.New(t)
	ctx := t.Context()
	r := x.request(b, "db")
	r.Hold = true
	m, err := b.Driver.Boot(ctx, r)
	require.NoError(t, err)
	s, err := m.State(ctx)
	require.NoError(t, err)
	assert.False(t, s.Running)
	require.NoError(t, instance.Put(ctx, m, "/data", tarOf(t, map[string]string{"restored": "before the start"})))
	require.NoError(t, m.Start(ctx))
	require.NoError(t, m.Start(ctx), "starting a running machine is a no-op")
	assert.Equal(t, "before the start", x.exec(t, m, "read", "/data/restored").Stdout)
}

func (x suite) undoneCommand(t *testing.T) {
	b, m := x.boot(t)
	e := b.Notes.Entries()[0]
	again := func(args ...string) (undo ledger.Undo) {
		undo, err := instance.UndoCommand(m, instance.Command{Args: x.guest(args...)})
		require.NoError(t, err)
		return undo
	}
	e.Undo = again("write", "/data/undone", "yes")
	undo := b.Undoers[e.Undo.Kind]
	require.NotNil(t, undo, e.Undo.Kind)
	require.NoError(t, undo(t.Context(), b.Site.Scope, e))
	assert.Equal(t, "yes", x.exec(t, m, "read", "/data/undone").Stdout)
	e.Undo = again("complain", "1", "cannot")
	assert.ErrorContains(t, undo(t.Context(), b.Site.Scope, e), "cannot")
}
