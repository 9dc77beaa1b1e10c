package evidence

import (
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/timestamp"
)

// Result is what an audit found. It is verified when nothing is wrong and a trusted key has signed the log.
type Result struct {
	Bundle     Bundle            `json:"bundle"`
	Wrong      []record.Reason   `json:"wrong"`   // audit.…: each a manipulation, or damage
	Notices    []record.Reason   `json:"notices"` // what a reader should know, and what was not shown
	Size       int64             `json:"log_size"`
	Root       string            `json:"log_root"`
	Stamp      *timestamp.Stamp  `json:"log_time_stamp,omitempty"` // of an authority that is trusted
	Signers    []string          `json:"log_signed_by"`
	Since      int64             `json:"unchanged_since_size,omitempty"` // size of the older checkpoint, where one was given
	Withheld   int64             `json:"withheld,omitempty"`             // records of others in the period
	Drills     []DrillResult     `json:"drills"`
	Nights     []NightResult     `json:"nights"`
	Series     []SeriesResult    `json:"series"`
	Addenda    []AddendumResult  `json:"addenda"`
	Findings   []FindingResult   `json:"findings"`
	Programmes []ProgrammeResult `json:"programmes"`
}

// AddendumResult is what somebody said of a drill later.
type AddendumResult struct {
	Addendum
	By     string    `json:"signed_by,omitempty"` // a trusted name; empty: nobody who is believed
	Index  int64     `json:"index"`               // in the log
	Logged time.Time `json:"logged"`
}

// The states of a finding.
const (
	FindingOpen    = "open"
	FindingOverdue = "overdue" // it is open, and was due before the log's last record
	FindingClosed  = "closed"  // a later drill that was to try it again passed
)

// FindingResult is what became of a finding.
type FindingResult struct {
	AddendumResult
	State   string   `json:"state"`
	Retests []string `json:"retests,omitempty"` // later drills that tried it again; of one that is closed the last passed
}

// DrillResult is what is shown of one drill.
type DrillResult struct {
	Leaf
	Scenario string            `json:"scenario"`
	Service  string            `json:"service,omitempty"`
	Tool     string            `json:"tool"`
	Slot     *time.Time        `json:"slot,omitempty"` // when it was planned to begin; nil: nobody said
	Subjects []Subject         `json:"subjects"`
	By       []string          `json:"signed_by"`
	Stamps   []timestamp.Stamp `json:"time_stamps,omitempty"`  // of its signatures, of authorities that are trusted
	Rendered bool              `json:"reports_rendered_again"` // its reports are, byte by byte, what this lifeboat writes from its journal

	Shown *Shown `json:"-"` // nil: its journal cannot be read, or nobody asked
}

// Shown is what a summary of many drills says of one, in the language of its reader. The record from which it comes is not kept: there may be thousands.
type Shown struct {
	Customer, Host string
	Objectives     []record.Judged
	Why            string
	Weak           []string
	Noted          [][2]string       // what people wrote while it ran, and who and when
	Measured       map[string][2]int // what of clauses it shows: good of all
}

// SeriesResult is what is shown of the numbers of one series.
type SeriesResult struct {
	Series string `json:"series"`
	First  int    `json:"first"` // number in the period
	Last   int    `json:"last"`
	Drills int    `json:"drills"`
	Passed int    `json:"passed"`
	Failed int    `json:"failed"`
	Other  int    `json:"other"` // inconclusive, aborted, crashed
}

// Verified tells whether nothing is wrong and somebody trusted says so.
func (r *Result) Verified() bool { return len(r.Wrong) == 0 && len(r.Signers) > 0 }

// NightResult is what was planned in a night and what came of it.
type NightResult struct {
	Leaf
	Slot *time.Time `json:"slot,omitempty"` // when it was planned to begin; nil: nobody said

	Planned int `json:"planned"` // proofs
	Passed  int `json:"passed"`
	Part    int `json:"part"` // that passed, of a part of their backups alone (only:)
	Failed  int `json:"failed"`
	Other   int `json:"other"`    // that ran and neither passed nor failed
	Rests   int `json:"rests"`    // not run, since nothing had changed since an earlier proof
	LeftOut int `json:"left_out"` // by --only or --shard
	NotRun  int `json:"not_run"`  // and nothing explains it

	Controls []ControlResult `json:"controls,omitempty"` // that its catalogue says it is evidence for

	run Run // what it is for a programme
}

// ControlResult is what came of the backups of which a catalogue says that they are evidence for a control.
type ControlResult struct {
	Name    string `json:"name"`
	Planned int    `json:"planned"` // proofs
	Passed  int    `json:"passed"`  // in this night, of the whole of their backups
}
