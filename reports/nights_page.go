package reports

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// shownNights is how many nights the page shows: two weeks, the latest first.
const shownNights = 14

var nightsTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(templateFiles, "templates/nights.html"))
})

// nightsPage is what the template of the page over several nights sees.
type nightsPage struct {
	Lang, ID, Title, Sentence string
	Planned                   string // when the latest was to begin
	Status                    badge
	CSS                       template.CSS
	Labels                    map[string]string
	Unproved                  []cell
	Nights                    []string
	Rows                      []nightsRow
}

// nightsRow is a backup, or one of the restore points that a night chose of it.
type nightsRow struct {
	Backup, Owner string
	Time          string // in which it is back, and what will become of that
	Cells         []nightsCell
}

// nightsCell is what one night says of it; without a badge it says nothing.
type nightsCell struct {
	Badge             *badge
	Rung, Title, Link string
}

// NightsPage writes backups against nights, the latest first: one page that needs nothing from anywhere. It lies in nights/ of the home;
// each cell leads to the report of its drill. The nights are those of one catalogue, the oldest first, and at least one.
func NightsPage(w io.Writer, nights []*night.Night, o Options) error {
	if len(nights) == 0 {
		return errors.New("draw the page: there is no night to be shown")
	}
	css, err := templateFiles.ReadFile("templates/page.css")
	if err != nil {
		return fmt.Errorf("read the page's style: %w", err)
	}
	latest := nights[len(nights)-1]
	a := aboutNight(latest, o)
	status := latest.Status()
	if status == record.StatusPassed && latest.Partial() { // some say nothing of tonight
		status = record.StatusInconclusive
	}
	p := nightsPage{Lang: string(a.l), ID: latest.Night, Title: a.title(), Sentence: a.sentence(), Planned: a.planned(), Status: a.proof(status),
		CSS: template.CSS(css), Unproved: a.unproved().List, Labels: map[string]string{}}
	for _, label := range []string{"unproved", "nights", "backup"} {
		p.Labels[label] = a.say("night." + label)
	}
	var ladder []string
	for i, r := range objective.Ladder(nil) {
		ladder = append(ladder, strconv.Itoa(i)+" "+a.c.Named(a.l, "rung", string(r.Name)))
	}
	p.Labels["ladder"] = strings.Join(ladder, " · ")

	shown := slices.Clone(nights[max(0, len(nights)-shownNights):])
	slices.Reverse(shown)
	for _, n := range shown {
		p.Nights = append(p.Nights, n.Started.Format("01-02 15:04"))
	}
	for _, x := range latest.Proofs {
		row := nightsRow{Backup: a.backup(x), Owner: x.Owner}
		if !x.Older {
			row.Time = a.forecast(night.Foreseen(x.Backup, nights))
		}
		for _, n := range shown {
			row.Cells = append(row.Cells, aboutNight(n, o).cellOf(x))
		}
		p.Rows = append(p.Rows, row)
	}
	var b bytes.Buffer // a page is whole or not written at all
	if err := nightsTemplate().Execute(&b, p); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	_, err = io.WriteString(w, printable(b.String()))
	return err
}

// cellOf is what a night says of a backup, by its name and its restore point.
func (a nightAuthor) cellOf(of night.Proof) nightsCell {
	for _, p := range a.n.Proofs {
		if p.Backup != of.Backup || p.Point != of.Point || p.LeftOut() {
			continue
		}
		b := a.badgeOf(p)
		c := nightsCell{Badge: &b, Title: strings.Join(nonEmpty(b.Word, a.rung(p), a.why(p)), " · ")}
		if h := objective.Highest(p.Rungs); h >= 0 {
			c.Rung = strconv.Itoa(h)
		}
		if p.Rests != nil { // it was not made in that night
			c.Rung += " ="
		}
		if p.Drill != "" {
			c.Link = "../drills/" + url.PathEscape(p.Drill) + "/reports/report.html"
		}
		return c
	}
	return nightsCell{}
}
