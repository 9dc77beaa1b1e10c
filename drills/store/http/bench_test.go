package http

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/chunks"
	"lifeboat/drills/store/storetest"
)

// far is a server at a distance.
func far(tb testing.TB, content []byte, latency time.Duration) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		http.ServeContent(w, r, "", noon, bytes.NewReader(content))
	}))
	tb.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func openFar(tb testing.TB, s *httptest.Server, chunk int64) store.Random {
	tb.Helper()
	st := openStore(tb, "url: "+s.URL+"/disk.img")
	st.chunk = chunk
	r, err := st.OpenAt(tb.Context(), store.Point{ID: "disk.img"}, tb.TempDir())
	require.NoError(tb, err)
	return r
}

// BenchmarkSequential reads 256 MiB once, as a copy of the whole image does: by pieces of 64 KiB one after the
// other (a guest that boots), and of 16 MiB (a copy job).
func BenchmarkSequential(b *testing.B) {
	content := storetest.Noise(256 << 20)
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		s := far(b, content, latency)
		for _, chunk := range []int64{256 << 10, chunks.Size, 1 << 20} {
			for _, piece := range []int{64 << 10, 16 << 20} {
				b.Run(fmt.Sprintf("latency %v/chunk %dK/read %dK", latency, chunk>>10, piece>>10), func(b *testing.B) {
					b.SetBytes(int64(len(content)))
					for b.Loop() {
						r := openFar(b, s, chunk)
						_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{
							io.NewSectionReader(r, 0, r.Size())}, make([]byte, piece))
						require.NoError(b, err)
						require.NoError(b, r.Close())
					}
				})
			}
		}
	}
}

// TestSparseReads reads as a guest does that boots: few places, and around each of them some blocks.
func TestSparseReads(t *testing.T) {
	const size, places, blocks, block = 256 << 20, 24, 16, 32 << 10
	s := far(t, storetest.Noise(size), 0)
	for _, chunk := range []int64{256 << 10, chunks.Size, 1 << 20, 4 << 20} {
		r := openFar(t, s, chunk)
		random := rand.New(rand.NewPCG(5, 6))
		touched := map[int64]bool{0: true}
		read := 0
		for range places {
			at := random.Int64N(size - blocks*block)
			for i := range int64(blocks) {
				n, err := r.ReadAt(make([]byte, block), at+i*block)
				require.NoError(t, err)
				read += n
			}
			for i := at / chunk; i <= (at+blocks*block-1)/chunk; i++ {
				touched[i] = true
			}
		}
		t.Logf("chunks of %4d KiB: %2d MiB read of %d MiB, %2d MiB fetched", chunk>>10, read>>20, size>>20, r.Fetched()>>20)
		assert.LessOrEqual(t, r.Fetched(), int64(len(touched))*chunk, "no more than the chunks that were touched")
		assert.Less(t, r.Fetched(), int64(size))
		require.NoError(t, r.Close())
	}
}
