package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
)

// reviewOf is what people signed of a drill that failed; of every other nothing.
func reviewOf(sm sample) *Review {
	if sm.name != "failed" {
		return &Review{}
	}
	said := func(kind, role, text string) evidence.Addendum {
		return evidence.Addendum{Kind: kind, Role: role, Text: text, Drill: sm.record.Header.Drill, Key: "SHA256:3ESbVRk25bHG7XXyzWGd4OxyZvYidSgh/Y7VyUusqJs",
			At: time.Date(2026, 11, 21, 9, 30, 0, 0, time.FixedZone("", 8*3600))}
	}
	finding := said(evidence.Finding, "reviewer", "快照所在存储池限速，恢复期间须临时放开")
	finding.Number, finding.Severity, finding.Owner, finding.Due = 1, "high", "存储组", "2026-12-31"
	return &Review{Said: []evidence.Addendum{said(evidence.RootCause, "operator", "存储 I/O 不足，快照恢复慢于预期"), finding,
		said(evidence.Correction, "operator", "09:12 前的值班记录时间偏差 1 分"), said(evidence.SignOff, "management", "")}}
}

// The document of a review, filled in and not, in every format that people read.
func TestReview(t *testing.T) {
	for _, sm := range samples(t) {
		if sm.name != "failed" && sm.name != "two-incidents" && sm.name != "check-run" {
			continue
		}
		for format, ext := range map[string]string{"terminal": "txt", "html": "html", "markdown": "md"} {
			for _, l := range Languages() {
				var b bytes.Buffer
				require.NoError(t, must(Find(format)).Render(&b, sm.record, sm.verdict, Options{Language: l, Width: 100, RecordDigest: digest(11), Review: reviewOf(sm)}))
				got := b.String()
				path := filepath.Join("testdata", "review."+sm.name+"."+string(l)+"."+ext)
				if *update {
					require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err, "write it with: go test ./reports -update")
				assert.Equal(t, string(want), got)
				assert.NotContains(t, got, "⟦", "a label is not in the catalogue")
				unfilled := map[Language]string{English: "Not filled in", Chinese: "待填写"}[l]
				assert.Equal(t, sm.name != "failed", strings.Contains(got, unfilled), "%s: what nobody wrote is said to be unfilled", path)
			}
		}
	}
}

// Every moment of the timeline is in its order, and the clocks of the incident are all there.
func TestReviewTimeline(t *testing.T) {
	for _, sm := range samples(t) {
		a := author{c: Messages(), l: English, r: sm.record, v: sm.verdict, o: Options{Review: reviewOf(sm)}, said: map[string]bool{}}
		blocks := a.reviewTimeline().Blocks
		rows := blocks[len(blocks)-1].Table.Rows
		before := ""
		var said []string
		for _, row := range rows {
			assert.GreaterOrEqual(t, row[0].Text, before, sm.name)
			before = row[0].Text
			said = append(said, row[3].Text)
		}
		for i, in := range sm.record.Incidents {
			for _, c := range clocksOf(sm.record, in, i == len(sm.record.Incidents)-1) {
				assert.Contains(t, strings.Join(said, "\n"), c.Name+" ·", sm.name)
			}
		}
	}
}
