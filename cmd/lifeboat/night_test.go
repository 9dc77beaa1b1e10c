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

	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// nightOf is the command in a home of its own, and a catalogue with one entry beside a backup that was made an hour ago.
func nightOf(t *testing.T, points string) *verifying {
	t.Helper()
	dir := t.TempDir()
	dump := filepath.Join(dir, "shop", "shop.dump")
	require.NoError(t, os.MkdirAll(filepath.Dir(dump), 0o700))
	require.NoError(t, os.WriteFile(dump, []byte("no dump"), 0o600))
	made := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(dump, made, made))
	path := filepath.Join(dir, "nights.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`catalogue: nightly
defaults:
  restore: {kind: postgres}
  as: db
  instance: {kind: docker, image: pg}
  checks: {service: [{kind: tcp, to: "db:5432"}], data: [{kind: rows, on: db, user: u, password: drill, table: orders, at_least: 1}]}
backups:
  - {name: shop, store: {kind: dir, path: ./shop}`+points+"}\n"), 0o600))
	a := onProcess()
	a.home, a.stdout = filepath.Join(dir, "home"), t.Output()
	c, err := a.catalogue(path)
	require.NoError(t, err)
	return &verifying{app: a, kit: a.kit(), catalogue: c, lang: reports.English}
}

func (v *verifying) plannedNow(t *testing.T) []night.Planned {
	t.Helper()
	all, err := v.plan(t.Context(), verifyOptions{}, night.Header{Started: time.Now()})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all
}

// TestStandingOfUnreadNights: a night that cannot be read may say that a backup failed, so nothing is green beside it.
func TestStandingOfUnreadNights(t *testing.T) {
	v := nightOf(t, "")
	p := v.plannedNow(t)[0]
	j, _, err := night.Create(v.home, night.Header{Catalogue: "nightly", Tool: version, Started: time.Now(), Planned: []night.Planned{p}})
	require.NoError(t, err)
	require.NoError(t, j.Add(night.Proof{Planned: p, Drill: "drill", Status: record.StatusPassed, Started: time.Now()}))
	require.NoError(t, j.Seal())
	require.NoError(t, v.standing(v.catalogue, reports.English))
	j, bad, err := night.Create(v.home, night.Header{Catalogue: "nightly", Tool: version, Started: time.Now(), Planned: []night.Planned{p}})
	require.NoError(t, err)
	require.NoError(t, j.Add(night.Proof{Planned: p, Drill: "drill", Status: record.StatusFailed, Started: time.Now()}))
	require.NoError(t, j.Close())
	require.NoError(t, os.WriteFile(filepath.Join(night.Dir(v.home), bad.Night, "night.ndjson"), []byte("{}\n"), 0o600))
	var code *exitError
	require.True(t, errors.As(v.standing(v.catalogue, reports.English), &code))
	assert.Equal(t, exitInconclusive, code.code)
}

// TestGateTakesAnyCase: digests are written down in lower case, whatever a pipeline writes.
func TestGateTakesAnyCase(t *testing.T) {
	var out bytes.Buffer
	a := onProcess()
	a.home, a.stdout, a.json, a.language = t.TempDir(), &out, true, "en"
	c := a.gateCommand()
	c.SetArgs([]string{"--digest", "sha256:" + strings.Repeat("AB", 32)})
	c.SilenceErrors, c.SilenceUsage = true, true
	require.Error(t, c.Execute())
	assert.Contains(t, out.String(), strings.Repeat("ab", 32))
}
