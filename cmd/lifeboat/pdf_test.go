package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/internal/needs"
)

// letters of a text: where a line or a column ends is the printer's.
func letters(s string) string { return strings.Join(strings.Fields(s), "") }

// The summary of a quarter, the report of a drill and its review as PDF, printed in the sealed container: the text of each can be selected, and each
// page has its number of all and the digest. Nothing of the container stays.
func TestPDF(t *testing.T) {
	needs.Long(t)
	if _, err := exec.LookPath("pdftotext"); err != nil {
		needs.Skip(t, "pdftotext is not installed: make browser installs it")
	}
	out, err := exec.Command("../../ci/images/chromium.sh").CombinedOutput()
	require.NoError(t, err, "%s", out)
	home := t.TempDir()
	ids, err := replay.Quarter("../../ci/vectors", home, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.NoError(t, replay.Log(home, ids, evidence.Sealing{Tool: "0.1.0", Build: "another: replayed drills have no reports of ours"}))
	drill := strings.TrimPrefix(ids[0], "night ")
	bundle, key := filepath.Join(home, "bundle"), filepath.Join(t.TempDir(), "key")
	lifeboat := func(args ...string) []byte {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"--home", home}, args...), os.Stdin, &stdout, &stderr)
		require.Zero(t, code, "%v: %s", args, stderr.String())
		return stdout.Bytes()
	}
	lifeboat("audit", "keygen", key)
	lifeboat("audit", "export", "--from", "2026-07-01", "--to", "2026-09-30", "--key", key, "--out", bundle)
	require.NoError(t, os.Remove(filepath.Join(home, "drills", drill, "raw", "pulse.ndjson"))) // a replayed one is no stream of k6
	for _, x := range []struct {
		args   []string
		lang   string
		page   string // of each page
		digest *regexp.Regexp
		words  []string
	}{
		{[]string{"audit", "verify", bundle, "--trust", key + ".pub"}, "en", "Page %d / %d", regexp.MustCompile(`Hash of its tree [A-Za-z0-9+/]{43}=`),
			[]string{"Targets against what was measured"}},
		{[]string{"audit", "verify", bundle, "--trust", key + ".pub"}, "zh", "第 %d / %d 页", regexp.MustCompile(`日志树哈希 [A-Za-z0-9+/]{43}=`),
			[]string{"指标与实测对照", "演练汇总报告"}},
		{[]string{"report", drill}, "en", "Page %d / %d", regexp.MustCompile(`Record sha256:[0-9a-f]{64}`), []string{"Objectives", "Scope"}},
		{[]string{"report", drill}, "zh", "第 %d / %d 页", regexp.MustCompile(`演练记录 sha256:[0-9a-f]{64}`), []string{"演练指标"}},
		{[]string{"report", drill, "--review"}, "zh", "第 %d / %d 页", regexp.MustCompile(`演练记录 sha256:[0-9a-f]{64}`), []string{"演练复盘", "根因分析", "改进措施"}},
	} {
		printed := lifeboat(append(x.args, "--lang", x.lang, "--format", "pdf")...)
		path := filepath.Join(t.TempDir(), "page.pdf")
		require.NoError(t, os.WriteFile(path, printed, 0o600))
		raw, err := exec.Command("pdftotext", "-layout", path, "-").Output()
		require.NoError(t, err)
		pages := strings.Split(strings.TrimRight(string(raw), "\f"), "\f")
		require.Greater(t, len(pages), 1)
		for i, p := range pages {
			assert.Contains(t, letters(p), letters(fmt.Sprintf(x.page, i+1, len(pages))))
			assert.Regexp(t, x.digest, p)
		}
		for _, w := range x.words {
			assert.Contains(t, letters(string(raw)), letters(w))
		}
	}
	left, err := exec.Command("docker", "ps", "-aq", "--filter", "ancestor=lifeboat/chromium:12").Output()
	require.NoError(t, err)
	assert.Empty(t, strings.TrimSpace(string(left)))
}
