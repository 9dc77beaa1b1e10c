package reports

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// Summary is the one object that `drill --json` prints for a drill. Lengths of
// time are seconds; what was not measured is null, what was not recovered has
// null in measured_seconds and upper_seconds and a lower bound.
type Summary struct {
	Drill      string             `json:"drill"`
	Number     int                `json:"number"`
	Series     string             `json:"series"`
	Scenario   string             `json:"scenario"`
	Started    time.Time          `json:"started"`
	Planned    *time.Time         `json:"planned"` // null: nobody said for when
	Program    *record.Program    `json:"program"` // the lifeboat that ran; null: a record of old
	K6         *record.Program    `json:"k6"`      // null: it asked nothing, or a record of old
	Status     record.RunStatus   `json:"status"`
	Verdict    record.Status      `json:"verdict"`
	Why        string             `json:"why"`
	Lesson     string             `json:"lesson,omitempty"` // what it taught about its ways back
	Reasons    []SummaryReason    `json:"reasons"`
	Next       []string           `json:"next"` // what to do now, the most important first, each once
	Objectives []SummaryObjective `json:"objectives"`
	Checks     []SummaryCheck     `json:"checks"`
	Findings   []SummaryFinding   `json:"findings"`
	Unmeasured []string           `json:"unmeasured"`
	Excluded   []record.Excluded  `json:"excluded"`
	Weak       []string           `json:"weak,omitempty"` // what weakens the proof
	Outage     *SummaryOutage     `json:"outage"`
	Rollbacks  []SummaryRollback  `json:"rollbacks"`
	Boots      []SummaryBoot      `json:"boots"`
	Diagnoses  []SummaryDiagnosis `json:"diagnoses"`
	DiskReads  []record.DiskRead  `json:"disk_reads"` // of backups that were read where they lie
	Reports    map[string]string  `json:"reports"`    // format → path
	Journal    string             `json:"journal_digest"`
}

// SummaryReason is a reason with its words.
type SummaryReason struct {
	ID     string            `json:"id"`
	Status record.Status     `json:"status,omitempty"`
	Text   string            `json:"text"`
	Next   string            `json:"next,omitempty"` // what to do now
	Args   map[string]string `json:"args,omitempty"`
	// Follows: a reason before it kept something from being reached, and that is all that it says.
	Follows bool `json:"follows,omitempty"`
}

// SummaryObjective is one judged objective.
type SummaryObjective struct {
	Name     string   `json:"name"`
	Scope    string   `json:"scope,omitempty"`
	Target   *float64 `json:"target_seconds"`
	Measured *float64 `json:"measured_seconds"`
	Lower    *float64 `json:"lower_seconds"`
	Upper    *float64 `json:"upper_seconds"`
	Margin   *float64 `json:"margin_seconds"`
	// Verifying is the part of measured_seconds that went into the backups' digests.
	Verifying float64       `json:"verifying_seconds,omitempty"`
	Verdict   record.Status `json:"verdict"`
	Basis     record.Basis  `json:"basis"`
	Note      string        `json:"note,omitempty"`
}

// SummaryCheck is one answer to one question.
type SummaryCheck struct {
	Name    string             `json:"name"`
	Layer   record.Layer       `json:"layer"`
	When    string             `json:"when"`
	Status  record.CheckStatus `json:"status"`
	Message string             `json:"message,omitempty"`
	Diff    []string           `json:"diff,omitempty"`
	Beside  []string           `json:"beside,omitempty"` // what else it saw, in words
	Backup  string             `json:"backup,omitempty"`
	Seconds float64            `json:"seconds"`
}

// SummaryFinding is one finding with its words.
type SummaryFinding struct {
	ID       string            `json:"id"`
	Severity string            `json:"severity"`
	Text     string            `json:"text"`
	Next     string            `json:"next,omitempty"` // what to do now
	Args     map[string]string `json:"args,omitempty"`
}

