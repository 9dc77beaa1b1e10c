// Package scenarios reads scenario files: the schema, a strict loader that
// reports every problem at once with file, line, column and a hint, and the
// defaults.
package scenarios

import (
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// Scenario is one scenario file after loading: defaults filled in, paths
// absolute, references checked. Kinds keep their settings raw; each back-end
// decodes its own strictly.
type Scenario struct {
	File string `yaml:"-" json:"-"` // as the user gave it
	Dir  string `yaml:"-" json:"-"` // absolute; relative paths start here
	// sha256:… over the file and every file it names but the backups
	Digest string `yaml:"-" json:"-"`
	// what is no problem and not as one might read it, each in a sentence with what to do
	Notes []string `yaml:"-" json:"-"`
	// files of its folder that hold keys of it, shared with other scenarios; what stands here counts more
	Include Include `yaml:"include"`
	// several drills of this file: name → the keys in which it differs; lifeboat drill FILE.yaml makes all of them, and
	// FILE.yaml#NAME is one
	Matrix   Matrix      `yaml:"matrix"`
	Name     string      `yaml:"scenario" jsonschema:"required"` // its name: lower-case letters, digits, hyphens
	Title    record.Text `yaml:"title"`                          // a text, or {en: …, zh: …}
	Service  string      `yaml:"service"`                        // whose recovery is drilled; printed
	Customer string      `yaml:"customer"`                       // printed
	Series   string      `yaml:"series"`                         // of the numbers; default: the service, or "default"
	// why a rollback is taken: fault (faults break something) | upgrade (its own steps do) | order (a planned one) | none
	// (a check run: is the backup restorable?)
	Trigger record.Trigger `yaml:"trigger" jsonschema:"required" enum:"fault upgrade order none"`
	// high | medium | low: presets of objectives and decision
	Risk string `yaml:"risk" enum:"high medium low"`
	// limits by name: start_rollback, business_back, restored, outage, detect, decide, act, boot, data_loss, age
	Objectives map[string]Duration `yaml:"objectives"`
	// how far apart the moments may lie to which the backups are consistent that are loaded: a database and its files
	MaxSkew Duration `yaml:"max_skew"`
	// role → name; lists are joined by ", "
	People map[string]string `yaml:"people" lifeboat:"joined"`
	// declared facts of production: size, cpus, memory, …
	Production map[string]string `yaml:"production" lifeboat:"plain"`
	// RFC 3339: data_loss counts from here and not from T0
	Reference *time.Time `yaml:"reference"`
	// range of private addresses from which the drill's network is cut, such as production's own: 10.20.0.0/16; default
	// what is free of 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16
	Network   Range               `yaml:"network"`
	Egress    Egress              `yaml:"egress"`
	Backups   map[string]Backup   `yaml:"backups" jsonschema:"required"`
	Instances map[string]Instance `yaml:"instances" jsonschema:"required"`
	// steps after the restore and before the baseline, such as a reindex that a real restore needs; printed
	Prepare  []Step   `yaml:"prepare"`
	Flow     *Flow    `yaml:"flow"`
	Baseline Baseline `yaml:"baseline"`
	Upgrade  []Step   `yaml:"upgrade"` // its real steps
	// faults, detect, decide, rollback at the top make the only one
	Incidents []Incident `yaml:"incidents"`
	Verify    Verify     `yaml:"verify"`
	Checks    Checks     `yaml:"checks" jsonschema:"required"`
	StableFor Duration   `yaml:"stable_for"` // default 60s, at least 5s
	Deadline  Duration   `yaml:"deadline"`   // hard maximum of the drill; default 4h
	// what stays free on the file systems that the drill fills, else it ends; default 1GiB, or a twentieth of a smaller one
	FreeDisk Size `yaml:"free_disk"`

	// true: keep copies of data files with the drill, too: what steps put into machines, what of a flow is no text
	Keep bool `yaml:"keep"`

	secrets *[]Secret
	files   []File
	where   map[string]Pos  // of every value, by its path
	bad     map[string]bool // already reported: what stands there is not known
}

// Secrets are all values of the scenario that come from outside the file:
// its own and, once the owners of its kinds have decoded their settings, theirs.
func (s *Scenario) Secrets() []Secret {
	if s.secrets == nil {
		return nil
	}
	return *s.secrets
}

// Egress says what restored systems may or are expected to try to reach.
type Egress struct {
	Allow    []string `yaml:"allow"`    // host:port let through, printed in the report
	Expected []string `yaml:"expected"` // host or host:port refused, an observation instead of a finding
}

// Backup is a store and the way in which it is restored.
type Backup struct {
	Store        Settings   `yaml:"store" jsonschema:"required"`   // where it lies: dir, http or s3
	Restore      Settings   `yaml:"restore" jsonschema:"required"` // disk and oci are booted, files, mysql and postgres are loaded
	Pick         string     `yaml:"pick"`                          // latest (default) | oldest | the name of a point
	Digest       string     `yaml:"digest"`                        // sha256:… promised by the scenario
	ConsistentTo *time.Time `yaml:"consistent_to"`                 // RFC 3339: declared by the scenario
	// where it was made, as IANA names it: Asia/Shanghai. Of the time in a dump's header, and of columns without a zone
	TimeZone string `yaml:"timezone"`
	Throttle Rate   `yaml:"throttle"` // bytes per second of every restore of this backup
	MinSize  Size   `yaml:"min_size"` // a restore point that is smaller, as stored, has failed
	// by how much it may be smaller than the median of those that a catalogue's nights proved last, such as 30%
	Shrink    Percent   `yaml:"shrink"`
	Retention Retention `yaml:"retention"`
	Pos       Pos       `yaml:"-"`
}

// Retention is what must lie in a backup's store.
type Retention struct {
	Keep   int      `yaml:"keep"`   // so many complete restore points at least
	Oldest Duration `yaml:"oldest"` // and one that is at least so old
}

// Instance is a temporary machine.
type Instance struct {
	Kind  string `yaml:"kind" jsonschema:"required"` // docker (a container) | qemu (a virtual machine)
	Image string `yaml:"image"`                      // of the engine; or
	Boot  string `yaml:"boot"`                       // the backup that it boots from; and
	// the backup that is loaded into it, or several: [app-db, app-files], a server's data and trees of files
	Load Loads `yaml:"load"`
	// instances that are booted before it; left out: all before it in the alphabet, if nothing is loaded into it
	Needs   []string `yaml:"needs"`
	Aliases []string `yaml:"aliases"` // names that production calls it by: db.example.com
	Memory  Size     `yaml:"memory"`  // default 1GiB; at least 6MiB
	// processors, above 0, such as 1.5; default of a virtual machine 2, of a container no limit
	CPUs  float64 `yaml:"cpus"`
	Ready *Ready  `yaml:"ready"` // when it counts as booted
	// all keys of the instance that its kind owns
	Settings Settings `yaml:"-" lifeboat:"beside"`
	Pos      Pos      `yaml:"-"`
}

// Backups are those that it boots from and that is loaded into it.
func (in Instance) Backups() []string {
	return slices.DeleteFunc(append([]string{in.Boot}, in.Load...), func(n string) bool { return n == "" })
}

// Loads are the backups that are loaded into an instance, in this order; one may be written without brackets.
type Loads []string

// String lists them.
func (l Loads) String() string { return strings.Join(l, ", ") }

// Only names what alone of a backup is restored; one may be written without brackets.
type Only []string

func (o Only) String() string { return strings.Join(o, ", ") }

// Ready says when an instance counts as booted. Without it: when its image's own HEALTHCHECK says so, or its backup is
// loaded; else when it runs, which says nothing, and its boot is not measured.
type Ready struct {
	TCP    int      `yaml:"tcp"`    // a port that answers within the sandbox
	HTTP   string   `yaml:"http"`   // http://:8080/healthz answers 2xx
	Exec   []string `yaml:"exec"`   // exits 0
	Within Duration `yaml:"within"` // default 2m
}

// Flow is the business as a customer sees it, and its pulse.
type Flow struct {
	Script   string `yaml:"script" jsonschema:"required"` // of k6, from the scenario's folder
	Scenario string `yaml:"scenario"`                     // of those in the script's options: its exec and env are used
	// 10/s: so many iterations a second, whoever has ended; {every: 5s}: one user, who begins an iteration every 5s or when
	// the one before has ended. Default: 10/s where an iteration is as short as that, else one user
	Pulse Pulse `yaml:"pulse"`
	// of one iteration; default: four times the longest good one before the pulse, at least 1s
	Timeout Duration `yaml:"timeout"`
	// of one request; default: four times the longest of those, at least 1s, at most the timeout
	RequestTimeout Duration `yaml:"request_timeout"`
	Latency        Duration `yaml:"latency"` // slower is red; 0: only failures are
	// share of bad iterations that is still green; default 0%
	Tolerate Percent           `yaml:"tolerate"`
	Env      map[string]Secret `yaml:"env"`
	// who asks between the end of an upgrade and the rollback, where the new version needs another flow
	AfterUpgrade *OtherFlow `yaml:"after_upgrade"`
	Pos          Pos        `yaml:"-"`
}

// OtherFlow asks in the place of the flow, at its pace.
type OtherFlow struct {
	Script   string            `yaml:"script"`   // default: the flow's own
	Scenario string            `yaml:"scenario"` // of those in the script's options
	Env      map[string]Secret `yaml:"env"`      // instead of the flow's
}

// Pulse is how a flow is asked: at a rate, or as one user. Without it the drill finds out.
type Pulse struct {
	Rate  PerSecond `yaml:"-"`     // iterations a second, whether or not the ones before have ended; or
	Every Duration  `yaml:"every"` // one user: from one begin to the next, or until the iteration before has ended
}

// Baseline is how long everything must be green before anything is broken.
type Baseline struct {
	StableFor Duration `yaml:"stable_for"` // default 5s
}

// Verify bounds the wait for the business after the last step of a rollback.
type Verify struct {
	Within Duration `yaml:"within"` // default 10m; after it the drill goes on and is judged as it stands
}

// Incident is what breaks and what is done about it.
type Incident struct {
	Name string `yaml:"name"` // a few words for the comparison of rollbacks: "snapshot", "old kernel"
	// what makes it begin, in incidents after the first, such as a revert to the snapshot of the upgraded machine
	Upgrade []Step `yaml:"upgrade"`
	Course  `yaml:",inline"`
}

// Course is the part of an incident that may stand at the top of the file.
type Course struct {
	Faults   []Fault `yaml:"faults"` // what breaks
	Detect   Detect  `yaml:"detect"`
	Decide   Decide  `yaml:"decide"`
	Rollback []Step  `yaml:"rollback"` // the way back
	Pos      Pos     `yaml:"-"`
}

// Fault is broken on purpose. With During rollback it is armed when the rollback starts.
type Fault struct {
	Kind string `yaml:"kind" jsonschema:"required"`
	// an instance, or for slow-restore a backup
	On     string `yaml:"on" jsonschema:"required"`
	During string `yaml:"during" enum:"fault rollback"` // fault (default) | rollback
	// rollback: its steps remove the fault though they neither destroy nor boot nor revert the instance
	RemovedBy string `yaml:"removed_by" enum:"rollback"`
	// all keys of the fault but kind, on, during and removed_by
	Settings Settings `yaml:"-"`
	Pos      Pos      `yaml:"-"`
}

// Detect is the rule that says that something is wrong.
type Detect struct {
	When   string   `yaml:"when"`   // "flow.failed > 5% for 5s"
	Within Duration `yaml:"within"` // how long to wait for it; default 10m, at most the deadline
}

// Decide is who decides, and what.
type Decide struct {
	// simulated (default) | person
	By string `yaml:"by" enum:"simulated person"`
	// simulated: how long it takes
	After Duration `yaml:"after"`
	// simulated: full-rollback (default), partial-rollback, pause, watch, switch-to-standby
	Outcome string   `yaml:"outcome" enum:"full-rollback partial-rollback pause watch switch-to-standby"`
	Scope   []string `yaml:"scope"`  // instances that are rolled back, with partial-rollback
	Reason  string   `yaml:"reason"` // printed in the report
	Within  Duration `yaml:"within"` // person: how long to wait; default 2h
}

// Checks in their four layers; a layer without a check is excluded with a reason.
type Checks struct {
	System   []CheckSpec `yaml:"system"`
	Service  []CheckSpec `yaml:"service"`
	Data     []CheckSpec `yaml:"data"`
	Business []CheckSpec `yaml:"business"`
	// layer → why it has no check, a text or {en: …, zh: …}; printed beside the verdict
	Excluded map[record.Layer]record.Text `yaml:"excluded"`
}

// CheckSpec is one check; its kind's own keys are in Settings.
type CheckSpec struct {
	Kind     string       `yaml:"kind" jsonschema:"required"`
	Title    record.Text  `yaml:"name"` // a text, or {en: …, zh: …}; default: the kind and what it asks; unique in the scenario
	Name     string       `yaml:"-"`    // in English, or else in the language that there is
	Layer    record.Layer `yaml:"-"`
	Loads    string       `yaml:"-"` // the kind of restore that loads a dump into the instance that is asked; empty: none does, or nobody knows
	Settings Settings     `yaml:"-"`
	Pos      Pos          `yaml:"-"`
}

// All lists the checks of a scenario in the order of the layers.
func (c Checks) All() []CheckSpec { return slices.Concat(c.System, c.Service, c.Data, c.Business) }
