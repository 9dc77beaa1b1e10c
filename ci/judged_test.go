package ci

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ended proves that nothing is left of a drill, and that it is judged again where there is nothing but its journal and raw/.
func (b *bench) ended(was drilled) {
	b.t.Helper()
	assert.Empty(b.t, onEngine(b.t, was.Drill), "left behind")
	dir, home := filepath.Join(b.home, "drills", was.Drill), b.t.TempDir()
	alone := filepath.Join(home, "drills", was.Drill)
	require.NoError(b.t, os.CopyFS(filepath.Join(alone, "raw"), os.DirFS(filepath.Join(dir, "raw"))))
	journal, err := os.ReadFile(filepath.Join(dir, "journal.ndjson"))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(alone, "journal.ndjson"), journal, 0o600))
	out, err := exec.Command(b.bin, "report", "--json", "--home", home, was.Drill).Output()
	require.NoError(b.t, err)
	var now drilled
	require.NoError(b.t, json.Unmarshal(out, &now))
	was.Reports, was.raw, now.Reports = nil, "", nil
	assert.Equal(b.t, was, now, "judged from the journal and raw/ alone")
}
