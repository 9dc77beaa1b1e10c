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
