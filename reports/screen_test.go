package reports

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var space = regexp.MustCompile(`[\s│─┼]+`)

// letters drops what tables add and lines break at, so that only the content is compared.
func letters(s string) string { return space.ReplaceAllString(s, "") }

// TestTableLosesNothing compares every cell with what tablewriter drew, at every width.
func TestTableLosesNothing(t *testing.T) {
	cells := []string{
		"short", "", "a sentence that is much longer than any column of a narrow screen will ever be",
		"升级后数据库不可达，回退脚本在总指挥决策后三分钟内开始执行（含审批）。", "sha256:e04a2c8668c2a40ee04a2c8668c2a40ee04a2c8668c2a40ee04a2c8668c2a40e",
		"中英 mixed 文本 with figures 4 分 59.0 秒", "tab\tand\nline", "trailing   spaces   inside", "emoji 🛟 and combining é",
		"/var/lib/postgresql/15/main/pg_wal/archive_status/000000010000000000000001.ready",
	}
	for width := 30; width <= 160; width += 7 {
		src := &table{Columns: []column{{Title: "First header that is long"}, {Title: "数值", Number: true}, {Title: ""}}}
		for i := range cells {
			src.Rows = append(
				src.Rows,
				[]cell{text(cells[i]), {Text: cells[(i+3)%len(cells)], Small: cells[(i+1)%len(cells)]},
					{Badge: &badge{Class: "failed", Symbol: "✗", Word: "未通过"}, Small: cells[(i+5)%len(cells)]}},
			)
		}
		var b bytes.Buffer
		s := &screen{width: width, out: &b}
		require.NoError(t, s.table(src))
		got := columnsOf(b.String(), 3)
		for r, row := range src.Rows {
			for c := range row {
				want := letters(strings.TrimSpace(s.cell(row[c])))
				assert.Contains(t, got[c], want, "width %d, row %d, column %d", width, r, c)
			}
		}
		assert.Contains(t, got[0], "Firstheaderthatislong")
		assert.Contains(t, got[1], "数值")
	}
}

// columnsOf gathers each column's letters from the drawing.
func columnsOf(drawing string, n int) []string {
	out := make([]string, n)
	for l := range strings.Lines(drawing) {
		for i, part := range strings.Split(strings.TrimRight(l, "\n"), "│") {
			if i < n && !strings.Contains(part, "─") {
				out[i] += letters(part)
			}
		}
	}
	return out
}

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		width    int
		want     []string
	}{
		{"fits", "one two", 10, []string{"one two"}},
		{"at spaces", "one two three", 8, []string{"one two", "three"}},
		{"a word longer than a line", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"chinese anywhere", "升级后数据库", 6, []string{"升级后", "数据库"}},
		{"no closing mark at the beginning of a line", "升级后，数据库", 7, []string{"升级", "后，数", "据库"}},
		{"empty", "", 5, []string{""}},
		{"no room at all", "升级", 1, []string{"升", "级"}},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, wrap(tc.in, tc.width)) })
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 5)
	f.Add("升级后，（数据库）不可达", 3)
	f.Fuzz(func(t *testing.T, s string, width int) {
		s = printable(strings.ToValidUTF8(s, ""))
		width = max(1, min(width, 200))
		assert.Equal(t, strings.ReplaceAll(s, " ", ""), strings.ReplaceAll(strings.Join(wrap(s, width), ""), " ", ""))
	})
}

func TestTerminalFitsItsWidth(t *testing.T) {
	for _, sm := range samples(t) {
		for _, l := range Languages() {
			for _, width := range []int{80, 100, 200} {
				var b bytes.Buffer
				require.NoError(t, Terminal(&b, sm.record, sm.verdict, Options{Language: l, Width: width}))
				for line := range strings.Lines(b.String()) {
					line = strings.TrimRight(line, "\n")
					assert.LessOrEqual(t, displayWidth(line), width, "%s %s: %s", sm.name, l, line)
				}
			}
		}
	}
}

func TestColourChangesNoText(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, sm := range samples(t) {
		var plain, coloured bytes.Buffer
		require.NoError(t, Terminal(&plain, sm.record, sm.verdict, Options{}))
		require.NoError(t, Terminal(&coloured, sm.record, sm.verdict, Options{Color: true}))
		assert.Contains(t, coloured.String(), "\x1b[")
		assert.NotContains(t, plain.String(), "\x1b")
		assert.Equal(t, plain.String(), escape.ReplaceAllString(coloured.String(), ""), sm.name)
	}
}

func TestARestoredSystemDoesNotSteerTheTerminal(t *testing.T) {
	sm := badBackup()
	finish(sm.record)
	sm.record.RestorePoints[0].Point = "x\x1b[2Jy\x07\u009b31m"
	var b bytes.Buffer
	require.NoError(t, Terminal(&b, sm.record, sm.verdict, Options{}))
	assert.NotContains(t, b.String(), "\x1b")
	assert.NotContains(t, b.String(), "\x07")
	assert.NotContains(t, b.String(), "\u009b")
}
