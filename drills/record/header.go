package record

import (
	"slices"
	"time"
)

// Header opens a journal: everything that was fixed before the drill began.
type Header struct {
	Version        int               `json:"version"`
	Drill          string            `json:"drill"`  // time-sortable id
	Number         int               `json:"number"` // gap-free within Series
	Series         string            `json:"series"`
	Scenario       string            `json:"scenario"`
	ScenarioDigest string            `json:"scenario_digest"` // sha256:… over the file and every file it names
	Title          Text              `json:"title,omitempty"`
	Service        string            `json:"service,omitempty"`
	Customer       string            `json:"customer,omitempty"`
	Retest         []string          `json:"retest,omitempty"` // findings of the series that this drill tries again: F3
	Risk           string            `json:"risk,omitempty"`
	Trigger        Trigger           `json:"trigger"`
	Planned        *time.Time        `json:"planned,omitempty"` // the slot that it was planned for; nil: nobody said, or a record of old
	Objectives     []Objective       `json:"objectives"`
	StableFor      time.Duration     `json:"stable_for_ns"`
	Decision       string            `json:"decision"` // simulated | person
	PulseRate      float64           `json:"pulse_rate,omitempty"`
	PulseTimeout   time.Duration     `json:"pulse_timeout_ns,omitempty"`
	LatencyLimit   time.Duration     `json:"latency_limit_ns,omitempty"`   // slower than this is red; 0: only failures are
	Tolerate       float64           `json:"tolerate,omitempty"`           // share of bad ones that is still green, 0..1
	Flow           string            `json:"flow,omitempty"`               // the script of the pulse, by its base name
	FlowAfter      string            `json:"flow_after_upgrade,omitempty"` // the same between an upgrade and its rollback
	FlowEnv        map[string]string `json:"flow_env,omitempty"`           // its variables; secrets are ***
	Limits         []BackupLimit     `json:"backup_limits,omitempty"`
	MaxSkew        time.Duration     `json:"max_skew_ns,omitempty"` // between the moments to which what is loaded is consistent; 0: no limit
	UpTo           string            `json:"up_to,omitempty"`       // the rung at which it was to end; empty: none
	Instances      []InstancePlan    `json:"instances,omitempty"`
	Incidents      []IncidentPlan    `json:"incidents,omitempty"`
	Checks         []CheckPlan       `json:"checks,omitempty"`
	Excluded       map[Layer]string  `json:"excluded,omitempty"`    // layer → reason
	ExcludedIn     map[Layer]Text    `json:"excluded_in,omitempty"` // those that are given in several languages
	ExpectedEgress []string          `json:"expected_egress,omitempty"`
	AllowedEgress  []string          `json:"allowed_egress,omitempty"`
	People         map[string]string `json:"people,omitempty"` // role → name or names
	Production     map[string]string `json:"production,omitempty"`
	Prepare        []string          `json:"prepare,omitempty"`       // steps between restore and baseline, in words
	NotRehearsed   []string          `json:"not_rehearsed,omitempty"` // ids of messages: what this drill was not
	Host           Host              `json:"host"`
	Tool           string            `json:"tool"`              // lifeboat's version
	Program        *Program          `json:"program,omitempty"` // the lifeboat that ran; nil: a record of old
	K6             *Program          `json:"k6,omitempty"`      // the sidecar that asked; nil: nothing was asked by it, or a record of old
	Started        time.Time         `json:"started"`
	BoottimeNS     int64             `json:"boottime_ns"` // CLOCK_BOOTTIME at elapsed 0: others can go on counting
	BootID         string            `json:"boot_id"`
	ClockState     string            `json:"clock_state"`         // synchronised | not synchronised | unknown
	Deadline       time.Duration     `json:"deadline_ns"`         // hard maximum of the drill
	Reference      *time.Time        `json:"reference,omitempty"` // data_loss counts to this moment instead of T0
}

// Program is an executable that takes part, as its file is when the drill begins. What is empty is not known: nothing is proved by that.
type Program struct {
	Version  string `json:"version,omitempty"` // of k6; lifeboat's is the header's Tool
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // it was built of files that the commit does not have so
	Digest   string `json:"digest,omitempty"`   // sha256:… of the file
}

// AsksK6 tells whether the drill was to ask the business by k6.
func (h Header) AsksK6() bool {
	return h.Flow != "" || slices.ContainsFunc(h.Checks, func(c CheckPlan) bool { return c.Layer == LayerBusiness })
}

// Host is the machine that ran the drill.
type Host struct {
	Name   string `json:"name"`
	OS     string `json:"os"`
	Kernel string `json:"kernel"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory_bytes"`
	Engine string `json:"engine,omitempty"`
}

// InstancePlan is an instance as planned.
type InstancePlan struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Backup string   `json:"backup,omitempty"`
	With   []string `json:"with,omitempty"` // further backups that are loaded into it
	Needs  []string `json:"needs,omitempty"`
	Basis  Basis    `json:"basis"` // measured, or emulated under TCG
}

// Backups are all that it is made of.
func (i InstancePlan) Backups() []string {
	if i.Backup == "" {
		return nil
	}
	return append([]string{i.Backup}, i.With...)
}

// UpToRead is a drill that reads backups and restores none.
const UpToRead = "read"

// BackupLimit is what a restore point is held to whatever it holds, and those that lie beside it. Zero values are no limits.
type BackupLimit struct {
	Backup  string        `json:"backup"`
	MinSize int64         `json:"min_size_bytes,omitempty"`
	Shrink  float64       `json:"shrink_percent,omitempty"` // than the median of Before
	Before  []int64       `json:"sizes_before,omitempty"`   // bytes of the restore points that passed last
	Keep    int           `json:"keep,omitempty"`
	Oldest  time.Duration `json:"oldest_ns,omitempty"`
}

// IncidentPlan is one incident as planned.
type IncidentPlan struct {
	ID       int      `json:"id"`
	Name     string   `json:"name,omitempty"` // a few words, for the comparison of rollbacks
	Faults   []string `json:"faults,omitempty"`
	Upgrade  []string `json:"upgrade,omitempty"`  // steps of its own that make it begin, in words
	Rollback []string `json:"rollback,omitempty"` // the steps in words, e.g. "boot db"
	// Rule is what detects it, Within how long it is waited for; empty: a planned rollback, or a journal of old.
	Rule   string        `json:"rule,omitempty"`
	Within time.Duration `json:"within_ns,omitempty"`
}

// CheckPlan is a check as planned; every one must have a result after the rollback.
type CheckPlan struct {
	Name  string `json:"name"`
	Layer Layer  `json:"layer"`
	Title Text   `json:"title,omitempty"` // the name, where it is given in several languages
}
