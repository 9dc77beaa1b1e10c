package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// aNight has a proof of every status, names that are hard to write, and one that was left out.
func aNight() *night.Night {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	of := func(name string, s record.Status, why string, rungs ...objective.RungState) night.Proof {
		p := night.Proof{Planned: night.Planned{Backup: name}, Status: s, Drill: "20260301-" + name, Started: at, Took: 90 * time.Second}
		for i, state := range rungs {
			p.Rungs = append(p.Rungs, objective.Rung{Name: objective.Ladder(nil)[i].Name, State: state})
		}
		if why != "" {
			p.Why = &record.Reason{ID: why, Status: s, Args: map[string]string{"backup": name, "point": `a "b"` + "\n.dump", "why": "it ends in the middle",
				"instance": "", "check": "", "layer": "data", "message": ""}}
		}
		return p
	}
	const yes, no, open = objective.RungReached, objective.RungFailed, objective.RungUnasked
	n := &night.Night{Header: night.Header{Catalogue: "nightly", Night: "20260301", Started: at, Title: record.Text{"en": "All <backups>", "zh": "全部备份"}},
		Ended: at.Add(time.Hour), Proofs: []night.Proof{
			of("shop", record.StatusPassed, "passed.check_run", yes, yes, yes, yes, yes, yes, open),
			of("cut", record.StatusFailed, "backup.bad", yes, no, open, open, open, open, open),
			of("crm", record.StatusInconclusive, "check.missing", yes, yes, yes, yes, open, open, open),
			{Planned: night.Planned{Backup: "late"}, Status: record.StatusNotRun, Error: "interrupted"},
			{Planned: night.Planned{Backup: "other", Skipped: "only"}, Status: record.StatusNotRun},
		}}
	n.Proofs[0].Points = []night.Point{{Backup: "shop", Point: "monday.dump", Size: 4096}}
	n.Proofs[1].Point = `a "b"` + "\n.dump"
	return n
}

// TestNightSaysWhatACheckSaid: in the reader's language, from the drill's record on.
func TestNightSaysWhatACheckSaid(t *testing.T) {
	t.Parallel()
	said := record.Said{Form: "table %s has %d rows, not %d", Args: []string{"orders", "9", "10"}}
	text := "table orders has 9 rows, not 10"
	require.True(t, said.Is(text))
	r := &record.Record{Checks: []record.CheckResult{{Name: "rows", Layer: record.LayerData, Status: record.CheckFailed, Message: text, Said: &said}}}
	v := record.Verdict{Status: record.StatusFailed, Reasons: []record.Reason{{ID: "check.failed", Status: record.StatusFailed,
		Args: map[string]string{"check": "rows", "message": text, "layer": "data", "when": "once", "backup": "shop"}}}}
	n := aNight()
	n.Proofs[1] = night.ProofOf(night.Planned{Backup: "shop"}, r, v)
	var b strings.Builder
	require.NoError(t, NightTerminal(&b, n, Options{Language: Chinese, Width: 200}))
	assert.Contains(t, b.String(), "表 orders 有 9 行，而不是 10 行")
	assert.NotContains(t, b.String(), text)
}

func TestNightInWords(t *testing.T) {
	t.Parallel()
	for lang, want := range map[Language][]string{
		English: {"✗ Failed · All <backups>", "1 of 4 proved, 1 failed; 1 left out.", "5 content holds", "0 found and fresh", "it ends in the middle",
			"late: interrupted", "→ "},
		Chinese: {"✗ 未通过 · 全部备份", "4 份备份中 1 份已证明，1 份未通过；1 份未纳入。", "5 内容无误", "0 已找到且够新", "late: interrupted", "→ "},
	} {
		var b strings.Builder
		require.NoError(t, NightTerminal(&b, aNight(), Options{Language: lang, Width: 120}))
		for _, text := range want {
			assert.Contains(t, b.String(), text)
		}
		assert.Less(t, strings.Index(b.String(), "✗ cut"), strings.LastIndex(b.String(), "crm:"), "what failed comes first")
		assert.NotContains(t, b.String(), "night.", "a label without words")
	}
	open := aNight()
	open.Ended = time.Time{}
	var b strings.Builder
	require.NoError(t, NightTerminal(&b, open, Options{Language: English}))
	assert.Contains(t, b.String(), "has not come to its end")
}

