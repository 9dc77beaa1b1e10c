package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every scenario of testdata/ok is silent.
func TestLoadIsSilent(t *testing.T) {
	files, err := filepath.Glob("testdata/ok/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			sc, err := Load(file)
			require.NoError(t, err)
			assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, sc.Digest)
			assert.True(t, filepath.IsAbs(sc.Dir))
		})
	}
}

func TestLoadFillsDefaults(t *testing.T) {
	sc, err := Load("testdata/ok/design.yaml")
	require.NoError(t, err)
	assert.Equal(t, 60*time.Second, sc.StableFor.Std())
	assert.Equal(t, 4*time.Hour, sc.Deadline.Std())
	assert.Equal(t, "shop checkout", sc.Series)
	assert.Equal(t, "B. Li, C. Wang", sc.People["operators"])
	assert.Equal(t, map[string]Duration{"start_rollback": 30 * minute, "restored": 2 * hour, "outage": 30 * minute,
		"data_loss": 15 * minute, "act": 3 * minute, "boot": 10 * minute}, sc.Objectives)
	require.Len(t, sc.Incidents, 1)
	in := sc.Incidents[0]
	assert.Equal(t, "fault", in.Faults[0].During)
	assert.Empty(t, in.Faults[0].Settings.Keys(), "kind and on belong to the fault itself")
	assert.Equal(t, 10*minute, in.Detect.Within)
	assert.Equal(t, "full-rollback", in.Decide.Outcome)
	assert.Equal(t, "db", in.Rollback[1].Boot.Instance)
	assert.Equal(t, hour, in.Rollback[1].Timeout)
	assert.Equal(t, filepath.Join(sc.Dir, "flows/checkout.js"), sc.Flow.Script)
	var names []string
	for _, c := range sc.Checks.All() {
		names = append(names, string(c.Layer)+" "+c.Name)
		assert.NotContains(t, c.Settings.Keys(), "kind")
	}
	assert.Equal(t, []string{"system command on db", "system state-unchanged on db", "service tcp to db:5432",
		"service sql on db", "data rows orders on db", "data rows orders on db (2)", "business k6 checkout.js"}, names)
}

func TestLoadPresetsByRisk(t *testing.T) {
	cases := map[string]struct{ by, restored string }{
		"high": {"person", "2h"}, "medium": {"person", "2h"}, "low": {"simulated", "10m"}, "": {"simulated", "2h"},
	}
	raw, err := os.ReadFile("testdata/ok/design.yaml")
	require.NoError(t, err)
	text := strings.Replace(string(raw), "decide:  {by: simulated, after: 2s}\n", "", 1)
	text = strings.Replace(text, "objectives:", "#", 1)
	for risk, want := range cases {
		line := "risk: " + risk + "\n"
		if risk == "" {
			line = ""
		}
		sc, problems := load("s.yaml", absolute(t, "testdata/ok"), []byte(strings.Replace(text, "risk: high\n", line, 1)), "")
		require.Empty(t, problems, risk)
		assert.Equal(t, want.by, sc.Incidents[0].Decide.By, risk)
		assert.Equal(t, want.restored, sc.Objectives["restored"].String(), risk)
	}
}

func TestDigestCoversEveryScript(t *testing.T) {
	digest := func(change string) string {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/ok")))
		// What k6 gets counts, whether a script names it or puts its name together.
		require.NoError(t, os.WriteFile(filepath.Join(dir, "flows/prices.csv"), []byte("1"), 0o600))
		if change != "" {
			f, err := os.OpenFile(filepath.Join(dir, change), os.O_APPEND|os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteString("\n")
			require.NoError(t, errors.Join(err, f.Close()))
		}
		sc, err := Load(filepath.Join(dir, "design.yaml"))
		require.NoError(t, err)
		return sc.Digest
	}
	same := digest("")
	assert.Equal(t, same, digest(""), "wherever the folder lies")
	assert.Equal(t, same, digest("rollback.sh"), "a file that the scenario does not name")
	for _, file := range []string{"design.yaml", "flows/checkout.js", "flows/shop/base.js", "flows/items.json",
		"flows/prices.csv"} {
		assert.NotEqual(t, same, digest(file), file)
	}
}

func TestScriptsStayInTheFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/ok")))
	outside := filepath.Join(t.TempDir(), "checkout.js")
	require.NoError(t, os.WriteFile(outside, nil, 0o600))
	script := filepath.Join(dir, "flows/checkout.js")
	require.NoError(t, os.Remove(script))
	require.NoError(t, os.Symlink(outside, script))
	_, err := Load(filepath.Join(dir, "design.yaml"))
	assert.ErrorContains(t, err, "is a link that leaves the scenario's folder")
}

func TestLoadUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	require.NoError(t, os.WriteFile(large, make([]byte, largest+1), 0o600))
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "cannot be read: no such file or directory",
		dir:                             "cannot be read: it is a folder",
		large:                           "is larger than 1MiB",
	} {
		_, err := Load(path)
		var problems Problems
		require.ErrorAs(t, err, &problems)
		assert.ErrorContains(t, err, want)
	}
}

