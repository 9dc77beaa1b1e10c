package docker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/ledger"
)

// The child of TestKilledInBetween finds what to do in this variable.
const childVariable = "LIFEBOAT_TEST_CHILD"

type childOrder struct {
	Drill, Ledger, Self, Image, Archive, ID string
	Owner                                   ledger.Owner
}

// fileLedger writes entries through, as the real one does.
type fileLedger struct {
	mu sync.Mutex
	f  *os.File
}

func (l *fileLedger) Intend(e ledger.Entry) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1, json.NewEncoder(l.f).Encode(e)
}

// TestChild is not a test: it is the harness that TestKilledInBetween kills.
func TestChild(t *testing.T) {
	var o childOrder
	if json.Unmarshal([]byte(os.Getenv(childVariable)), &o) != nil {
		t.Skip("only run by TestKilledInBetween")
	}
	program, err := os.ReadFile(o.Self)
	require.NoError(t, err)
	site, _ := instancetest.NewSite(t, o.Drill, instancetest.Executable(program))
	site.Scope.Owner = o.Owner
	f, err := os.Create(o.Ledger)
	require.NoError(t, err)
	site.Ledger = &fileLedger{f: f}
	d, err := New(site)
	require.NoError(t, err)
	archive, err := os.Open(o.Archive)
	require.NoError(t, err)
	r := serving("db")
	r.Image, r.Data = o.Image, []string{"/data"}
	_, err = d.Boot(t.Context(), r)
	require.NoError(t, err)
	_, err = d.LoadImage(t.Context(), instance.ImageArchive{Archive: archive, ID: o.ID, Name: "app"})
	require.NoError(t, err)
	r = serving("app")
	r.Image = o.Image
	_, err = d.Boot(t.Context(), r)
	require.NoError(t, err)
	select {}
}

// A harness that is killed at any moment leaves a ledger from which everything
// is found, also what the engine was still making when its caller died.
func TestKilledInBetween(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		after := time.Duration(i+1) * 170 * time.Millisecond
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			d, _ := newBench(t)
			ctx := t.Context()
			tag := "lifeboat-test/" + d.site.Scope.Drill + ":production"
			archive, id := saved(t, d.engine, tag, d.site.Scope.Drill)
			_, err := d.engine.client.ImageRemove(ctx, tag, client.ImageRemoveOptions{})
			require.NoError(t, err)
			o := childOrder{Owner: d.site.Scope.Owner, Drill: d.site.Scope.Drill,
				Ledger: filepath.Join(t.TempDir(), "ledger"), Self: built.self,
				Image: built.image, Archive: filepath.Join(t.TempDir(), "app.tar"), ID: id}
			require.NoError(t, os.WriteFile(o.Archive, archive, 0o600))
			order, err := json.Marshal(o)
			require.NoError(t, err)
			child := exec.Command(os.Args[0], "-test.run=^TestChild$")
			child.Env = append(os.Environ(), childVariable+"="+string(order), "TMPDIR="+t.TempDir())
			require.NoError(t, child.Start())
			time.Sleep(after)
			require.NoError(t, child.Process.Kill())
			_ = child.Wait()
			died := time.Now()

			entries := entriesOf(t, o.Ledger)
			notes := &instancetest.Notes{}
			for _, e := range entries {
				_, err := notes.Intend(e)
				require.NoError(t, err)
			}
			notes.UndoAll(t, d.site.Scope, Undoers(d.log))
			t.Logf("%d entries, clean %v after the death", len(entries), time.Since(died).Round(time.Millisecond))
			time.Sleep(time.Second) // nothing shows up later
			left, err := d.engine.Leftovers(ctx, o.Drill)
			require.NoError(t, err)
			assert.Empty(t, left)
			_, err = d.engine.client.ImageInspect(ctx, id)
			assert.True(t, gone(err), "the loaded image is gone: %v", err)
		})
	}
}

func entriesOf(t *testing.T, path string) []ledger.Entry {
	t.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil // killed before its first entry
	}
	require.NoError(t, err)
	var all []ledger.Entry
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		var e ledger.Entry
		if json.Unmarshal(s.Bytes(), &e) == nil { // the last line may be torn
			all = append(all, e)
		}
	}
	return all
}
