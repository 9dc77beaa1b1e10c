package record

import (
	"cmp"
	"time"
)

// Text is a sentence by language tag (en, zh); a plain string stands under "en".
type Text map[string]string

// Any is the English text, or else the Chinese one: the language that the journal is in, if there is one.
func (t Text) Any() string { return cmp.Or(t["en"], t["zh"]) }

// Others tells whether there is a text in another language than Any's.
func (t Text) Others() bool { return t["en"] != "" && t["zh"] != "" && t["en"] != t["zh"] }

// Trigger says why a rollback is taken.
type Trigger string

// The triggers of a scenario.
const (
	TriggerFault   Trigger = "fault"
	TriggerUpgrade Trigger = "upgrade"
	TriggerOrder   Trigger = "order" // a planned rollback: nothing need go red
	TriggerNone    Trigger = "none"  // a check run: no fault, no rollback
)

// Layer is one of the four layers of checks, in the order in which they are asked.
type Layer string

// The layers, lowest first.
const (
	LayerSystem   Layer = "system"
	LayerService  Layer = "service"
	LayerData     Layer = "data"
	LayerBusiness Layer = "business"
)

// Layers lists the four layers in the order of verification after a rollback.
func Layers() []Layer { return []Layer{LayerSystem, LayerService, LayerData, LayerBusiness} }

// Basis says what kind of figure a measurement is.
type Basis string

// The bases of a figure.
const (
	BasisMeasured  Basis = "measured"
	BasisSimulated Basis = "simulated" // contains a decision that nobody took
	BasisEmulated  Basis = "emulated"  // TCG: held is labelled so, missed is inconclusive
	BasisProjected Basis = "projected" // computed for another size, never held
)

// Outcome of a phase or a step.
type Outcome string

// The outcomes.
const (
	OutcomeDone       Outcome = "done"
	OutcomeFailed     Outcome = "failed"
	OutcomeSkipped    Outcome = "skipped"
	OutcomeNotReached Outcome = "not-reached"
)

// Objective is a limit set before the drill: data, so that users add their own.
// Names known to lifeboat: start_rollback business_back restored outage detect
// decide act boot data_loss age.
type Objective struct {
	Name  string        `json:"name"`
	Limit time.Duration `json:"limit_ns"`
}

// PhaseEvent marks the begin and the end of a phase.
type PhaseEvent struct {
	Phase   string  `json:"phase"`
	Outcome Outcome `json:"outcome,omitempty"` // empty: it begins
	Error   string  `json:"error,omitempty"`
}

// Step is one step of an upgrade or a rollback, written once when it has ended.
type Step struct {
	Phase   string        `json:"phase"`
	Index   int           `json:"index"`
	What    string        `json:"what"`           // "boot db"
	Kind    string        `json:"kind,omitempty"` // the first word of What: boot, exec, …; empty: an old journal
	Outcome Outcome       `json:"outcome"`
	Started time.Duration `json:"started_ns"`
	Ended   time.Duration `json:"ended_ns"`
	Error   string        `json:"error,omitempty"`
	Output  string        `json:"output,omitempty"` // last lines, secrets removed
}

// RestorePoint is the backup that was chosen.
type RestorePoint struct {
	Backup           string        `json:"backup"`
	Store            string        `json:"store"`
	Restore          string        `json:"restore"`
	Point            string        `json:"point"`
	Size             int64         `json:"size_bytes"`
	Taken            time.Time     `json:"taken,omitzero"`            // when it was written, as its store tells
	Digest           string        `json:"digest"`                    // as read: sha256:…
	Promise          *Digest       `json:"promise,omitempty"`         // nil: nobody promised one
	Expected         string        `json:"expected_digest,omitempty"` // as promised, of old journals: Build makes a Promise of it
	Doubt            string        `json:"doubt,omitempty"`           // why what lists of digests say of it cannot be used
	Profile          string        `json:"profile,omitempty"`         // digest of the profile beside it, where a check asked for one: sha256:…
	Beside           []Observation `json:"beside,omitempty"`          // what of its store makes it doubtful that it is the newest
	ConsistentTo     time.Time     `json:"consistent_to,omitzero"`
	ConsistentSource string        `json:"consistent_source,omitempty"` // where that moment comes from
	Age              time.Duration `json:"age_ns,omitempty"`            // the drill's start − ConsistentTo
	Explained        bool          `json:"explained,omitempty"`         // a manifest says how that moment is known
	Made             string        `json:"made,omitempty"`              // when the backup says that it was made, without a zone
	MadeAt           time.Time     `json:"made_at,omitzero"`            // the same, where its zone is known
	Zone             string        `json:"timezone,omitempty"`          // in which the scenario says that it was made
	Loaded           bool          `json:"loaded,omitempty"`            // data, not a program: it must say that moment
	Lies             int           `json:"lies,omitempty"`              // how many complete restore points its store listed; 0: not known
	Oldest           time.Time     `json:"oldest,omitzero"`             // of what time the oldest of them is; zero: one does not tell
	Listed           time.Time     `json:"listed,omitzero"`             // when that was
}

