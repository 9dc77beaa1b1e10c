package reports

import (
	"maps"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// document is a report before it has a format: every text is in its language
// and every figure is written, once.
type document struct {
	Lang     Language
	ID       string // of the drill
	Title    string
	Status   badge
	Sentence string // the drill in a few sentences for a board; **strong** parts are marked
	Facts    []pair // the line under the sentence
	Sections []section
	Footer   string
}

// badge is a status that can be told apart without colour.
type badge struct {
	Class  string // passed, failed, inconclusive, aborted, neutral
	Symbol string
	Word   string
}

// pair is a name and what it is.
type pair struct {
	Name string
	Text cell
}

// section is a chapter of the report; blocks are drawn in their order.
type section struct {
	ID     string
	Title  string
	Note   string // beside the title
	Blocks []block
}

// block is one of: a paragraph, a list, pairs, a table, the timeline.
type block struct {
	Caption   string
	Paragraph string
	List      []cell
	Pairs     []pair
	Table     *table
	Timeline  *timeline
	Pre       string
	Detail    bool // not on a screen of text
}

// table has one card for each row on a narrow page; the first column names the card.
type table struct {
	Columns []column
	Rows    [][]cell
	Class   string
}

type column struct {
	Title  string
	Number bool // set to the right
}

// cell is a text with its lesser part and its marks.
type cell struct {
	Badge *badge
	Text  string
	Small string
	Hint  string // as small, but not on a screen of text
	Next  string // what to do now, on a line of its own
	Code  bool
	Bar   *bar
	Blank bool // to be filled in by hand
}

// bar shows how much of a limit was used.
type bar struct {
	Used  float64 // 0..100, of the drawn width
	Over  float64 // 0..100: the part beyond the limit
	Limit float64 // 0..100: where the limit stands
	Class string
	Label string // "4.3 %"
}

func text(s string) cell            { return cell{Text: s} }
func textOf(s, small string) cell   { return cell{Text: s, Small: small} }
func code(s string) cell            { return cell{Text: s, Code: true} }
func marked(b badge, s string) cell { return cell{Badge: &b, Text: s} }

// author writes a document from a record and its verdict.
type author struct {
	c *Catalogue
	l Language
	r *record.Record
	v record.Verdict
	o Options

	said map[string]bool // the next steps that this report has told
}

func newDocument(r *record.Record, v record.Verdict, o Options) document {
	a := author{c: Messages(), l: o.Language.known(), r: r, v: v, o: o, said: map[string]bool{}}
	if o.Review != nil {
		return a.review()
	}
	d := document{
		Lang: a.l, ID: r.Header.Drill, Title: a.title(), Status: a.status(v.Status),
		Sentence: a.sentence(), Facts: a.facts(), Footer: a.footer(),
	}
	for _, s := range []section{
		a.reasons(), a.weak(), a.objectives(), a.comparison(), a.findings(), a.happened(), a.checks(), a.machines(), a.host(),
		a.backups(),
		a.isolation(), a.cleanup(), a.steps(), a.limits(), a.scope(), a.people(), a.production(),
		a.observations(), a.controls(), a.evidence(), a.signatures(),
	} {
		if len(s.Blocks) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	return d
}

// say is a label of the pages; args are name, value, name, value.
func (a author) say(key string, args ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		m[args[i]] = args[i+1]
	}
	return a.c.Label(a.l, key, m)
}

func (a author) section(id string, blocks ...block) section {
	return section{ID: id, Title: a.say("section." + id), Blocks: blocks}
}

func (a author) columns(numbers string, keys ...string) []column {
	var cols []column
	for i, k := range keys {
		title := ""
		if k != "" {
			title = a.say("column." + k)
		}
		cols = append(cols, column{Title: title, Number: i < len(numbers) && numbers[i] == 'n'})
	}
	return cols
}

// words writes a reason; where there is only one incident, nobody needs its number.
func (a author) words(r record.Reason) string {
	args := maps.Clone(r.Args)
	a.saidIn(args)
	a.figured(args)
	if args["check"] != "" {
		args["check"] = a.checkName(args["check"])
	}
	if len(a.r.Header.Incidents) <= 1 && len(a.r.Incidents) <= 1 {
		if args["incident"] != "" {
			args["incident"] = ""
		}
		if strings.HasPrefix(args["scope"], incidentScope) {
			args["scope"] = ""
		}
	}
	r.Args = args
	return a.c.Sentence(a.l, r)
}

// incidentScope is how the judge begins a scope that is an incident.
const incidentScope = "incident "

// symbols stand beside every status word, so that a copy without colours tells as much.
var symbols = map[string]string{
	"passed": "✓", "failed": "✗", "inconclusive": "?", "aborted": "■", "not-run": "–",
	"skipped": "–", "crashed": "!", "done": "✓", "not-reached": "–",
}

// classes of the words that are not statuses of a verdict.
var classes = map[string]string{
	"skipped": "inconclusive", "crashed": "inconclusive", "done": "passed", "not-reached": "neutral",
	"not-run": "neutral",
}

func (a author) status(s record.Status) badge { return a.badge("status", string(s)) }

func (a author) badge(group, name string) badge {
	b := badge{Class: name, Symbol: symbols[name], Word: a.c.Named(a.l, group, name)}
	if c, ok := classes[name]; ok {
		b.Class = c
	}
	if b.Symbol == "" {
		b.Symbol, b.Class = "?", "inconclusive"
	}
	return b
}

// wall is the moment on the drill's clock for people.
func (a author) wall(d time.Duration) time.Time { return a.r.Header.Started.Add(d) }