// FuzzLoad: whatever the bytes, no panic, and every problem points into the file.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(raw)
		}
	}
	dir := absolute(f, "testdata/ok")
	f.Fuzz(func(t *testing.T, raw []byte) {
		sc, problems := load("fuzz.yaml", dir, raw, "")
		if sc == nil && len(problems) == 0 || sc != nil && (sc.Digest == "") != (len(problems) > 0) {
			t.Fatalf("want a scenario with a digest or problems, have %v and %v", sc, problems)
		}
		for _, p := range problems.Sorted("fuzz.yaml") {
			inside(t, raw, p)
		}
	})
}

// inside holds a problem's place against the file.
func inside(t *testing.T, raw []byte, p Problem) {
	if p.File != "fuzz.yaml" {
		return // a script that the scenario names
	}
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	lines := strings.Split(breaks.Replace(string(raw)), "\n")
	if p.Line < 1 || p.Line > len(lines)+1 || p.Column < 1 || p.Message == "" || strings.Contains(p.Message, "\n") {
		t.Fatalf("%d lines, but a problem at %q", len(lines), p.Error())
	}
	if p.Line <= len(lines) && p.Column > len(lines[p.Line-1])+2 {
		t.Fatalf("line %d has %d bytes, but a problem at %q", p.Line, len(lines[p.Line-1]), p.Error())
	}
}

func absolute(t testing.TB, path string) string {
	full, err := filepath.Abs(path)
	require.NoError(t, err)
	return full
}

// Everything that a scenario may say arrives where it belongs.
func TestLoadReadsEverything(t *testing.T) {
	t.Setenv("SHOP_PASSWORD", "s3cret")
	sc, err := Load("testdata/ok/upgrade.yaml")
	require.NoError(t, err)
	assert.Equal(t, "acme-shop", sc.Series)
	assert.Equal(t, map[string]string{"size": "2TB", "cpus": "16", "replicated": "true", "version": "15.4"}, sc.Production)
	db := sc.Instances["db"]
	assert.Equal(t, Size(512<<20), db.Memory)
	var own struct { // the kind's keys
		Env     map[string]Secret `yaml:"env"`
		Command []string          `yaml:"command"`
		Data    []string          `yaml:"data"`
	}
	require.Empty(t, db.Settings.Decode(&own))
	password, err := own.Env["POSTGRES_PASSWORD"].Reveal()
	require.NoError(t, err)
	assert.Equal(t, "s3cret", password)
	for key, want := range map[string]string{"PGPORT": "5432", "TLS": "false", "NOTE": ""} {
		got, err := own.Env[key].Reveal()
		require.NoError(t, err)
		assert.Equal(t, want, got, key)
	}
	_, err = own.Env["POSTGRES_USER"].Reveal()
	assert.ErrorContains(t, err, filepath.Join(sc.Dir, "user"), "a secret's file starts at the scenario's folder")
	assert.Equal(t, own.Env, sc.Flow.Env, "aliases")
	assert.Equal(t, "backups/app", sc.Backups["shop-app"].Store.Text("path"), "merged keys")
	assert.Equal(t, "dir", sc.Backups["shop-app"].Store.Kind)
	assert.Equal(t, Percent(2.5), sc.Flow.Tolerate)
	assert.True(t, sc.Upgrade[0].Boot.KeepData)
	assert.Equal(t, 10*minute, sc.Upgrade[1].Timeout)
	require.Len(t, sc.Incidents, 2)
	assert.Equal(t, "watch", sc.Incidents[0].Decide.Outcome)
	second := sc.Incidents[1]
	assert.Equal(t, hour+2*minute+3*Duration(time.Second), second.Decide.After)
	assert.Equal(t, defaultRule, second.Detect.When)
	var slow struct {
		Rate Rate `yaml:"rate"`
	}
	require.Empty(t, second.Faults[0].Settings.Decode(&slow))
	assert.Equal(t, Rate(50e6), slow.Rate)
	assert.Equal(t, filepath.Join(sc.Dir, "rollback.sh"), second.Rollback[5].Script.File)
}

// A check's name and a reason may be given in several languages; the English one is the name by which others call it.
func TestNamesInLanguages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`scenario: s
trigger: none
backups: {db: {store: {kind: dir, path: .}, restore: {kind: oci}}}
instances: {db: {kind: docker, boot: db, ready: {tcp: 80}}}
checks:
  service:
  - {kind: tcp, to: "db:80", name: {en: web, zh: 网页}}
  - {kind: tcp, to: "db:81", name: {zh: 端口}}
  - {kind: tcp, to: "db:82", name: plain}
  excluded: {system: {en: none, zh: 无}, data: none, business: {zh: 无}}
`), 0o600))
	s, err := Load(file)
	require.NoError(t, err)
	var names []string
	for _, c := range s.Checks.Service {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"web", "端口", "plain"}, names)
	assert.Equal(t, "网页", s.Checks.Service[0].Title["zh"])
	assert.True(t, s.Checks.Service[0].Title.Others())
	assert.False(t, s.Checks.Service[1].Title.Others())
	assert.Equal(t, "无", s.Checks.Excluded["business"].Any())
}
