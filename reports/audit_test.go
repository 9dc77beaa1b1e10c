package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// quarterOf is a verified quarter of all samples: signed off but for two, with a finding of one that did not pass.
func quarterOf(t *testing.T, in Language) *evidence.Result {
	t.Helper()
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	r := &evidence.Result{Bundle: evidence.Bundle{From: from, To: from.AddDate(0, 3, 0), Origin: "lifeboat/0123456789abcdef"}, Size: 20,
		Root: "kHG+VusOFMsQEzhfzu0R9lXltMFY4KygTPzDG2PwqKY=", Signers: []string{"operations"}, Since: 12}
	series := map[string]*evidence.SeriesResult{}
	var order []string
	for i, sm := range samples(t) {
		h := sm.record.Header
		h.Drill += strconv.Itoa(i)
		x := evidence.DrillResult{Leaf: evidence.Leaf{Kind: evidence.KindDrill, ID: h.Drill, Series: h.Series, Number: i + 1, Started: h.Started, Logged: h.Started,
			Status: sm.record.Status, Verdict: sm.verdict.Status, Manifest: digest(3)}, Scenario: h.Scenario, Service: h.Service, Tool: h.Tool,
			By: []string{"operations"}}
		x.Shown = Shown(in)(x.Leaf, sm.record, sm.verdict)
		for _, p := range sm.record.RestorePoints {
			x.Subjects = append(x.Subjects, evidence.Subject{Backup: p.Backup, Point: p.Point, Digest: p.Digest})
		}
		r.Drills = append(r.Drills, x)
		s := series[h.Series]
		if s == nil {
			s = &evidence.SeriesResult{Series: h.Series, First: i + 1}
			series[h.Series], order = s, append(order, h.Series)
		}
		s.Last, s.Drills = i+1, s.Drills+1
		switch x.Verdict {
		case record.StatusPassed:
			s.Passed++
		case record.StatusFailed:
			s.Failed++
		default:
			s.Other++
		}
		said := evidence.Addendum{ID: "a" + strconv.Itoa(i), Kind: evidence.SignOff, Drill: h.Drill, Series: h.Series, Role: "reviewer", At: h.Started}
		if i > 1 {
			r.Addenda = append(r.Addenda, evidence.AddendumResult{Addendum: said, By: "Zhao Min"})
		}
		if x.Verdict == record.StatusFailed && len(r.Findings) == 0 {
			said.Kind, said.Text = evidence.RootCause, "The image lacks its configuration files"
			r.Addenda = append(r.Addenda, evidence.AddendumResult{Addendum: said, By: "Zhao Min"})
			said.Kind, said.Text, said.Number, said.Severity, said.Owner, said.Due = evidence.Finding, "The nightly image job leaves /etc/shop out", 1, "high", "storage", "2026-12-31"
			r.Addenda = append(r.Addenda, evidence.AddendumResult{Addendum: said, By: "Zhao Min"})
			r.Findings = append(r.Findings, evidence.FindingResult{AddendumResult: r.Addenda[len(r.Addenda)-1], State: evidence.FindingOpen})
			r.Notices = append(r.Notices, record.Reason{ID: selfApproval, Args: map[string]string{"by": "Zhao Min", "drill": h.Drill, "role": "reviewer"}})
		}
	}
	for _, name := range order {
		r.Series = append(r.Series, *series[name])
	}
	r.Programmes = []evidence.ProgrammeResult{{Leaf: evidence.Leaf{Kind: evidence.KindProgramme, Series: "2026", Logged: from.AddDate(0, 0, -9)}, From: from, To: r.Bundle.To,
		Duties: []evidence.DutyResult{{Duty: evidence.Duty{Name: "the shop comes back", Series: "shop", Every: "30d", By: "operations"}, Runs: 5, Passed: 1,
			Due: from.AddDate(0, 2, 20), Gaps: []evidence.Gap{{From: from.AddDate(0, 2, 20), To: r.Bundle.To, Open: true}}}}}}
	slot, began, late := from.AddDate(0, 1, 1).Add(-150*time.Second), r.Drills[1].Started, r.Drills[0].Started.Add(-90*time.Minute)
	r.Drills[0].Slot, r.Drills[1].Slot = &late, &began
	r.Nights = []evidence.NightResult{{Slot: &slot, Leaf: evidence.Leaf{Kind: evidence.KindNight, ID: "20261102-000000000-n", Series: "nightly", Started: from.AddDate(0, 1, 1),
		Verdict: record.StatusFailed}, Planned: 3, Passed: 1, Failed: 1, LeftOut: 1}}
	return r
}

