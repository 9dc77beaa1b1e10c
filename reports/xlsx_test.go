package reports

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// The population is a workbook in both languages: every drill in a row, numbers as numbers, and nothing that names it is a formula, there or
// when it is saved as CSV.
func TestPopulationWorkbook(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC)
	hostile := []string{`=HYPERLINK("http://evil","x")`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1+1", "\x00\x1b[2J", strings.Repeat("长", 40000)}
	r := &evidence.Result{Bundle: evidence.Bundle{From: at, To: at.AddDate(0, 3, 0), Origin: "lifeboat/1"}}
	for i, name := range hostile {
		r.Drills = append(r.Drills, evidence.DrillResult{Leaf: evidence.Leaf{Kind: evidence.KindDrill, ID: "20260702-000000000-a", Series: name, Number: i + 1,
			Started: at, Logged: at, Status: record.RunCompleted, Verdict: record.StatusFailed, Manifest: "sha256:" + strings.Repeat("a", 64)},
			Scenario: name, Service: name, By: []string{name}, Subjects: []evidence.Subject{{Backup: name, Point: "p", Digest: "sha256:" + strings.Repeat("b", 64)}}})
		r.Series = append(r.Series, evidence.SeriesResult{Series: name, First: 1, Last: 1, Drills: 1})
	}
	r.Nights = []evidence.NightResult{{Leaf: evidence.Leaf{Kind: evidence.KindNight, ID: "n", Series: "nightly", Started: at, Logged: at, Verdict: record.StatusPassed}}}
	for lang, population := range map[Language]string{English: "Population", Chinese: "样本总体"} {
		var b bytes.Buffer
		require.NoError(t, Audit(&b, "xlsx", r, Options{Language: lang}))
		f, err := excelize.OpenReader(&b)
		require.NoError(t, err)
		rows, err := f.GetRows(population)
		require.NoError(t, err)
		require.Len(t, rows, 1+len(hostile)+1)
		assert.Equal(t, "sha256:"+strings.Repeat("a", 64), rows[1][12], "digests are whole")
		kind, err := f.GetCellType(population, "D2")
		require.NoError(t, err)
		assert.Contains(t, []excelize.CellType{excelize.CellTypeUnset, excelize.CellTypeNumber}, kind, "a number is one")
		looked := 0
		for _, sheet := range f.GetSheetList() {
			rows, err := f.GetRows(sheet)
			require.NoError(t, err)
			for y, row := range rows {
				for x, value := range row {
					at, err := excelize.CoordinatesToCellName(x+1, y+1)
					require.NoError(t, err)
					formula, err := f.GetCellFormula(sheet, at)
					require.NoError(t, err)
					assert.Empty(t, formula)
					assert.False(t, value != "" && strings.ContainsRune("=+-@\t＝＋－＠", []rune(value)[0]), "%s!%s: %.40q", sheet, at, value)
					assert.LessOrEqual(t, len([]rune(value)), longestCell)
					looked++
				}
			}
		}
		assert.Greater(t, looked, 100)
		assert.NotContains(t, f.GetSheetList(), "Sheet1")
	}
}
