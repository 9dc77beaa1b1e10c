package main

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// historyLine is one drill of the list.
type historyLine struct {
	Drill    string    `json:"drill"`
	Number   int       `json:"number"`
	Series   string    `json:"series"`
	Scenario string    `json:"scenario"`
	Started  time.Time `json:"started"`
	Status   string    `json:"status"`
	Verdict  string    `json:"verdict"`
	Why      string    `json:"why"`
	Error    string    `json:"error,omitempty"` // the journal cannot be judged
}

func (a *app) historyCommand() *cobra.Command {
	times := false
	c := &cobra.Command{
		Use: "history", Short: "List the drills: every one that took a number, however it ended",
		Long: "Judges the journals again and lists the drills, oldest first. Journals that cannot be read are listed, too.\n" +
			"What this build has judged and is unchanged it takes from history.ndjson of the home, which may be thrown away.\n" +
			"On a terminal it then says of each backup of a catalogue how long it takes to be back, how that grows, and when it will\n" +
			"exceed its limit (NOT ENOUGH DATA where nobody can know); --times says only that.\n" +
			"Into a pipe or a file it writes one line for each drill, its columns apart by tabs, nothing cut.\n" +
			exitHelp,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w, err := a.words()
			if err != nil {
				return err
			}
			if times {
				return a.trends(w)
			}
			past, err := drills.History(a.home, buildID())
			if err != nil {
				return err
			}
			lines := make([]historyLine, 0, len(past))
			for _, p := range past {
				lines = append(lines, a.historyLine(p, w))
			}
			if a.json {
				for _, l := range lines {
					if err := json.NewEncoder(a.stdout).Encode(l); err != nil {
						return err
					}
				}
				return nil
			}
			if err := a.historyTable(lines, w); err != nil || a.width() == 0 {
				return err
			}
			return a.trends(w)
		},
	}
	c.Flags().BoolVar(&times, "times", false, "say of each backup of the catalogues how long it takes to be back and what becomes of that; list no drill")
	return c
}

// trends prints what becomes of the time of each backup of which there were nights.
func (a *app) trends(w words) error {
	nights, unread := night.All(a.home)
	if unread != nil {
		a.log().Warn("some nights cannot be read, and do not count", "error", unread)
	}
	all, o := night.Trends(nights), reports.Options{Language: w.lang, Width: a.width(), Color: a.color()}
	switch {
	case a.json:
		return reports.TrendsJSON(a.stdout, all)
	case o.Width == 0:
		return reports.TrendsLines(a.stdout, all, o)
	case len(all) == 0:
		return nil
	}
	return reports.TrendsTerminal(a.stdout, all, o)
}

func (a *app) historyLine(p drills.Past, w words) historyLine {
	l := historyLine{Drill: p.Drill, Number: p.Number, Series: p.Series, Scenario: p.Scenario, Started: p.Started,
		Status: string(p.Status), Verdict: string(p.Verdict), Error: p.Error}
	switch {
	case p.Error != "":
		l.Verdict, l.Why = string(record.StatusInconclusive), p.Error
	case p.Status == record.RunCrashed && drills.Running(filepath.Join(a.home, "drills", p.Drill)): // its journal has no end yet
		l.Status, l.Verdict = "running", "running"
	case p.Why != nil:
		l.Why = w.cat.Sentence(w.lang, *p.Why)
	}
	return l
}

// buildID tells this build from every other: another one may judge otherwise. "" where it is not known.
func buildID() string {
	self, err := elf.Open("/proc/self/exe")
	if err != nil {
		return ""
	}
	defer self.Close() //nolint:errcheck // it was only read
	note := self.Section(".note.go.buildid")
	if note == nil {
		return ""
	}
	id, err := note.Data()
	if err != nil || len(id) < 16 {
		return ""
	}
	return strings.TrimRight(string(id[16:]), "\x00") // behind the sizes, the type and the name of an ELF note
}

func (a *app) historyTable(lines []historyLine, w words) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintf(a.stdout, "%s\n", w.Text("history.none", map[string]string{"home": a.home}))
		return err
	}
	width := a.whyWidth(lines)
	if width == 0 {
		return a.historyLines(lines, w)
	}
	t := tablewriter.NewTable(a.stdout, tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header(historyHead(w))
	for _, l := range lines {
		cells := l.cells(w)
		cells[len(cells)-1] = ansi.Wrap(cells[len(cells)-1], width, "")
		if err := t.Append(cells); err != nil {
			return fmt.Errorf("list drill %s: %w", l.Drill, err)
		}
	}
	return t.Render()
}

// historyLines is the list for programs: a head, then one line for each drill.
func (a *app) historyLines(lines []historyLine, w words) error {
	var b strings.Builder
	b.WriteString(strings.Join(historyHead(w), "\t") + "\n")
	for _, l := range lines {
		b.WriteString(strings.Join(l.cells(w), "\t") + "\n")
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

func historyHead(w words) []string {
	var head []string
	for _, name := range []string{"number", "drill", "scenario", "started", "verdict", "why"} {
		head = append(head, w.Text("history."+name, nil))
	}
	return head
}

// cells of a drill, each a line without tabs.
func (l historyLine) cells(w words) []string {
	number, started := "?", ""
	if l.Number > 0 {
		number = l.Series + " " + strconv.Itoa(l.Number)
	}
	if !l.Started.IsZero() {
		started = l.Started.Format("2006-01-02 15:04 -07:00")
	}
	cells := []string{number, l.Drill, l.Scenario, started, w.Text("status."+l.Verdict, nil), l.Why}
	for i, text := range cells {
		cells[i] = strings.Join(strings.Fields(clean(text)), " ")
	}
	return cells
}

// whyWidth is what the other columns leave of a terminal; elsewhere a line may be as long as it wants.
func (a *app) whyWidth(lines []historyLine) int {
	total := a.width()
	if total == 0 {
		return 0 // ansi.Wrap leaves the text alone
	}
	used := 5*3 + 4 + len("2006-01-02 15:04 -07:00") + len("inconclusive")
	number, drill, scenario := 0, 0, 0
	for _, l := range lines {
		number = max(number, ansi.StringWidth(l.Series)+1+len(strconv.Itoa(l.Number)))
		drill, scenario = max(drill, len(l.Drill)), max(scenario, ansi.StringWidth(l.Scenario))
	}
	return max(24, total-used-number-drill-scenario)
}