// Restored is one restore that has ended, well or badly.
type Restored struct {
	Backup    string        `json:"backup"`
	Point     string        `json:"point"`
	Digest    string        `json:"digest"`
	Verified  bool          `json:"verified"` // the digest was promised and held
	Bytes     int64         `json:"bytes"`    // of the backup, as stored
	Started   time.Duration `json:"started_ns"`
	Ended     time.Duration `json:"ended_ns"`
	Throttle  int64         `json:"throttle_bytes_per_second,omitempty"`
	Notes     []string      `json:"notes,omitempty"`      // e.g. roles created because the dump names them
	Said      []Said        `json:"said,omitempty"`       // notes in their parts
	BackupBad string        `json:"backup_bad,omitempty"` // what is wrong with the backup
	Overdue   *Overdue      `json:"overdue,omitempty"`    // all that is wrong with it is that it took too long
	ImageBad  string        `json:"image_lacks,omitempty"`
	Lack      *Lack         `json:"lack,omitempty"`      // of the scenario, without which the backup cannot be judged
	Unread    string        `json:"unread,omitempty"`    // why it was not restored, which is no word on it
	Kind      *FileKind     `json:"kind,omitempty"`      // with BackupBad and Unread: what it is instead
	Misfit    *Misfit       `json:"misfit,omitempty"`    // with Unread: it is made for something else than what is there
	Missing   *Missing      `json:"missing,omitempty"`   // with BackupBad and Unread: there is nothing to restore
	During    string        `json:"during"`              // restore | rollback
	OnlyRead  bool          `json:"only_read,omitempty"` // it was read to its end, and restored into nothing
	// Verifying is the part of the restore that went into a digest of its own pass; 0: it cost no pass.
	Verifying time.Duration `json:"verifying_ns,omitempty"`
	Part      *Part         `json:"part,omitempty"` // what of the backup was restored; nil: all of it
}

// Network is the range of addresses that the drill's sandboxes have, IPv4 in the form of CIDR.
type Network struct {
	Range    string `json:"range"`
	Declared string `json:"declared,omitempty"` // the range of the scenario that it was cut from; empty: lifeboat's choice
}

// Misfit says what a backup is made for and what is there.
type Misfit struct {
	What  string `json:"what"` // a name of the catalogue: platform
	Has   string `json:"has"`
	Wants string `json:"wants"`
}

// Missing says that a store holds nothing complete to restore, or nothing that is young enough, or that it gave nothing.
type Missing struct {
	Store  string        `json:"store,omitempty"`    // why it gave no restore point, so that nothing else is known
	Name   string        `json:"name"`               // the newest that lies there; "": nothing does
	Why    string        `json:"why"`                // it cannot be restored; a name of the catalogue
	More   int           `json:"more,omitempty"`     // that lie there like it
	Newest string        `json:"newest,omitempty"`   // that is complete
	Limit  time.Duration `json:"limit_ns,omitempty"` // which it is older than
}

// FileKind is what the first bytes of a file say that it is, where that is not what was to be restored.
type FileKind struct {
	Name    string `json:"name"`              // of a kind of the catalogue
	Said    string `json:"said,omitempty"`    // the message that stands in the backup's place
	Why     string `json:"why,omitempty"`     // it is not unpacked, though others of its kind are
	Command string `json:"command,omitempty"` // that unpacks it
}

// Probe is one attempt to get out of a sandbox before restored code runs.
type Probe struct {
	Target   string `json:"target"` // what stands there: host, gateway, dns, metadata, outside, other sandbox, control
	Address  string `json:"address"`
	Protocol string `json:"protocol"`
	Reached  bool   `json:"reached"`
	Control  bool   `json:"control,omitempty"` // a positive control: must be reached
	Detail   string `json:"detail,omitempty"`
}

// Egress is a group of attempts of the restored system to get out.
type Egress struct {
	Protocol string        `json:"protocol"`
	Target   string        `json:"target"`
	Host     string        `json:"host,omitempty"` // first host name seen
	Count    int           `json:"count"`
	First    time.Duration `json:"first_ns"`
	Last     time.Duration `json:"last_ns"`
	Expected bool          `json:"expected"`
}