// SummaryOutage is the outage; an open one has no upper bound.
type SummaryOutage struct {
	Lower   float64  `json:"lower_seconds"`
	Upper   *float64 `json:"upper_seconds"`
	Longest float64  `json:"longest_seconds"`
	Planned float64  `json:"planned_seconds"`
	Count   int      `json:"count"`
}

// JSON writes the summary as one line.
func JSON(w io.Writer, r *record.Record, v record.Verdict, o Options) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(Summarise(r, v, o))
}

// Summarise computes the summary; lists are empty, never null.
func Summarise(r *record.Record, v record.Verdict, o Options) Summary {
	c, l, h := Messages(), o.Language.known(), r.Header
	s := Summary{
		Drill: h.Drill, Number: h.Number, Series: h.Series, Scenario: h.Scenario, Started: h.Started,
		Planned: h.Planned, Program: h.Program, K6: h.K6,
		Status: r.Status, Verdict: v.Status, Journal: r.Journal.Digest,
		Reasons: []SummaryReason{}, Objectives: []SummaryObjective{}, Checks: []SummaryCheck{},
		Findings:   []SummaryFinding{},
		Unmeasured: []string{}, Excluded: []record.Excluded{}, Reports: map[string]string{},
		Rollbacks: summariseRollbacks(r), Boots: summariseBoots(r), Diagnoses: summariseDiagnoses(r),
		DiskReads: append([]record.DiskRead{}, r.DiskReads...), Next: nexts(c, l, v, h.Trigger),
		Lesson: strings.ReplaceAll(author{c: c, l: l, r: r, v: v, o: o}.lesson(), "**", ""),
	}
	for format, path := range o.Paths {
		s.Reports[format] = path
	}
	for _, reason := range v.Reasons {
		s.Reasons = append(s.Reasons, SummaryReason{reason.ID, reason.Status, c.Sentence(l, reason), nextOf(c, l, v, h.Trigger, reason), reason.Args, reason.Follows})
	}
	if len(s.Reasons) > 0 {
		s.Why = s.Reasons[0].Text
	}
	for _, j := range v.Objectives {
		s.Objectives = append(s.Objectives, summariseObjective(c, l, j))
	}
	for _, k := range r.Checks {
		var beside []string
		for _, o := range k.Beside {
			beside = append(beside, c.Observation(l, o))
		}
		s.Checks = append(
			s.Checks,
			SummaryCheck{k.Name, k.Layer, string(k.When), k.Status, k.Message, k.Diff, beside, k.Backup, (k.Ended - k.Started).Seconds()},
		)
	}
	for _, f := range v.Findings {
		s.Findings = append(s.Findings, SummaryFinding{f.ID, f.Severity, c.Finding(l, f),
			nextOf(c, l, v, h.Trigger, record.Reason{ID: f.ID, Args: f.Args}), f.Args})
	}
	for _, u := range v.Unmeasured {
		s.Unmeasured = append(s.Unmeasured, c.Sentence(l, u))
	}
	s.Excluded = append(s.Excluded, v.Excluded...)
	for _, w := range Weaknesses(r, v) {
		s.Weak = append(s.Weak, c.Sentence(l, w))
	}
	if out := v.Outage; out != nil {
		s.Outage = &SummaryOutage{
			Lower:   out.Sum.Lower.Seconds(),
			Longest: out.Longest.Seconds(),
			Planned: out.Planned.Seconds(),
			Count:   out.Count,
		}
		if !out.Open {
			s.Outage.Upper = seconds(&out.Sum.Upper)
		}
	}
	return s
}

