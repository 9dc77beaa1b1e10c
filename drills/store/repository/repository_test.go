package repository

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHead(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: MostSaid, 3 * MostSaid: 2 * MostSaid} {
		h := Head{Most: most}
		for range 2 {
			n, err := h.Write(make([]byte, MostSaid))
			require.NoError(t, err)
			assert.Equal(t, MostSaid, n)
		}
		assert.Len(t, h.Bytes(), want)
	}
}

// TestPour: a body that nobody reads costs nothing, and one that is closed early has been stopped before its end is called.
func TestPour(t *testing.T) {
	t.Parallel()
	var said []string
	stopped := make(chan struct{})
	pour := func() io.ReadCloser {
		said = nil
		return Pour(func(w io.Writer) error {
			_, err := io.WriteString(w, "begun")
			<-stopped
			said = append(said, "given")
			return errors.Join(err, errors.New("stopped"))
		}, func() { close(stopped) }, func() error { said = append(said, "end"); return nil })
	}
	require.NoError(t, pour().Close())
	assert.Equal(t, []string{"end"}, said)
	stopped = make(chan struct{})
	b := pour()
	got := make([]byte, len("begun"))
	_, err := io.ReadFull(b, got)
	require.NoError(t, err)
	assert.Equal(t, "begun", string(got))
	require.NoError(t, b.Close())
	assert.Equal(t, []string{"given", "end"}, said)
	_, err = b.Read(got)
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}
