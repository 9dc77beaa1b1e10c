package reports

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// workbook is a verified bundle as sheets: the population with full digests, and each table of the page. It is written here and not by
// excelize, whose work before main costs every command a megabyte and milliseconds; the tests read it by excelize.
type workbook struct {
	titles []string
	sheets []string // XML
	names  map[string]bool
}

// xlsx writes the population of a bundle for a spreadsheet: what the page says, one sheet for each of its tables.
func (p auditor) xlsx(w io.Writer) error {
	b := &workbook{names: map[string]bool{}}
	d := p.document()
	b.sheet(p.say("audit.title.summary"), nil, p.summary(d))
	columns, rows := p.population()
	b.sheet(p.say("audit.title.population"), columns, rows)
	for _, s := range d.Sections {
		for _, x := range s.Blocks {
			if x.Table != nil {
				b.sheet(s.Title, x.Table.Columns, x.Table.Rows)
			}
		}
	}
	return b.write(w)
}

// summary is what the page says outside of its tables.
func (p auditor) summary(d document) (rows [][]cell) {
	rows = append(rows, []cell{text(d.Status.Word)}, []cell{text(d.Title)}, []cell{text(strings.ReplaceAll(d.Sentence, "**", ""))})
	for _, s := range d.Sections {
		rows = append(rows, []cell{}, []cell{text(s.Title)})
		for _, x := range s.Blocks {
			if x.Paragraph != "" {
				rows = append(rows, []cell{text(x.Paragraph)})
			}
			for _, f := range x.Pairs {
				rows = append(rows, []cell{text(f.Name), f.Text})
			}
			for _, c := range x.List {
				rows = append(rows, []cell{c})
			}
		}
	}
	return rows
}

// population is one row for each drill and night, however it ended.
func (p auditor) population() ([]column, [][]cell) {
	columns := p.columns("---n", "drill_id", "kind_of", "series", "number", "planned_for", "begun_at", "logged_at", "ended_as", "verdict", "scenario",
		"service_of", "restore_points", "signed_by", "manifest_digest")
	var rows [][]cell
	row := func(l evidence.Leaf, slot *time.Time, scenario, service, points, by string) {
		number := ""
		if l.Number > 0 {
			number = strconv.Itoa(l.Number)
		}
		rows = append(rows, []cell{text(l.ID), text(p.c.Named(p.l, "leaf_kind", l.Kind)), text(l.Series), text(number), p.slotOf(slot, l), text(p.l.Time(l.Started)),
			text(p.l.Time(l.Logged)), text(p.c.Named(p.l, "run", string(l.Status))), text(p.status(l.Verdict).Word), text(scenario), text(service),
			text(points), text(by), text(l.Manifest)})
	}
	for _, x := range p.a.Drills {
		var points []string
		for _, s := range x.Subjects {
			points = append(points, s.Backup+"/"+s.Point+" "+s.Digest)
		}
		row(x.Leaf, x.Slot, x.Scenario, x.Service, strings.Join(points, "\n"), strings.Join(x.By, ", "))
	}
	for _, x := range p.a.Nights {
		x.Status = record.RunCompleted
		row(x.Leaf, x.Slot, "", "", "", "")
	}
	return columns, rows
}

// sheet adds one. Its name is what a spreadsheet bears: at most 31 characters, none of them special, each once.
func (b *workbook) sheet(title string, columns []column, rows [][]cell) {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return ' '
		}
		return r
	}, title)
	for n := 2; utf8.RuneCountInString(name) > 31 || b.names[strings.ToLower(name)]; n++ {
		short := []rune(name)
		name = string(short[:min(len(short), 28)]) + " " + strconv.Itoa(n)
	}
	b.names[strings.ToLower(name)] = true
	var x strings.Builder
	x.WriteString(xml.Header + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	y := 0
	row := func(cells []string, number func(i int) bool) {
		y++
		fmt.Fprintf(&x, `<row r="%d">`, y)
		for i, value := range cells {
			x.WriteString(written(string(rune('A'+i))+strconv.Itoa(y), value, number(i)))
		}
		x.WriteString(`</row>`)
	}
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.Title)
	}
	if len(titles) > 0 {
		row(titles, func(int) bool { return false })
	}
	for _, cells := range rows {
		var values []string
		for _, c := range cells {
			values = append(values, spelled(c))
		}
		row(values, func(i int) bool { return i < len(columns) && columns[i].Number })
	}
	x.WriteString(`</sheetData></worksheet>`)
	b.titles, b.sheets = append(b.titles, name), append(b.sheets, x.String())
}

// write packs the workbook (ECMA-376): the fewest parts that it can have.
func (b *workbook) write(w io.Writer) error {
	const relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s</Relationships>`
	const kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	const main = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	var types, sheets, files strings.Builder
	for i, title := range b.titles {
		n := i + 1
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, n, main)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, escaped(title), n, n)
		fmt.Fprintf(&files, `<Relationship Id="rId%d" Type="%sworksheet" Target="worksheets/sheet%d.xml"/>`, n, kind, n)
	}
	parts := [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + main + `sheet.main+xml"/>` + types.String() + `</Types>`},
		{"_rels/.rels", fmt.Sprintf(relations, `<Relationship Id="rId1" Type="`+kind+`officeDocument" Target="xl/workbook.xml"/>`)},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + strings.TrimSuffix(kind, "/") +
			`"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", fmt.Sprintf(relations, files.String())},
	}
	for i, sheet := range b.sheets {
		parts = append(parts, [2]string{fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), strings.TrimPrefix(sheet, xml.Header)})
	}
	z := zip.NewWriter(w)
	for _, p := range parts {
		f, err := z.Create(p[0])
		if err == nil {
			_, err = io.WriteString(f, xml.Header+p[1])
		}
		if err != nil {
			return fmt.Errorf("write the workbook: %w", err)
		}
	}
	return z.Close()
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes all
	return b.String()
}

// spelled is all the words of a cell.
func spelled(c cell) string {
	var parts []string
	if c.Badge != nil {
		parts = append(parts, c.Badge.Word)
	}
	for _, s := range []string{c.Text, c.Small, c.Hint} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "\n")
}

// longestCell is what a spreadsheet bears, characters.
const longestCell = 32767

// written is a cell: a number where it is one in a column of numbers, and else text: never a formula, nor what becomes one when the sheet is
// saved as CSV.
func written(at, value string, number bool) string {
	if n, err := strconv.ParseInt(value, 10, 64); number && err == nil {
		return fmt.Sprintf(`<c r="%s"><v>%d</v></c>`, at, n)
	}
	if r, _ := utf8.DecodeRuneInString(value); strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) {
		value = "'" + value
	}
	if runes := []rune(value); len(runes) > longestCell {
		value = string(runes[:longestCell-1]) + "…"
	}
	return fmt.Sprintf(`<c r="%s" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, at, escaped(value))
}