// TestUnchangedInTheReports: what rests on an earlier proof is said so wherever it is green.
func TestUnchangedInTheReports(t *testing.T) {
	t.Parallel()
	n := aNight()
	earlier := n.Proofs[0]
	earlier.Started = n.Started.Add(-20 * time.Hour)
	n.Proofs = n.Proofs[:1]
	n.Proofs[0] = earlier
	n.Proofs[0].Skipped, n.Proofs[0].Rests = night.Unchanged, &earlier
	for lang, words := range map[Language][]string{English: {"1 of 1 proved, 0 failed; 1 unchanged since an earlier proof.", "✓ Unchanged since 02-28 06:00"},
		Chinese: {"1 份备份中 1 份已证明，0 份未通过；其中 1 份自上次证明后没有变化。", "✓ 自 02-28 06:00 起无变化"}} {
		var text, page strings.Builder
		require.NoError(t, NightTerminal(&text, n, Options{Language: lang, Width: 160}))
		require.NoError(t, NightsPage(&page, []*night.Night{n}, Options{Language: lang}))
		for _, w := range words {
			assert.Contains(t, text.String(), w)
		}
		assert.Contains(t, page.String(), words[0])
		assert.Contains(t, page.String(), "5 =</span>")
		assert.Contains(t, page.String(), "../drills/20260301-shop/reports/report.html")
	}
	var junit, js strings.Builder
	require.NoError(t, NightJUnit(&junit, n, Options{Language: English}))
	assert.Contains(t, junit.String(), `<property name="rests_on" value="20260301-shop">`)
	assert.Contains(t, junit.String(), `<testcase classname="shop" name="verdict" time="90.000"></testcase>`, "green")
	require.NoError(t, NightJSON(&js, n, Options{}))
	assert.Contains(t, js.String(), `"rests_on":{"backup":"shop"`)
	path := filepath.Join(t.TempDir(), "night.prom")
	require.NoError(t, NightMetrics(path, n))
	prom, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(prom), "lifeboat_night_passed{catalogue=\"nightly\"} 1")
	assert.Contains(t, string(prom), "lifeboat_night_left_out{catalogue=\"nightly\"} 0")
	assert.Contains(t, string(prom), "lifeboat_proof_timestamp_seconds{backup=\"shop\",catalogue=\"nightly\",point=\"\"} 1.77225")
}

// TestReadInTheReports: what was only read is neither green nor red, and is not counted among what is proved.
func TestReadInTheReports(t *testing.T) {
	t.Parallel()
	n := aNight()
	n.Proofs = n.Proofs[:1]
	p := n.Proofs[0]
	p.Point, p.UpTo, p.Status, p.Read, p.Why = "older.dump", record.UpToRead, record.StatusInconclusive, true,
		&record.Reason{ID: "read.only", Status: record.StatusInconclusive, Args: map[string]string{}}
	n.Proofs = append(n.Proofs, p)
	for lang, words := range map[Language][]string{English: {"1 of 1 proved, 0 failed; 1 more only read to their end.", "Read"},
		Chinese: {"另有 1 份只完整读取", "已读取"}} {
		var text, page strings.Builder
		require.NoError(t, NightTerminal(&text, n, Options{Language: lang, Width: 160}))
		require.NoError(t, NightsPage(&page, []*night.Night{n}, Options{Language: lang}))
		for _, w := range words {
			assert.Contains(t, text.String(), w)
			assert.Contains(t, page.String(), w)
		}
		assert.NotContains(t, text.String(), Messages().Label(lang, "night.unproved", nil))
		assert.Contains(t, NightLine(n, p, Options{Language: lang}), words[1])
	}
	var junit strings.Builder
	require.NoError(t, NightJUnit(&junit, n, Options{Language: English}))
	assert.Contains(t, junit.String(), `<testcase classname="shop older.dump" name="verdict" time="90.000">`+"\n      <skipped")
	path := filepath.Join(t.TempDir(), "night.prom")
	require.NoError(t, NightMetrics(path, n))
	prom, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(prom), `point="older.dump",status="read"} 1`)
	assert.Contains(t, string(prom), `point="older.dump",status="inconclusive"} 0`)
	assert.Contains(t, string(prom), "lifeboat_night_passed{catalogue=\"nightly\"} 1")
}

