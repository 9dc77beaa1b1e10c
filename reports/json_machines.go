package reports

import (
	"lifeboat/drills/record"
)

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
