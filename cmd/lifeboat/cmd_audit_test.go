package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/reports"
)

// Reports of a bundle are rendered again: what was changed and sealed anew is found, and what another build wrote is said.
func TestReportsAreRenderedAgain(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, buildID())
	failed := func(change func(reports string)) func(string, *string) {
		return func(dir string, _ *string) { change(filepath.Join(dir, "reports")) }
	}
	edit := func(name, old, new string) func(string, *string) {
		return failed(func(dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Contains(t, string(raw), old)
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), bytes.Replace(raw, []byte(old), []byte(new), 1), 0o600))
		})
	}
	for name, c := range map[string]struct {
		lang   reports.Language
		do     func(dir string, build *string)
		wrong  []string
		notice string
		same   bool
	}{
		"as they were written":     {lang: reports.English, same: true},
		"in Chinese":               {lang: reports.Chinese, same: true},
		"a verdict in words":       {do: edit("report.md", "Failed", "Passed"), wrong: []string{"audit.report_differs"}},
		"a template":               {do: edit("report.html", "<body", "<body hidden"), wrong: []string{"audit.report_differs"}},
		"a figure for machines":    {do: edit("report.json", `"verdict":"failed"`, `"verdict":"passed"`), wrong: []string{"audit.report_differs"}},
		"one in another language":  {do: failed(func(dir string) { inChinese(t, dir) }), wrong: []string{"audit.report_differs"}},
		"a report that is none":    {do: failed(func(dir string) { require.NoError(t, os.WriteFile(dir+"/summary.html", nil, 0o600)) }), wrong: []string{"audit.report_differs"}},
		"none at all":              {do: failed(func(dir string) { require.NoError(t, os.RemoveAll(dir)) })},
		"written by another build": {do: func(dir string, build *string) { edit("report.md", "Failed", "FAILED")(dir, build); *build = "another" }, notice: "audit.report_other_build"},
		"alike by another build":   {do: func(_ string, build *string) { *build = "another" }, same: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home, build := t.TempDir(), buildID()
			d := replay.NewDrill("rollback-failed", "shop", 1, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))
			require.NoError(t, d.Write("../../ci/vectors", home))
			dir := filepath.Join(home, "drills", d.ID)
			rendered(t, dir, c.lang)
			if c.do != nil {
				c.do(dir, &build)
			}
			require.NoError(t, evidence.LogDrill(home, d.ID, evidence.Sealing{Tool: "0.1.0", Build: build, Now: d.Started.Add(time.Hour)}))
			to := filepath.Join(t.TempDir(), "bundle")
			_, err := evidence.Export(evidence.ExportRequest{Home: home, Bundle: evidence.Bundle{Chosen: []string{d.ID}}}, to)
			require.NoError(t, err)
			got, err := evidence.Verify(t.Context(), evidence.VerifyRequest{Folder: to, Build: buildID(), Reports: renderedAgain})
			require.NoError(t, err)
			var wrong []string
			for _, r := range got.Wrong {
				wrong = append(wrong, r.ID)
			}
			assert.Equal(t, c.wrong, wrong)
			require.Len(t, got.Drills, 1)
			assert.Equal(t, c.same, got.Drills[0].Rendered)
			told := ""
			for _, r := range got.Notices {
				if r.ID == "audit.report_other_build" {
					told = r.ID
				}
			}
			assert.Equal(t, c.notice, told)
		})
	}
}

// rendered writes the reports of a drill as lifeboat drill does.
func rendered(t *testing.T, dir string, lang reports.Language) {
	t.Helper()
	r, v, err := drills.Judge(dir)
	require.NoError(t, err)
	a := &app{stdout: io.Discard, stderr: io.Discard}
	_, err = a.report(&drills.Result{Dir: dir, Record: r, Verdict: v}, lang)
	require.NoError(t, err)
}

// inChinese leaves one of the reports in the other language.
func inChinese(t *testing.T, dir string) {
	t.Helper()
	was, err := os.ReadFile(filepath.Join(dir, "report.md"))
	require.NoError(t, err)
	rendered(t, filepath.Dir(dir), reports.Chinese)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "report.md"), was, 0o600))
}
