package drills

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// A script prints what a restored system sends it, which may be anything: neither this host's memory nor the journal
// takes all of it.
func TestScriptThatPrintsWithoutEnd(t *testing.T) {
	t.Setenv("SCRIPT_TOKEN", flowToken)
	for name, piece := range map[string]string{
		"lines":    strings.Repeat("restoring ", 100) + "\n",
		"one line": strings.Repeat("restoring ", 100),
		"secrets":  flowToken,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files = map[string]string{"x.sh": "#!/bin/sh\n"}
			held := 0
			w.machine.Program = func(_ context.Context, p instance.Program) (int, error) {
				for range 32 << 20 / len(piece) {
					if _, err := io.WriteString(p.Stdout, piece); err != nil {
						return 1, err
					}
				}
				held = cap(p.Stdout.(*ending).b)
				_, err := io.WriteString(p.Stdout, "\nthe end\n")
				return 0, err
			}
			res := w.run(strings.Replace(simple, "  - destroy: db\n",
				"  - destroy: db\n  - script: {file: x.sh, env: {TOKEN: {env: SCRIPT_TOKEN}}}\n", 1))
			assert.Less(t, held, 1<<20)
			journal, err := os.ReadFile(filepath.Join(res.Dir, "journal.ndjson"))
			require.NoError(t, err)
			assert.Less(t, len(journal), 1<<20)
			assert.True(t, bytes.Contains(journal, []byte(`the end"`)))
			for _, part := range []string{flowToken[:8], flowToken[len(flowToken)-8:]} {
				assert.False(t, bytes.Contains(journal, []byte(part)), part)
			}
		})
	}
}

// rotten is a store whose backup is not what was promised, and which is not there for the first look.
type rotten struct {
	fakeStore
	asked *atomic.Int32
}

func (r rotten) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	if r.asked.Add(1) == 1 {
		return r.fakeStore.Fetch(ctx, p)
	}
	return store.Verify(ctx, store.Opened{Body: io.NopCloser(strings.NewReader("0123456789")), Point: p, Size: p.Size}), nil
}

// A digest that a script's backup does not keep is the backup's fault, whatever the script makes of the stream.
func TestScriptThatIsGivenAWrongBackup(t *testing.T) {
	for name, ends := range map[string]func(error) (int, error){
		"the engine passes it on":    func(err error) (int, error) { return 0, err },
		"the engine says its own":    func(error) (int, error) { return 0, errors.New("unexpected EOF") },
		"the script fails":           func(error) (int, error) { return 1, nil },
		"the script does not notice": func(error) (int, error) { return 0, nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files = map[string]string{"x.sh": "#!/bin/sh\n"}
			asked, ran := &atomic.Int32{}, false
			w.change = func(k *Kit) {
				k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) {
					return rotten{asked: asked}, nil
				}
			}
			w.machine.Program = func(_ context.Context, p instance.Program) (int, error) {
				_, err := io.Copy(io.Discard, p.Trees[0].Tar)
				assert.Error(t, err)
				ran = true
				return ends(err)
			}
			res := w.run(strings.Replace(simple, "  - destroy: db\n",
				"  - destroy: db\n  - script: {file: x.sh, backups: [db-backup]}\n", 1))
			assert.True(t, ran)
			assert.Equal(t, record.StatusFailed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Contains(t, reasons(res.Verdict), "backup.bad")
			assert.NotContains(t, reasons(res.Verdict), "harness.broke")
		})
	}
}