func summariseObjective(c *Catalogue, l Language, j record.Judged) SummaryObjective {
	s := SummaryObjective{
		Name:     j.Name,
		Scope:    j.Scope,
		Measured: seconds(j.Measured),
		Lower:    seconds(j.Lower),
		Upper:    seconds(j.Upper),
		Margin:   seconds(j.Margin),
		Verdict:  j.Status,
		Basis:    j.Basis,

		Verifying: j.Verifying.Seconds(),
	}
	if !j.Unlimited {
		s.Target = seconds(&j.Limit)
	}
	if j.Note != nil {
		s.Note = c.Sentence(l, *j.Note)
	}
	return s
}

func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	s := d.Seconds()
	return &s
}

// SummaryRollback is one way back, in figures; upper bounds, null where a clock was not reached.
type SummaryRollback struct {
	Incident int          `json:"incident"` // also their order
	Name     string       `json:"name,omitempty"`
	Steps    []string     `json:"steps"`
	Outcome  string       `json:"outcome"`               // done | failed | running
	Booted   *float64     `json:"booted_seconds"`        // T3 → T4
	Back     *float64     `json:"business_back_seconds"` // T0 → T6
	Restored *float64     `json:"restored_seconds"`      // T0 → T7
	Digest   float64      `json:"digest_seconds"`        // therein
	Passed   int          `json:"checks_passed"`
	Checks   int          `json:"checks"` // planned
	Basis    record.Basis `json:"basis"`
}

// SummaryBoot is one boot and how it was done.
type SummaryBoot struct {
	Instance   string            `json:"instance"`
	Generation int               `json:"generation"`
	Incident   int               `json:"incident,omitempty"`
	Seconds    *float64          `json:"seconds"` // null where nobody asked whether it is ready
	Basis      record.Basis      `json:"basis"`
	Facts      map[string]string `json:"facts,omitempty"`
}

// SummaryDiagnosis is what a machine showed of itself.
type SummaryDiagnosis struct {
	Instance string   `json:"instance"`
	Incident int      `json:"incident,omitempty"`
	Class    string   `json:"class"` // "": nothing was wrong with it
	Words    string   `json:"words"`
	Source   string   `json:"source"`
	At       float64  `json:"at_seconds"` // since the drill's start
	Lines    []string `json:"lines"`
	Screen   string   `json:"screen,omitempty"` // below the drill's folder
}

func summariseRollbacks(r *record.Record) []SummaryRollback {
	list := []SummaryRollback{}
	upper := func(s *record.Span) *float64 {
		if s == nil {
			return nil
		}
		return seconds(&s.Upper)
	}
	for _, b := range rollbacksOf(r) {
		list = append(list, SummaryRollback{Incident: b.In.ID, Name: b.Plan.Name,
			Steps: append([]string{}, b.Plan.Rollback...), Outcome: string(b.In.Rollback), Booted: upper(b.Booted),
			Back: upper(b.Back), Restored: upper(b.Restored), Digest: b.Digest.Seconds(), Passed: b.Passed,
			Checks: len(r.Header.Checks), Basis: b.Basis})
	}
	return list
}

func summariseBoots(r *record.Record) []SummaryBoot {
	list := []SummaryBoot{}
	for _, b := range r.Boots {
		boot := SummaryBoot{Instance: b.Subject.Instance, Generation: b.Subject.Generation,
			Incident: b.Subject.Incident, Basis: b.Basis, Facts: b.Facts}
		if took := (b.Ready - b.Started).Seconds(); !b.Unseen {
			boot.Seconds = &took
		}
		list = append(list, boot)
	}
	return list
}

func summariseDiagnoses(r *record.Record) []SummaryDiagnosis {
	list := []SummaryDiagnosis{}
	for _, d := range r.Diagnoses {
		s := SummaryDiagnosis{Instance: d.Subject.Instance, Incident: d.Subject.Incident, Class: d.Class, Words: d.Words,
			Source: d.Source, At: d.At.Seconds(), Lines: append([]string{}, d.Lines...)}
		if d.Screen != "" {
			s.Screen = "raw/" + d.Screen
		}
		list = append(list, s)
	}
	return list
}
