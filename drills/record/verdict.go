package record

import "time"

// Status of a drill, an objective or a check: passed < inconclusive < failed.
// Aborted and not-run are statuses of their own.
type Status string

// The statuses.
const (
	StatusPassed       Status = "passed"
	StatusInconclusive Status = "inconclusive"
	StatusFailed       Status = "failed"
	StatusAborted      Status = "aborted"
	StatusNotRun       Status = "not-run"
)

// Worse returns the worse of two statuses in the order passed < inconclusive < failed.
func Worse(a, b Status) Status {
	rank := map[Status]int{StatusPassed: 1, StatusInconclusive: 2, StatusFailed: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Verdict is what a record means. It is a pure function of the record
// (drills/objective.Judge) and holds nothing that the record does not imply.
type Verdict struct {
	Status     Status     `json:"status"`
	Reasons    []Reason   `json:"reasons"` // the most serious first, causes before what follows; the first is "why" in one line
	Objectives []Judged   `json:"objectives"`
	Findings   []Finding  `json:"findings,omitempty"`
	Unmeasured []Reason   `json:"unmeasured,omitempty"`
	Excluded   []Excluded `json:"excluded,omitempty"`
	Weak       []Reason   `json:"weak,omitempty"` // what weakens the proof without changing its status
	Outage     *Outage    `json:"outage,omitempty"`
	// Observations are derived from the facts; those that the engine wrote are in the record.
	Observations []Observation `json:"observations,omitempty"`
}

// Reason is a sentence of the catalogue (reports/messages) with its arguments.
// Arguments that are times are given as Go durations ("1m30s").
type Reason struct {
	ID     string            `json:"id"`
	Args   map[string]string `json:"args,omitempty"`
	Status Status            `json:"status,omitempty"`
	// Follows: it says no more than that a reason before it kept something from being reached.
	Follows bool `json:"follows,omitempty"`
}

// Judged is one objective held against what was measured.
type Judged struct {
	Name     string         `json:"name"`
	Limit    time.Duration  `json:"limit_ns"`
	Measured *time.Duration `json:"measured_ns,omitempty"` // the upper bound; nil: not measured or not recovered
	Lower    *time.Duration `json:"lower_ns,omitempty"`
	Upper    *time.Duration `json:"upper_ns,omitempty"`  // nil with Lower: not recovered, at least Lower
	Margin   *time.Duration `json:"margin_ns,omitempty"` // limit − upper bound; negative: exceeded by
	// Verifying is the part of Measured that went into the backups' digests; 0: it cost no time of its own.
	Verifying time.Duration `json:"verifying_ns,omitempty"`
	Status    Status        `json:"status"`
	Basis     Basis         `json:"basis,omitempty"`
	Scope     string        `json:"scope,omitempty"` // instance or incident that was the worst
	Note      *Reason       `json:"note,omitempty"`
	Unlimited bool          `json:"unlimited,omitempty"` // measured and printed, no limit was set
}

// Finding is a defect of the backup, the plan or the system: something to mend.
type Finding struct {
	ID       string            `json:"id"`       // a message of the catalogue
	Severity string            `json:"severity"` // high | medium | low
	Args     map[string]string `json:"args,omitempty"`
}

// Excluded is a layer without a check, and why.
type Excluded struct {
	Layer  Layer  `json:"layer"`
	Reason string `json:"reason"`
}

// Outage is the sum of all red stretches from the start of the upgrade until
// the pulse was stopped.
type Outage struct {
	Sum     Span          `json:"sum"`
	Longest time.Duration `json:"longest_ns"` // upper bound
	Count   int           `json:"count"`
	Planned time.Duration `json:"planned_ns"` // upper bound of the part inside the upgrade
	Open    bool          `json:"open,omitempty"`
}