// Reach says who spoke to whom in the drill's own network, so that what nobody ever asked is not taken for proved. It
// is written once, when nothing is asked any more.
type Reach struct {
	Flows      []string `json:"flows,omitempty"` // that were run against the restored system
	Links      []Link   `json:"links,omitempty"`
	Unmeasured string   `json:"unmeasured,omitempty"` // why it is not known
}

// Link is a service of an instance that was reached: payload went there and back over one connection.
type Link struct {
	Flow     string        `json:"flow,omitempty"`  // by k6, running this flow
	From     string        `json:"from,omitempty"`  // by this instance
	Check    bool          `json:"check,omitempty"` // by lifeboat, for a check
	To       string        `json:"to"`
	Port     int           `json:"port,omitempty"`
	Protocol string        `json:"protocol,omitempty"`
	First    time.Duration `json:"first_ns"`
	Last     time.Duration `json:"last_ns,omitempty"` // to within two seconds; 0: an old journal
}

// PulseEvent is the start, an edge, or the end of the pulse.
type PulseEvent struct {
	State  PulseState  `json:"state"`
	At     Moment      `json:"at"`
	Why    string      `json:"why,omitempty"`  // first error of the edge; of a rest, the flow that ran meanwhile; of a turn, the one that asks from now on
	Seen   bool        `json:"seen,omitempty"` // of a rest: that was the same flow, so the business was asked what the pulse asks
	Totals PulseTotals `json:"totals,omitzero"`
	Late   []LateStart `json:"late,omitempty"`  // with stopped and broken
	Red    *RedFacts   `json:"red,omitempty"`   // of the red stretch that ends here
	Pace   *Pace       `json:"pace,omitempty"`  // with started
	Asked  []string    `json:"asked,omitempty"` // with stopped and broken: addresses, such as http://app:8080
	// Unasked, with stopped and broken: checks that passed in every iteration of the baseline and did not run any more
	Unasked []string `json:"unasked,omitempty"`
	// Scenario of the script's options, with turns
	Scenario string `json:"scenario,omitempty"`
}

// PulseTotals counts the iterations of a pulse.
type PulseTotals struct {
	Good     int           `json:"good"`
	Bad      int           `json:"bad"`
	Unproven int           `json:"unproven"` // no check ran in them
	Dropped  int           `json:"dropped"`
	P95      time.Duration `json:"p95_ns"` // of the good ones
	// longest time in which no iteration began: nobody looked
	Silence time.Duration `json:"silence_ns,omitempty"`
}

// UpgradeEvent is the begin and the end of the upgrade.
type UpgradeEvent struct {
	State UpgradeState `json:"state"`
}

// FaultEvent follows one fault through its life.
type FaultEvent struct {
	Kind  string     `json:"kind"`
	On    string     `json:"on"`
	Index int        `json:"index,omitempty"` // among those planned for the incident; 1 is the first, 0: an old journal
	State FaultState `json:"state"`
	At    Moment     `json:"at,omitzero"`
	Note  string     `json:"note,omitempty"`
	// After is the incident after whose rollback, or the decision against one, it was asked again, with removed, remains
	// and unasked.
	After int `json:"after,omitempty"`
	// Expected: that rollback was to remove it.
	Expected bool `json:"expected,omitempty"`
}

// IncidentEvent opens an incident.
type IncidentEvent struct {
	Trigger Trigger `json:"trigger"`
	At      Moment  `json:"at"`
}

// Detected says which rule fired.
type Detected struct {
	Rule string `json:"rule"`
	At   Moment `json:"at"`
	Seen string `json:"seen,omitempty"` // the figure that fired it
}

// Decision is what was decided, by whom, on what.
type Decision struct {
	Outcome DecisionOutcome `json:"outcome"`
	Scope   []string        `json:"scope,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	By      string          `json:"by"` // BySimulated, or a person's name
	At      Moment          `json:"at"`
}

// RollsBack tells whether the decision is followed by a rollback.
func (d Decision) RollsBack() bool {
	return d.Outcome == PartialRollback || d.Outcome == FullRollback || d.Outcome == SwitchToStandby
}

// RollbackEvent is the begin or the end of a rollback.
type RollbackEvent struct {
	State   RollbackState `json:"state"` // never running
	Error   string        `json:"error,omitempty"`
	Overdue *Overdue      `json:"overdue,omitempty"` // with failed: a limit of time that passed, and nothing else
}
