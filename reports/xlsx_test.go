package reports

import (
	"archive/tar"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
	"lifeboat/internal/needs"
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
	slot := at.Add(-150 * time.Second).In(time.FixedZone("", 8*3600))
	r.Drills[1].Slot = &slot
	r.Nights = []evidence.NightResult{{Slot: &slot, Leaf: evidence.Leaf{Kind: evidence.KindNight, ID: "n", Series: "nightly", Started: at, Logged: at, Verdict: record.StatusPassed}}}
	for lang, population := range map[Language]string{English: "Population", Chinese: "样本总体"} {
		var b bytes.Buffer
		require.NoError(t, Audit(&b, "xlsx", r, Options{Language: lang}))
		f, err := excelize.OpenReader(&b)
		require.NoError(t, err)
		rows, err := f.GetRows(population)
		require.NoError(t, err)
		require.Len(t, rows, 1+len(hostile)+1)
		assert.Equal(t, "sha256:"+strings.Repeat("a", 64), rows[1][13], "digests are whole")
		kind, err := f.GetCellType(population, "D2")
		require.NoError(t, err)
		assert.Contains(t, []excelize.CellType{excelize.CellTypeUnset, excelize.CellTypeNumber}, kind, "a number is one")
		unknown := map[Language]string{English: "unknown", Chinese: "未知"}[lang]
		for y, want := range map[int]string{1: unknown, 2: "2026-07-01 23:57:30 +00:00", len(rows) - 1: "2026-07-01 23:57:30 +00:00"} {
			assert.Equal(t, want, rows[y][4], "when it was planned to begin, of row %d", y)
		}
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

// opened gives the sheets of a workbook as CSV, by LibreOffice in a container without a network. Every text is in quotation marks; of a formula its value
// would stand there, without.
const opened = `cat >/tmp/book.xlsx && cd /tmp && mkdir csv && HOME=/tmp soffice --headless --convert-to 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1' ` +
	`--outdir csv book.xlsx >&2 && cd csv && tar -c .`

// What another program reads is what was written: each cell of each sheet, in both languages, and nothing that names a drill is a formula to it.
func TestWorkbookInLibreOffice(t *testing.T) {
	needs.Long(t)
	out, err := exec.Command("../ci/images/libreoffice.sh").CombinedOutput()
	require.NoError(t, err, "%s", out)
	r := quarterOf(t, English)
	hostile := []string{`=HYPERLINK("http://evil","x")`, "=1+1", "+1+1", "-2+3", "@SUM(A1)", "＝1+1", `say "a, b"`}
	for i, name := range hostile {
		x := r.Drills[0]
		x.ID, x.Series, x.Number, x.Scenario, x.Service, x.By = fmt.Sprintf("hostile-%d", i), name, 100+i, name, name, []string{name}
		r.Drills = append(r.Drills, x)
	}
	for _, lang := range Languages() {
		var book, csvs, said bytes.Buffer
		require.NoError(t, Audit(&book, "xlsx", r, Options{Language: lang}))
		f, err := excelize.OpenReader(bytes.NewReader(book.Bytes()))
		require.NoError(t, err)
		cmd := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--user", "65534:65534", "--tmpfs", "/tmp:exec,mode=1777", "--entrypoint", "/bin/sh",
			"lifeboat/libreoffice:12", "-c", opened)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = &book, &csvs, &said
		require.NoError(t, cmd.Run(), "%s", &said)
		sheets := map[string][][]string{}
		for tr := tar.NewReader(&csvs); ; {
			h, err := tr.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			if h.Typeflag != tar.TypeReg {
				continue
			}
			c := csv.NewReader(tr)
			c.FieldsPerRecord = -1
			rows, err := c.ReadAll()
			require.NoError(t, err, h.Name)
			sheets[strings.TrimSuffix(strings.TrimPrefix(path.Base(h.Name), "book-"), ".csv")] = rows
		}
		require.Len(t, sheets, len(f.GetSheetList()))
		for _, sheet := range f.GetSheetList() {
			want, err := f.GetRows(sheet)
			require.NoError(t, err)
			assert.Equal(t, trimmed(want), trimmed(sheets[sheet]), "%s %s", lang, sheet)
		}
		population := sheets[Messages().Label(lang, "audit.title.population", nil)]
		require.Len(t, population, 1+len(r.Drills)+len(r.Nights))
		for i, x := range r.Drills {
			row := population[1+i]
			assert.Equal(t, []string{x.ID, strconv.Itoa(x.Number), x.Manifest}, []string{row[0], row[3], row[13]})
			if at := i - (len(r.Drills) - len(hostile)); at >= 0 && at < 6 {
				assert.Equal(t, "'"+hostile[at], row[2], "a text, also when the sheet is saved")
			}
		}
	}
}

// trimmed leaves out what is empty at the ends: how far a sheet goes is each program's own.
func trimmed(rows [][]string) [][]string {
	var all [][]string
	for _, row := range rows {
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		all = append(all, append([]string{}, row...))
	}
	for len(all) > 0 && len(all[len(all)-1]) == 0 {
		all = all[:len(all)-1]
	}
	return all
}
