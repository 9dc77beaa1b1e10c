package record

import (
	"slices"
	"time"
)

// Record is the facts of one drill, computed from its journal by Build and by
// nothing else, so that anybody can compute it again.
type Record struct {
	Header        Header          `json:"header"`
	Status        RunStatus       `json:"status"`
	Ended         time.Duration   `json:"ended_ns"`
	Observed      time.Duration   `json:"observed_ns"` // until when the system was watched: clean-up or a crash ends it
	Phases        []Phase         `json:"phases"`
	Steps         []StepFact      `json:"steps,omitempty"`
	RestorePoints []RestorePoint  `json:"restore_points,omitempty"`
	Restores      []RestoreFact   `json:"restores,omitempty"`
	Boots         []BootFact      `json:"boots,omitempty"`
	Failures      []FailureFact   `json:"boot_failures,omitempty"`
	Diagnoses     []DiagnosisFact `json:"diagnoses,omitempty"`
	DiskReads     []DiskRead      `json:"disk_reads,omitempty"`
	Loads         []HostLoad      `json:"host_loads,omitempty"`
	Waited        []Overdue       `json:"waited,omitempty"`  // for a business that was not stable in time
	Network       *Network        `json:"network,omitempty"` // nil: none was made, or a record of old
	Probes        []ProbeFact     `json:"probes,omitempty"`
	Egress        []EgressFact    `json:"egress,omitempty"`
	Reach         *Reach          `json:"reach,omitempty"` // nil: records of old did not ask
	Upgrade       *Window         `json:"upgrade,omitempty"`
	Pulse         *Pulse          `json:"pulse,omitempty"`
	Incidents     []Incident      `json:"incidents,omitempty"`
	Checks        []CheckResult   `json:"checks,omitempty"`
	Harness       []HarnessError  `json:"harness,omitempty"`
	Observations  []Observation   `json:"observations,omitempty"`
	Notes         []NoteFact      `json:"notes,omitempty"`
	Cleanup       Cleanup         `json:"cleanup"`
	Raw           []RawFile       `json:"raw,omitempty"`
	Abort         *Aborted        `json:"abort,omitempty"`
	Journal       JournalFact     `json:"journal"`
	Jumps         []Jump          `json:"clock_jumps,omitempty"`
}

// InPart tells whether of a backup a part alone was restored, so that nothing is known of the rest of it.
func (r *Record) InPart() bool {
	return slices.ContainsFunc(r.Restores, func(x RestoreFact) bool { return x.Part != nil })
}

// RunStatus says how the run itself ended; it is not the verdict.
type RunStatus string

// The ways in which a run ends.
const (
	RunCompleted RunStatus = "completed"
	RunAborted   RunStatus = "aborted"
	RunCrashed   RunStatus = "crashed" // the journal ends without "sealed"
)

// Phase of the drill, with its begin and end.
type Phase struct {
	Name    string        `json:"name"`
	Started time.Duration `json:"started_ns"`
	Ended   time.Duration `json:"ended_ns"`
	Outcome Outcome       `json:"outcome"`
	Error   string        `json:"error,omitempty"`
	Open    bool          `json:"open,omitempty"` // its end was never written
}

// Window is a stretch of time; Open means that its end was never seen.
type Window struct {
	From Moment `json:"from"`
	To   Moment `json:"to"`
	Open bool   `json:"open,omitempty"`
}

// StepFact is a step and whom it concerned.
type StepFact struct {
	Subject Subject `json:"subject,omitzero"`
	Step
}

// RestoreFact is a restore and the instance it went to.
type RestoreFact struct {
	Subject Subject `json:"subject,omitzero"`
	Restored
}

// BootFact is a boot and the instance.
type BootFact struct {
	Subject Subject `json:"subject,omitzero"`
	Booted
}

// FailureFact is a boot that failed and the instance.
type FailureFact struct {
	Subject Subject `json:"subject,omitzero"`
	BootFailure
}

// DiagnosisFact is what a machine showed, and which.
type DiagnosisFact struct {
	Subject Subject `json:"subject,omitzero"`
	Diagnosis
}

// ProbeFact is an egress probe and the sandbox it ran in.
type ProbeFact struct {
	Subject Subject `json:"subject,omitzero"`
	Probe
}

// EgressFact is an attempt to get out and the instance it came from.
type EgressFact struct {
	Subject Subject `json:"subject,omitzero"`
	Egress
}

// NoteFact is a person's note.
type NoteFact struct {
	At    time.Duration `json:"at_ns"`
	Actor string        `json:"actor"`
	Note
}

// Pulse is the witness of when the business was down.
type Pulse struct {
	Window             // from started to stopped; Open: it broke or was never stopped
	Broken string      `json:"broken,omitempty"`
	Totals PulseTotals `json:"totals"`
	Reds   []Stretch   `json:"reds,omitempty"`
	Late   []LateStart `json:"late,omitempty"` // when k6 was behind its own schedule
	Rests  []Rest      `json:"rests,omitempty"`
	Pace   *Pace       `json:"pace,omitempty"`  // nil in journals that say it in their header only
	Asked  []string    `json:"asked,omitempty"` // addresses that the flow asked, such as http://app:8080
	// Unasked are checks that passed in every iteration of the baseline and did not run after the last rollback.
	Unasked []string `json:"unasked,omitempty"`
}