// TestPartInTheReports: what was proved in part looks like no proof of the whole, and says what of it nothing is known of.
func TestPartInTheReports(t *testing.T) {
	t.Parallel()
	n := aNight()
	n.Proofs = n.Proofs[:2]
	whole := n.Proofs[0]
	p := night.ProofOf(night.Planned{Backup: "crm"}, &record.Record{Restores: []record.RestoreFact{
		{Restored: record.Restored{Backup: "crm", Part: &record.Part{Only: "crm.orders", Left: "crm.notes"}}},
		{Restored: record.Restored{Backup: "other", Part: &record.Part{Only: "x"}}}}},
		record.Verdict{Status: record.StatusPassed})
	require.True(t, p.InPart())
	p.Drill, p.Rungs = "20260301-crm", []objective.Rung{{Name: objective.RungFound, State: objective.RungReached}, {Name: objective.RungRead, State: objective.RungReached},
		{Name: objective.RungRestored, State: objective.RungUnasked}}
	rests := p
	rests.Backup, rests.Started, rests.Rests, rests.Skipped = "old", n.Started, &p, night.Unchanged
	n.Proofs = []night.Proof{whole, p, rests}
	for lang, words := range map[Language][]string{
		English: {"1 of 3 proved, 0 failed; 2 in part; 1 unchanged since an earlier proof.", "? Proved in part", "? In part. Unchanged since 03-01 02:00",
			"only crm.orders was restored; it also holds crm.notes: nothing is known of the rest of it"},
		Chinese: {"3 份备份中 1 份已证明，0 份未通过；2 份只证明了一部分；其中 1 份自上次证明后没有变化。", "? 部分已证明", "? 只有一部分。自 03-01 02:00 起无变化", "只恢复了 crm.orders；其中还有 crm.notes：其余部分情况不明"},
	} {
		var text, page strings.Builder
		require.NoError(t, NightTerminal(&text, n, Options{Language: lang, Width: 200}))
		require.NoError(t, NightsPage(&page, []*night.Night{n}, Options{Language: lang}))
		for _, w := range words {
			assert.Contains(t, text.String(), w)
			assert.Contains(t, page.String(), strings.TrimPrefix(w, "? "))
		}
		assert.True(t, strings.HasPrefix(strings.TrimSpace(text.String()), words[1]), text.String())
		assert.Contains(t, page.String(), `<header class="inconclusive">`)
		assert.Contains(t, NightLine(n, p, Options{Language: lang}), strings.TrimPrefix(words[1], "? "))
		assert.Contains(t, NightLine(n, p, Options{Language: lang}), words[3])
		var standing strings.Builder
		require.NoError(t, StandingTerminal(&standing, []night.Standing{{Backup: "crm", State: night.InPart, Latest: &p}}, Options{Language: lang, Width: 200}))
		assert.Contains(t, standing.String(), map[Language]string{English: "? IN PART", Chinese: "? 部分已证明"}[lang])
	}
	var junit, js strings.Builder
	require.NoError(t, NightJUnit(&junit, n, Options{Language: English}))
	assert.Contains(t, junit.String(), `<testcase classname="crm" name="verdict" time="0.000">`+"\n      <skipped")
	require.NoError(t, NightJSON(&js, n, Options{}))
	assert.Contains(t, js.String(), `"part":{"only":"crm.orders","left":"crm.notes"}`)
	path := filepath.Join(t.TempDir(), "night.prom")
	require.NoError(t, NightMetrics(path, n))
	prom, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, line := range []string{`backup="crm",catalogue="nightly",point="",status="part"} 1`, `backup="crm",catalogue="nightly",point="",status="passed"} 0`,
		`backup="shop",catalogue="nightly",point="",status="passed"} 1`, `lifeboat_night_passed{catalogue="nightly"} 0`} {
		assert.Contains(t, string(prom), line)
	}
	assert.NotContains(t, string(prom), `backup="shop",catalogue="nightly",point="",status="part"`)
}

