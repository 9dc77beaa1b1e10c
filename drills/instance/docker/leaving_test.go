package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
)

// A container that somebody else is removing is waited for: it is neither failed, to be tried again later, nor left.
func TestRemoveWhatIsBeingRemoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		looks int32 // at which it is still there
		want  string
	}{"for a while": {6, ""}, "and it stays": {1 << 30, "context deadline exceeded"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var looked, removals atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Api-Version", "1.41")
				w.Header().Set("Content-Type", "application/json")
				switch {
				case strings.HasSuffix(r.URL.Path, "/_ping"):
				case r.Method == http.MethodDelete:
					removals.Add(1)
					w.WriteHeader(http.StatusConflict)
					_ = json.NewEncoder(w).Encode(map[string]string{"message": "removal of container c1 is already in progress"})
				case looked.Add(1) > c.looks:
					w.WriteHeader(http.StatusNotFound)
					_ = json.NewEncoder(w).Encode(map[string]string{"message": "No such container: c1"})
				default:
					_ = json.NewEncoder(w).Encode(map[string]any{"Id": "c1", "State": map[string]any{"Status": "removing"},
						"Config": map[string]any{"Labels": map[string]string{ledger.LabelDrill: "d1"}}})
				}
			}))
			defer server.Close()
			e, err := openHost(strings.Replace(server.URL, "http://", "tcp://", 1), nil)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = e.removeNamed(ctx, whatContainer, thing{Name: "c1", Drill: "d1"})
			assert.EqualValues(t, 1, removals.Load())
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
