package drills

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
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