// TestNightJUnit: a case for each rung, and nothing that is not proved is green.
func TestNightJUnit(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, NightJUnit(&b, aNight(), Options{Language: English}))
	var all junitSuites
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &all))
	require.Len(t, all.Suites, 6)
	assert.Equal(t, 1, all.Suites[0].Failures, "the night as a whole")
	all.Suites = all.Suites[1:]
	assert.Equal(t, []int{8, 8, 8, 1, 1}, []int{len(all.Suites[0].Cases), len(all.Suites[1].Cases), len(all.Suites[2].Cases),
		len(all.Suites[3].Cases), len(all.Suites[4].Cases)})
	for i, s := range all.Suites {
		green := s.Failures+s.Errors == 0
		assert.Equal(t, i == 0 || i == 4, green, s.Name)
	}
	assert.Equal(t, 1, all.Suites[3].Errors, "what was to be run and was not is an error")
	assert.Equal(t, 1, all.Suites[4].Skipped, "what was left out is not")
}

// TestNightThatDidNotEnd is red as a whole, whatever was proved until then.
func TestNightThatDidNotEnd(t *testing.T) {
	t.Parallel()
	n := aNight()
	n.Proofs, n.Ended = n.Proofs[:1], time.Time{}
	var b strings.Builder
	require.NoError(t, NightJUnit(&b, n, Options{Language: English}))
	var all junitSuites
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &all))
	assert.Equal(t, 1, all.Errors)
}

// TestPartOfANight is no proof of the catalogue, whoever asks.
func TestPartOfANight(t *testing.T) {
	t.Parallel()
	n := aNight()
	n.Proofs = []night.Proof{n.Proofs[0], n.Proofs[4]}
	require.Equal(t, record.StatusPassed, n.Status())
	var b strings.Builder
	require.NoError(t, NightsPage(&b, []*night.Night{n}, Options{Language: English}))
	assert.Contains(t, b.String(), `<header class="inconclusive">`)
	path := filepath.Join(t.TempDir(), "lifeboat.prom")
	require.NoError(t, NightMetrics(path, n))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(raw), "lifeboat_night_passed{catalogue=\"nightly\"} 0\n")
	assert.Contains(t, string(raw), "lifeboat_night_left_out{catalogue=\"nightly\"} 1\n")
	assert.Error(t, NightsPage(&b, nil, Options{Language: English}))

	b.Reset()
	require.NoError(t, NightJUnit(&b, n, Options{Language: English}))
	var all junitSuites
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &all))
	assert.Equal(t, 1, all.Suites[0].Skipped, "the night as a whole is not green")
	b.Reset()
	require.NoError(t, NightJSON(&b, n, Options{}))
	assert.Contains(t, b.String(), `{"verdict":"passed","partial":true,`)
	b.Reset()
	require.NoError(t, NightTerminal(&b, n, Options{Language: English, Width: 160}))
	assert.Contains(t, b.String(), "? Proved in part · All <backups>")
}

