package reports

import (
	"cmp"
	"encoding/json"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"lifeboat/drills/night"
)

// forecast says how long a backup takes to be back, and when that will be longer than it may; "" where nothing was measured.
func (a nightAuthor) forecast(f night.Forecast) string {
	if f.Now <= 0 {
		return ""
	}
	growth := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }
	day := func(at time.Time) string { return at.Format(time.DateOnly) }
	return a.say("forecast."+f.Says, "now", a.l.Duration(f.Now, Nearest), "limit", a.l.Limit(f.Limit), "proofs", strconv.Itoa(f.Proofs),
		"growth", growth(f.Growth), "least", growth(f.Least), "most", growth(f.Most),
		"day", day(f.Exceeds), "earliest", day(f.Earliest), "latest", day(f.Latest))
}

// TrendsTerminal writes how long each backup takes to be back and what becomes of that, for a screen of Options.Width columns. What was
// never measured is said to be that.
func TrendsTerminal(w io.Writer, all []night.Trend, o Options) error {
	a := aboutNight(&night.Night{}, o)
	t := &screen{width: max(60, cmp.Or(max(0, o.Width), 100)), color: o.Color, out: w}
	rows := &table{Columns: []column{{Title: a.say("night.catalogue")}, {Title: a.say("night.backup")}, {Title: a.say("night.time")}}}
	for _, x := range trendCells(a, all) {
		rows.Rows = append(rows.Rows, []cell{{Text: x[0]}, {Text: x[1]}, {Text: x[2]}})
	}
	return t.table(rows)
}

// TrendsLines is that for programs: a head, then one line for each backup, its columns apart by tabs.
func TrendsLines(w io.Writer, all []night.Trend, o Options) error {
	a := aboutNight(&night.Night{}, o)
	text := a.say("night.catalogue") + "\t" + a.say("night.backup") + "\t" + a.say("night.time") + "\n"
	for _, x := range trendCells(a, all) {
		text += x[0] + "\t" + x[1] + "\t" + x[2] + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// TrendsJSON writes an object in a line for each.
func TrendsJSON(w io.Writer, all []night.Trend) error {
	e := json.NewEncoder(w)
	for _, x := range all {
		if err := e.Encode(x); err != nil {
			return err
		}
	}
	return nil
}

// trendCells are those of each backup. Two catalogues of one name are told apart by their files.
func trendCells(a nightAuthor, all []night.Trend) (rows [][3]string) {
	files := map[string]string{}
	twice := map[string]bool{}
	for _, x := range all {
		if f, known := files[x.Catalogue]; known && f != x.File {
			twice[x.Catalogue] = true
		}
		files[x.Catalogue] = x.File
	}
	for _, x := range all {
		name, says := x.Catalogue, a.forecast(x.Time)
		if twice[x.Catalogue] {
			name += " (" + filepath.Base(filepath.Dir(x.File)) + "/" + filepath.Base(x.File) + ")"
		}
		says = cmp.Or(says, a.say("forecast.unmeasured"))
		rows = append(rows, [3]string{name, x.Backup, says})
	}
	return rows
}
