package docker

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever writes a standard input through a pipe goes on to the next piece while this one is on its way.
func TestFeedTakesWholePieces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		in, out := io.Pipe()
		fed := make(chan error, 1)
		go func() {
			fed <- feed(client.ExecAttachResult{HijackedResponse: client.HijackedResponse{Conn: near}}, in)
		}()
		piece := bytes.Repeat([]byte("piece"), (256<<10)/5) // as large as loaders write
		written := 0
		go func() {
			for range 3 {
				_, err := out.Write(piece)
				assert.NoError(t, err)
				written++
			}
			_ = out.Close()
		}()
		synctest.Wait()
		assert.Equal(t, 1, written, "nobody has read a byte of it")
		got := make([]byte, 3*len(piece))
		_, err := io.ReadFull(far, got)
		require.NoError(t, err)
		assert.Equal(t, bytes.Repeat(piece, 3), got)
		require.NoError(t, <-fed)
	})
}
