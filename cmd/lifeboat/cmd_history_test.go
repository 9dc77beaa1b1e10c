package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// begun makes a drill in a home that has no end in its journal.
func begun(t *testing.T, home, id string, owner ledger.Owner) {
	t.Helper()
	dir := filepath.Join(home, "drills", id)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	l, err := ledger.Open(dir, ledger.Scope{Drill: id, Owner: owner, Deadline: time.Now().Add(time.Hour), Home: dir})
	require.NoError(t, err)
	j, err := record.Create(filepath.Join(dir, "journal.ndjson"), record.Header{Version: record.Version, Drill: id, Number: 3,
		Series: "shop\tcheckout", Scenario: "nightly", Started: time.Now()}, time.Now(), record.Clock{})
	require.NoError(t, err)
	require.NoError(t, errors.Join(l.Close(), j.Close()))
}

// A drill that runs is no drill that broke off, and a list for a pipe has the same columns in every line.
func TestHistory(t *testing.T) {
	home := t.TempDir()
	nobody := ledger.Self()
	nobody.StartTime++
	begun(t, home, "20260101-000000000-aaaaaa", nobody)
	begun(t, home, "20260102-000000000-bbbbbb", ledger.Self())
	for lang, want := range map[string][]string{"en": {"verdict", "Inconclusive", "Running"}, "zh": {"判定", "无法判定", "进行中"}} {
		var out bytes.Buffer
		a := &app{home: home, language: lang, stdout: &out}
		c := a.historyCommand()
		require.NoError(t, c.RunE(c, nil))
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		require.Len(t, lines, 3, out.String())
		for i, line := range lines {
			cells := strings.Split(line, "\t")
			require.Len(t, cells, 6, line)
			assert.Equal(t, want[i], cells[4])
		}
		assert.True(t, strings.HasSuffix(lines[2], "\t"), "one that runs has no reason yet: %q", lines[2])
	}
	var out bytes.Buffer
	a := &app{home: home, language: "en", json: true, stdout: &out}
	c := a.historyCommand()
	require.NoError(t, c.RunE(c, nil))
	assert.Equal(t, 1, strings.Count(out.String(), `"status":"running","verdict":"running"`), out.String())
}

// The test's own build has an id, as every build has.
func TestBuildID(t *testing.T) {
	assert.Regexp(t, `^[\w-]+/.*[\w-]$`, buildID())
}