// Rest is a time in which the pulse asked nothing, because another run of a flow did.
type Rest struct {
	Window        // from the last begin before it, until it was told to go on
	Flow   string `json:"flow"`           // the script that ran, or the one that asks since
	Seen   bool   `json:"seen,omitempty"` // it was the pulse's own flow
	// Turn: that flow is the pulse from here on, by this scenario of its options
	Turn     bool   `json:"turn,omitempty"`
	Scenario string `json:"scenario,omitempty"`
}

// Asking is the script that is the pulse at its end.
func (p *Pulse) Asking(first string) string {
	for _, r := range p.Rests {
		if r.Turn {
			first = r.Flow
		}
	}
	return first
}

// Stretch is one red stretch of the pulse.
type Stretch struct {
	Window
	Why     string    `json:"why,omitempty"`
	Facts   *RedFacts `json:"facts,omitempty"`
	Planned bool      `json:"planned,omitempty"` // lies wholly inside the upgrade, before any fault
	// Incident that was open when it began; 0: none yet.
	Incident int `json:"incident,omitempty"`
}

// Incident has its own clocks. A clock that was never reached is nil.
//
//	T0 effect ─ T1 detected ─ T2 decided ─ T3 rollback ─ T4 booted ─ T5 first green ─ T6 stays green ─ T7 verified
type Incident struct {
	ID         int           `json:"id"`
	Trigger    Trigger       `json:"trigger"`
	Begin      time.Duration `json:"begin_ns"`              // from here on what turns red belongs to it
	RolledBack *Moment       `json:"rolled_back,omitempty"` // when the rollback's steps had ended, well or badly
	T0         *Moment       `json:"t0,omitempty"`          // earliest confirmed effect; under order, the order
	T1         *Moment       `json:"t1,omitempty"`
	T2         *Moment       `json:"t2,omitempty"`
	T3         *Moment       `json:"t3,omitempty"`
	T4         *Moment       `json:"t4,omitempty"`
	T5         *Moment       `json:"t5,omitempty"`
	T6         *Moment       `json:"t6,omitempty"`
	T7         *Moment       `json:"t7,omitempty"`
	T0Source   string        `json:"t0_source,omitempty"` // pulse, fault, check, order
	Rule       string        `json:"rule,omitempty"`
	Faults     []FaultFact   `json:"faults,omitempty"`
	Decision   *Decision     `json:"decision,omitempty"`
	Rollback   RollbackState `json:"rollback,omitempty"` // never started; "": none
	Error      string        `json:"error,omitempty"`
	Overdue    *Overdue      `json:"overdue,omitempty"` // of a rollback that failed by a limit of time alone
}

// FaultFact is a fault's life in one line.
type FaultFact struct {
	Kind      string     `json:"kind"`
	On        string     `json:"on"`
	Index     int        `json:"index,omitempty"` // among those planned for the incident; 0: the journal does not say
	Injected  *Moment    `json:"injected,omitempty"`
	Effective *Moment    `json:"effective,omitempty"`
	State     FaultState `json:"state"`               // the last one seen
	NoEffect  bool       `json:"no_effect,omitempty"` // it was seen not to bite
	Note      string     `json:"note,omitempty"`
	Ended     *Moment    `json:"ended,omitempty"` // of a throttle
	// Again is what was found when it was asked after rollbacks.
	Again []FaultAsked `json:"again,omitempty"`
}

// FaultAsked is one answer of a fault after a rollback, or after the decision against one.
type FaultAsked struct {
	After    int        `json:"after"` // the incident that was decided
	State    FaultState `json:"state"` // FaultRemoved, FaultRemains or FaultUnasked
	Expected bool       `json:"expected,omitempty"`
	At       Moment     `json:"at"`
	Note     string     `json:"note,omitempty"`
}

// Cleanup is the proof that nothing was left.
type Cleanup struct {
	T8       *Moment        `json:"t8,omitempty"` // proved
	Undone   int            `json:"undone"`
	Failed   []CleanupEvent `json:"failed,omitempty"`
	Kept     []string       `json:"kept,omitempty"`      // --keep
	DiskLost []string       `json:"disk_lost,omitempty"` // backups whose kept machines lost their disk
	Unproved string         `json:"unproved,omitempty"`  // why nobody could look whether something is left
	By       string         `json:"by,omitempty"`        // lifeboat or reaper
}

// JournalFact binds the record to its journal.
type JournalFact struct {
	Events int64  `json:"events"`
	Digest string `json:"digest"` // sha256 of the last line, hence of the chain
	Torn   int    `json:"torn,omitempty"`
}
