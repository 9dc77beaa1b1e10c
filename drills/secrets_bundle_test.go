package drills

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/drills/secrets/secretstest"
	"lifeboat/internal/signing"
	"lifeboat/reports"
)

// lookInBundle seals a drill with all its reports, signs it, exports it as a stranger gets it, and looks for the secrets there.
func lookInBundle(t *testing.T, r secretstest.Runs, w *world, res *Result) {
	t.Helper()
	for _, f := range reports.Formats() {
		if f.File == "" {
			continue
		}
		path := filepath.Join(res.Dir, "reports", f.File)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		out, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, f.Render(out, res.Record, res.Verdict, reports.Options{Language: reports.Chinese}))
		require.NoError(t, out.Close())
	}
	s := evidence.Sealing{Tool: "test", Build: "test", Now: time.Now()}
	require.NoError(t, Log(w.home, res.Drill, s))
	key := filepath.Join(t.TempDir(), "key")
	_, err := signing.Write(key, "ops", nil)
	require.NoError(t, err)
	by, err := signing.ReadPrivate(key, nil)
	require.NoError(t, err)
	payload, err := evidence.Sign(t.Context(), w.home, res.Drill, "test", by, nil)
	require.NoError(t, err)
	r.Look(t, "what is signed", string(payload))
	said, err := evidence.Add(t.Context(), w.home, evidence.Addendum{Kind: evidence.Correction, Drill: res.Drill, Role: "operator", Text: "none"}, s, by)
	require.NoError(t, err)

	to := filepath.Join(t.TempDir(), "bundle")
	_, err = evidence.Export(evidence.ExportRequest{Home: w.home, Bundle: evidence.Bundle{Chosen: []string{res.Drill}}, Signer: by}, to)
	require.NoError(t, err)
	r.Grep(t, to)
	var names []string
	require.NoError(t, filepath.WalkDir(to, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(to, path)
		names = append(names, rel)
		return err
	}))
	all := strings.Join(names, "\n")
	r.Look(t, "the names of files", all)
	of := "drills/" + res.Drill + "/"
	for _, must := range []string{"bundle.json", "log/leaves.ndjson", "addenda/" + said.ID + "/addendum.json", of + "journal.ndjson", of + "record.json",
		of + "scenario.json", of + "scenario/", of + "reports/report.html", of + "reports/report.md", of + "evidence/attestation.json"} {
		assert.Contains(t, all, must, "so that something was looked at")
	}
}