func audited(t *testing.T, format string, r *evidence.Result, l Language) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Audit(&b, format, r, Options{Language: l, Width: 100}))
	return b.String()
}

// The summary of a quarter in every format that people read, in both languages.
func TestSummaryOfAQuarter(t *testing.T) {
	for format, ext := range map[string]string{"terminal": "txt", "html": "html", "markdown": "md"} {
		for _, l := range Languages() {
			got := audited(t, format, quarterOf(t, l), l)
			path := filepath.Join("testdata", "quarter."+string(l)+"."+ext)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err, "write it with: go test ./reports -update")
			assert.Equal(t, string(want), got)
			assert.NotContains(t, got, "⟦", "a label is not in the catalogue")
			if format == "html" {
				assert.Empty(t, outside.FindAllString(got, -1), "nothing from outside")
				assert.Contains(t, got, "kHG", "the digest is on every page")
			}
		}
	}
}

// The figures of the summary agree with each other: each service's drills are passed, failed or neither; each objective's drills held it, missed it, or
// nobody knows; the sums are those of the bundle.
func TestSummaryAddsUp(t *testing.T) {
	r := quarterOf(t, English)
	p := auditor{author{c: Messages(), l: English}, r}
	number := func(c cell) int {
		n, err := strconv.Atoi(c.Text)
		require.NoError(t, err)
		return n
	}
	all := 0
	for _, row := range p.services().Blocks[0].Table.Rows {
		assert.Equal(t, number(row[1]), number(row[2])+number(row[3])+number(row[4]), row[0].Text)
		all += number(row[1])
	}
	assert.Len(t, r.Drills, all)
	_, drills := p.byService()
	objectives := 0
	for _, b := range p.targets().Blocks {
		judged := map[string]int{}
		for _, x := range drills[b.Caption] {
			for _, j := range x.Shown.Objectives {
				if !j.Unlimited && j.Status != record.StatusNotRun {
					judged[p.c.Named(English, "objective", j.Name)+" "+English.Limit(j.Limit)]++
				}
			}
		}
		for _, row := range b.Table.Rows {
			assert.Equal(t, judged[row[0].Text+" "+row[1].Text], number(row[2])+number(row[3])+number(row[4]), row[0].Text)
			objectives++
		}
		assert.Len(t, b.Table.Rows, len(judged), b.Caption)
	}
	assert.Positive(t, objectives)
	passed := 0
	for _, x := range r.Drills {
		if x.Verdict == record.StatusPassed {
			passed++
		}
	}
	assert.Len(t, p.unpassed().Blocks[0].Table.Rows, len(r.Drills)-passed)
	assert.Contains(t, audited(t, "markdown", r, English), "signed off 2 drills", "those whom nobody stands for are named")
}

// What an auditor is told of a worst value is the worst: one that never came back counts by how long it was seen not to.
func TestTheWorstIsTold(t *testing.T) {
	span := func(d time.Duration) *time.Duration { return &d }
	drill := func(j record.Judged) evidence.DrillResult {
		j.Name, j.Limit = "restored", time.Hour
		return evidence.DrillResult{Shown: &evidence.Shown{Objectives: []record.Judged{j}}}
	}
	got := targetsOf([]evidence.DrillResult{
		drill(record.Judged{Measured: span(20 * time.Minute), Status: record.StatusPassed}),
		drill(record.Judged{Lower: span(90 * time.Minute), Status: record.StatusFailed}),
		drill(record.Judged{Measured: span(70 * time.Minute), Status: record.StatusFailed}),
		drill(record.Judged{Status: record.StatusInconclusive}),
	})
	require.Len(t, got, 1)
	assert.Equal(t, 90*time.Minute, *got[0].worst.Lower)
	assert.Equal(t, [3]int{1, 2, 1}, [3]int{got[0].held, got[0].missed, got[0].unknown})
	assert.True(t, strings.HasPrefix(auditor{author{c: Messages(), l: English}, &evidence.Result{}}.measured(*got[0].worst), "≥ 1 h 30 min"))
}
