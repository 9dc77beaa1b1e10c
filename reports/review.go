package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// Review asks for the document that people fill in after a drill, and has what they have signed of it so far.
type Review struct {
	Said []evidence.Addendum // in the order in which it was logged
}

// review is the document of a post-drill review: what happened to the minute, what was to be kept, why it went as it did, what is to be done.
func (a author) review() document {
	d := document{Lang: a.l, ID: a.r.Header.Drill, Title: a.say("review.title", "title", a.title()), Status: a.status(a.v.Status), Sentence: a.sentence(),
		Facts: a.facts(), Footer: a.footer()}
	for _, s := range []section{a.reviewTimeline(), a.stages(), a.objectives(), a.reasons(), a.cause(), a.improvements(), a.byHand(), a.people(),
		a.weak(), a.limits(), a.reviewSigned()} {
		if len(s.Blocks) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	return d
}

func (a author) reviewed(id string, blocks ...block) section {
	return section{ID: "review-" + id, Title: a.say("review." + id), Blocks: blocks}
}

// instant is one line of the timeline.
type instant struct {
	at    record.Moment
	words string
	small string
	t0    *record.Moment // of its incident
}

// reviewTimeline is what happened, each in the minute in which it was over at the latest.
func (a author) reviewTimeline() section {
	var all []instant
	add := func(m *record.Moment, t0 *record.Moment, words, small string) {
		if m != nil {
			all = append(all, instant{*m, words, small, t0})
		}
	}
	begin := record.At(0)
	add(&begin, nil, a.say("review.began"), "")
	if u := a.r.Upgrade; u != nil {
		add(&u.From, nil, a.say("review.upgrade_began"), "")
		if !u.Open {
			add(&u.To, nil, a.say("review.upgrade_ended"), "")
		}
	}
	for i, in := range a.r.Incidents {
		last, name := i == len(a.r.Incidents)-1, ""
		if len(a.r.Incidents) > 1 {
			name = a.incidentName(in.ID)
		}
		for _, f := range in.Faults {
			add(f.Injected, in.T0, a.say("review.injected", "fault", a.say("incident.fault_on", "kind", f.Kind, "on", f.On)), name)
		}
		for _, c := range clocksOf(a.r, in, last) {
			small := name
			if c.Name == "T2" && in.Decision != nil {
				decided := a.decision(in.Decision)
				small = strings.Join(nonEmpty(name, decided.Text, decided.Small), " · ")
			}
			words := a.say("clock." + c.Name)
			if c.Name == "T6" {
				words = a.say("review.restored")
			}
			add(&c.At, in.T0, a.say("review.clock", "clock", c.Name, "means", words), small)
		}
		add(in.RolledBack, in.T0, a.say("review.rolled_back", "state", a.c.Named(a.l, "rollback", string(in.Rollback))), name)
	}
	for _, n := range a.r.Notes {
		m := record.At(n.At)
		add(&m, nil, n.Text, n.Actor)
	}
	end := record.At(a.r.Ended)
	add(&end, nil, a.say("review.ended", "status", a.c.Named(a.l, "run", string(a.r.Status))), "")
	slices.SortStableFunc(all, func(x, y instant) int { return int(x.at.Late - y.at.Late) })
	t := &table{Class: "review-timeline", Columns: a.columns("--n-", "minute", "wall", "since_t0", "event")}
	for _, x := range all {
		since := text("–")
		if x.t0 != nil && x.at.Late >= x.t0.Late {
			since = text(a.l.Bound(record.Between(*x.t0, x.at), Up))
		}
		t.Rows = append(t.Rows, []cell{text(a.wall(x.at.Late).Truncate(time.Minute).Format("15:04")), text(a.clock(x.at, Up)), since, textOf(x.words, x.small)})
	}
	var blocks []block
	if drawn := a.timeline(840); drawn != nil {
		blocks = append(blocks, block{Timeline: drawn})
	}
	s := a.reviewed("timeline", append(blocks, block{Table: t})...)
	s.Note = a.wall(0).Format("2006-01-02 -07:00")
	return s
}

// stages are how long it took to see, to decide, to act, and to be back.
func (a author) stages() section {
	var blocks []block
	for _, in := range a.r.Incidents {
		t := &table{Class: "review-stages", Columns: a.columns("-n-", "stage", "took", "means")}
		for _, x := range []struct {
			key      string
			from, to *record.Moment
		}{{"detect", in.T0, in.T1}, {"decide", in.T1, in.T2}, {"start", in.T2, in.T3}, {"rollback", in.T3, in.RolledBack}, {"business", in.T0, in.T6},
			{"verified", in.T0, in.T7}} {
			took := a.say("review.not_reached")
			switch {
			case x.from != nil && x.to != nil:
				took = a.l.Bound(record.Between(*x.from, *x.to), Up)
			case x.key == "rollback" && in.Rollback == record.RollbackDone: // the journal does not say when
				took = "–"
			}
			t.Rows = append(t.Rows, []cell{text(a.say("review.stage." + x.key)), text(took), text(a.say("review.means." + x.key))})
		}
		caption := ""
		if len(a.r.Incidents) > 1 {
			caption = a.incidentName(in.ID)
		}
		blocks = append(blocks, block{Caption: caption, Table: t})
	}
	s := a.reviewed("stages", blocks...)
	s.Note = a.say("review.upper")
	return s
}

// addenda of these kinds.
func (a author) addenda(kinds ...string) (all []evidence.Addendum) {
	for _, x := range a.o.Review.Said {
		if slices.Contains(kinds, x.Kind) {
			all = append(all, x)
		}
	}
	return all
}

// saidBy names who said something: the key, since who it belongs to is told by whoever verifies.
func (a author) saidBy(x evidence.Addendum) string {
	return a.say("review.by", "role", a.c.Named(a.l, "role", x.Role), "at", a.l.Time(x.At), "key", x.Key)
}

func (a author) cause() section {
	var list []cell
	for _, x := range a.addenda(evidence.RootCause) {
		list = append(list, textOf(x.Text, a.saidBy(x)))
	}
	if len(list) > 0 {
		return a.reviewed("cause", block{List: list})
	}
	return a.reviewed("cause", block{Paragraph: a.say("review.no_cause")}, block{List: []cell{{Blank: true}, {Blank: true}, {Blank: true}}})
}

// improvements are the findings that people have entered, and those of the drill itself, which nobody owns yet.
func (a author) improvements() section {
	t := &table{Class: "findings", Columns: a.columns("", "number", "finding", "severity", "owner", "due")}
	for _, x := range a.addenda(evidence.Finding) {
		sev := badge{Class: "severity-" + x.Severity, Symbol: "▲", Word: a.c.Named(a.l, "severity", x.Severity)}
		t.Rows = append(t.Rows, []cell{text(evidence.FindingName(x.Number)), textOf(x.Text, a.saidBy(x)), {Badge: &sev}, text(x.Owner), text(x.Due)})
	}
	entered := len(t.Rows)
	for i, f := range sortedFindings(a.v) {
		r := record.Reason{ID: f.ID, Args: f.Args}
		sev := badge{Class: "severity-" + f.Severity, Symbol: "▲", Word: a.c.Named(a.l, "severity", f.Severity)}
		t.Rows = append(t.Rows, []cell{{Text: a.say("review.found", "number", strconv.Itoa(i+1))}, {Text: a.words(r), Next: a.next(r)}, {Badge: &sev},
			{Blank: true}, {Blank: true}})
	}
	for range 2 { // for hands
		t.Rows = append(t.Rows, []cell{{Blank: true}, {Blank: true}, {Blank: true}, {Blank: true}, {Blank: true}})
	}
	says := ""
	if entered == 0 {
		says = a.say("review.no_finding")
	}
	return a.reviewed("improvements", block{Paragraph: says}, block{Table: t})
}

// byHand are the corrections to the record; notes of operators stand in the timeline.
func (a author) byHand() section {
	var list []cell
	for _, x := range a.addenda(evidence.Correction) {
		list = append(list, textOf(x.Text, a.saidBy(x)))
	}
	if len(list) == 0 {
		return section{}
	}
	return a.reviewed("corrections", block{List: list})
}

func (a author) reviewSigned() section {
	var list []cell
	for _, x := range a.addenda(evidence.SignOff, evidence.Approval) {
		list = append(list, textOf(strings.Join(nonEmpty(a.c.Named(a.l, "addendum", x.Kind), x.Ticket, x.Text), " · "), a.saidBy(x)))
	}
	if len(list) == 0 {
		list = []cell{text(a.say("review.nobody"))}
	}
	blocks := []block{{List: list}, {Paragraph: a.say("review.trust")}}
	return a.reviewed("signed", append(blocks, a.form(a.r.Header.People)...)...)
}