// When a night was to begin stands beside when it began, in every form; where nobody said it, the page says that.
func TestSlotOfANight(t *testing.T) {
	t.Parallel()
	slot := aNight().Started.Add(-90 * time.Second).In(time.FixedZone("", 8*3600))
	for lang, words := range map[Language][]string{
		English: {"Planned for 2026-03-01 01:58:30 +00:00, began 1 min 30 s later.", "When it was to begin nobody said."},
		Chinese: {"计划开始时间：2026-03-01 01:58:30 +00:00，推迟 1 分 30 秒开始。", "计划开始时间未登记。"},
	} {
		for i, s := range []*time.Time{&slot, nil} {
			n := aNight()
			n.Slot = s
			var text, page strings.Builder
			require.NoError(t, NightTerminal(&text, n, Options{Language: lang, Width: 160}))
			require.NoError(t, NightsPage(&page, []*night.Night{n}, Options{Language: lang}))
			assert.Contains(t, html.UnescapeString(page.String()), words[i])
			assert.Equal(t, s != nil, strings.Contains(text.String(), words[0]), "a screen says it where it is known")
		}
	}
	n := aNight()
	n.Slot = &slot
	var junit, js strings.Builder
	require.NoError(t, NightJUnit(&junit, n, Options{Language: English}))
	assert.Contains(t, junit.String(), `<property name="planned" value="2026-03-01T09:58:30+08:00">`)
	require.NoError(t, NightJSON(&js, n, Options{}))
	assert.Contains(t, js.String(), `"slot":"2026-03-01T09:58:30+08:00"`)
}

// TestNightsPage shows each backup against each night, escapes what it shows, and leads to reports.
func TestNightsPage(t *testing.T) {
	t.Parallel()
	before := aNight()
	before.Started, before.Proofs = before.Started.Add(-24*time.Hour), before.Proofs[:1]
	for _, lang := range Languages() {
		var b strings.Builder
		require.NoError(t, NightsPage(&b, []*night.Night{before, aNight()}, Options{Language: lang}))
		page := b.String()
		assert.Equal(t, 5, strings.Count(page, "<tr><td>"), "a row for each backup")
		assert.Contains(t, page, `<a href="../drills/20260301-cut/reports/report.html">`)
		assert.Equal(t, 2, strings.Count(page, `<a href="../drills/20260301-shop/`), "tonight and the night before")
		assert.Contains(t, page, "02-28 02:00")
		assert.NotContains(t, page, "<backups>")
		assert.NotContains(t, page, "night.", "a label without words")
		d := xml.NewDecoder(strings.NewReader(page))
		d.Strict = true
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, "it is well-formed")
		}
	}
}

// TestMetricsOfOddNames: a file of metrics is looked at on terminals, and two names that are not printable stay two.
func TestMetricsOfOddNames(t *testing.T) {
	t.Parallel()
	n := aNight()
	odd := n.Proofs[0]
	for _, name := range []string{"a\x1b[31m", "a\x07[31m"} {
		odd.Point = name
		n.Proofs = append(n.Proofs, odd)
	}
	path := filepath.Join(t.TempDir(), "lifeboat.prom")
	require.NoError(t, NightMetrics(path, n))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, printable(string(raw)), string(raw))
	assert.Contains(t, string(raw), `point="\"a\\x1b[31m\""`)
	assert.Contains(t, string(raw), `point="\"a\\a[31m\""`)
}

// TestNightMetrics reads what was written with the linter of Prometheus' own tool.
func TestNightMetrics(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lifeboat.prom")
	require.NoError(t, NightMetrics(path, aNight()))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, line := range []string{
		`lifeboat_proof_status{backup="shop",catalogue="nightly",point="",status="passed"} 1`,
		`lifeboat_proof_status{backup="late",catalogue="nightly",point="",status="passed"} 0`,
		`lifeboat_proof_rung{backup="crm",catalogue="nightly",point=""} 3`,
		`lifeboat_proof_rung{backup="late",catalogue="nightly",point=""} -1`,
		`lifeboat_proof_rung{backup="cut",catalogue="nightly",point="a \"b\"\n.dump"} 0`,
		`lifeboat_backup_size_bytes{backup="shop",catalogue="nightly",point=""} 4096`,
		`lifeboat_night_passed{catalogue="nightly"} 0`,
	} {
		assert.Contains(t, string(raw), line+"\n")
	}
	assert.NotContains(t, string(raw), `backup="other"`, "what was left out says nothing")
	problems, err := promlint.New(bytes.NewReader(raw)).Lint() // what promtool check metrics asks
	require.NoError(t, err)
	assert.Empty(t, problems)
}
