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
	"lifeboat/drills/night"
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

// Of each backup of a catalogue history says how long it takes to be back and when that will be too long, in both languages.
func TestHistoryOfTimes(t *testing.T) {
	home := t.TempDir()
	begin := time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)
	for i := range 20 {
		planned := night.Planned{Backup: "shop"}
		j, _, err := night.Create(home, night.Header{Catalogue: "all", File: "/c/all.yaml", Host: "h", Started: begin.AddDate(0, 0, i),
			Planned: []night.Planned{planned, {Backup: "crm"}}})
		require.NoError(t, err)
		require.NoError(t, j.Add(night.Proof{Planned: planned, Status: record.StatusPassed, Drill: "d", Started: begin.AddDate(0, 0, i),
			Recovery: time.Duration(400+2*i) * time.Second, Limit: 10 * time.Minute}))
		require.NoError(t, j.Seal())
	}
	for lang, want := range map[string][]string{"en": {"catalogue\tbackup\trecovery time", "all\tshop\t7 min 18", "over 10 min on 2026-04-11", "all\tcrm\tnever measured"},
		"zh": {"清单\t", "预计 2026-04-11 超过 10 分", "尚无测量"}} {
		var out bytes.Buffer
		a := &app{home: home, language: lang, stdout: &out, logs: &redirect{to: &out}}
		c := a.historyCommand()
		require.NoError(t, c.Flags().Set("times", "true"))
		require.NoError(t, c.RunE(c, nil))
		for _, text := range want {
			assert.Contains(t, out.String(), text)
		}
	}
	var out bytes.Buffer
	a := &app{home: home, language: "en", stdout: &out, json: true, logs: &redirect{to: &out}}
	c := a.historyCommand()
	require.NoError(t, c.Flags().Set("times", "true"))
	require.NoError(t, c.RunE(c, nil))
	assert.Contains(t, out.String(), `{"catalogue":"all","file":"/c/all.yaml","backup":"shop","recovery_time":{"says":"exceeds","proofs":20`)
}
