package record

import "time"

// CheckStatus of one result. Only passed is good; none of the others ever passes.
type CheckStatus string

// The results of a check.
const (
	CheckPassed  CheckStatus = "passed"
	CheckFailed  CheckStatus = "failed"
	CheckSkipped CheckStatus = "skipped"
	CheckCrashed CheckStatus = "crashed"
)

// CheckResult is one answer to one question.
type CheckResult struct {
	Name    string      `json:"name"`
	Layer   Layer       `json:"layer"`
	When    When        `json:"when"`
	Status  CheckStatus `json:"status"`
	Message string      `json:"message,omitempty"` // what was seen, in one line
	Said    *Said       `json:"said,omitempty"`    // the same in its parts
	Facts   string      `json:"facts,omitempty"`   // short rendering of the observation
	Diff    []string    `json:"diff,omitempty"`    // before against after
	// Beside is what it saw that is worth reading and changes no verdict.
	Beside []Observation `json:"beside,omitempty"`
	// Compared: the answer holds what is seen now against what was seen before the upgrade.
	Compared bool `json:"compared,omitempty"`
	// Recorded: what was seen was held against nothing; it is there for the next drill.
	Recorded bool `json:"recorded,omitempty"`
	// FactsDigest is of the whole observation, raw/facts/DIGEST.json, where Facts is cut.
	FactsDigest string   `json:"facts_digest,omitempty"`
	Backup      string   `json:"backup,omitempty"`  // the backup that a failure points at
	Overdue     *Overdue `json:"overdue,omitempty"` // with failed: no answer came in time, and that is all
	// Incident after which it was asked; Build fills it from the event's subject or, without one, from its time.
	Incident int           `json:"incident,omitempty"`
	Started  time.Duration `json:"started_ns"`
	Ended    time.Duration `json:"ended_ns"`
}

// HarnessError is a failure of lifeboat, its host or its engine: never the backup's fault.
type HarnessError struct {
	Phase string        `json:"phase"`
	Error string        `json:"error"`
	At    time.Duration `json:"at_ns,omitempty"` // filled by Build
}

// Observation is worth reading. Those of the engine that end a drill before anything is rehearsed (flow.blind*, and
// upgrade.* where the scenario says stop) make it inconclusive; no other changes a verdict.
type Observation struct {
	ID   string            `json:"id"` // a message of the catalogue
	Args map[string]string `json:"args,omitempty"`
}

// Note was written by a person during the drill.
type Note struct {
	Text string `json:"text"`
}

// Aborted says who ended the drill and why.
type Aborted struct {
	Why string `json:"why"`
	By  string `json:"by,omitempty"` // the event's actor, filled by Build
}

// CleanupEvent tells what became of one thing, or of all (State CleanupProved).
type CleanupEvent struct {
	What     string       `json:"what,omitempty"` // container, network, volume, image, file, process, fault
	Name     string       `json:"name,omitempty"`
	Entry    int          `json:"entry,omitempty"` // of the ledger; 0: of none, or an old journal
	State    CleanupState `json:"state"`
	Error    string       `json:"error,omitempty"`
	Fix      string       `json:"fix,omitempty"`       // the command that removes it by hand
	Left     []string     `json:"left,omitempty"`      // with incomplete and kept: what is still there
	DiskLost []string     `json:"disk_lost,omitempty"` // with kept: backups whose machines lost their disk, which lifeboat itself served
	Count    int          `json:"count,omitempty"`
}

// RawFile enters a file under raw/ by its digest.
type RawFile struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Size   int64  `json:"size_bytes"`
}

// Sealed is the last event of a drill that ended in an orderly way.
type Sealed struct {
	Status RunStatus `json:"status"`
}

// Torn is a line that a crash cut off.
type Torn struct {
	Bytes  int    `json:"bytes"`
	Digest string `json:"digest"`
}
