// Package verifier is the contract of checks: one question with one answer, in
// the order system, service, data, business. A check observes and judges in two
// steps, so that judging can be repeated from the record.
package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/internal/tree"
)

// Target is the drill's running system, as far as checks may touch it.
type Target interface {
	// Exec runs a command on an instance, without a shell. Non-zero exit is an Output.
	Exec(ctx context.Context, on string, args []string) (Output, error)
	// Dial connects to a port of an instance, from inside its sandbox.
	Dial(ctx context.Context, on string, port int) (net.Conn, error)
	// Read returns a file of an instance; fs.ErrNotExist when there is none.
	Read(ctx context.Context, on, path string) ([]byte, error)
	// Restart stops and starts an instance's machine and waits until it runs.
	Restart(ctx context.Context, on string) error
	// Flow runs a k6 script as a check.
	Flow(ctx context.Context, r FlowRequest) (FlowResult, error)
}

// Origin is a Target that knows the image from which an instance was booted.
type Origin interface {
	// From is false for an instance that was not booted from a backup's image, or went back to a snapshot since.
	From(on string) (Image, bool)
}

// Times is a Target that knows when it began and in which zones its backups were made.
type Times interface {
	// Began is when the drill did: what is younger was not in a backup.
	Began() time.Time
	// Zone of the backup that an instance was booted from or loaded with, as IANA names it; "" where nobody says.
	Zone(on string) string
}

// Aging is a check whose answer may be another one later though nothing changes.
type Aging interface {
	Ages() bool
}

// Referring is a check that holds a copy against what its source was.
type Referring interface {
	// Refers tells whether it asks for the profile that lies beside the backup.
	Refers() bool
}

// References is a Target that knows what a copy can be held against.
type References interface {
	// Beside is the profile that lies beside the backup whose content a check looks at, and its digest; "": there is none. An
	// error says that there is one which cannot be had.
	Beside(check string) (raw []byte, digest string, err error)
	// Last is what a check of that name saw in the last drill of the series that passed and whose restore point is not younger
	// than the one that stands now; nil: there is none.
	Last(check string) (*Proof, error)
	// Held tells whether a check of the scenario holds the content of an instance against a reference.
	Held(on string) bool
	// Hide takes out of facts what no record may hold, as it was taken out of those of a Proof.
	Hide(f Facts) Facts
}

// OfTrees is a Check that looks at trees of files: of several backups that are loaded into an instance, at those.
type OfTrees interface{ OfTrees() }

// Trees is a Target that knows which trees of files were restored.
type Trees interface {
	// Trees that were restored into an instance, in the order of their folders.
	Trees(ctx context.Context, on string) ([]Tree, error)
}

// Tree is one that was restored, as it was read from where it lies.
type Tree struct {
	tree.Restored
	// Later says that it was read after the instance had worked on it: in the order of an upgrade, or of a way back that kept the data.
	Later bool
}

// Proof is what a check saw in a drill that passed.
type Proof struct {
	Drill   string
	Journal string // its digest, sha256:…
	Facts   Facts
	Point   string // the restore point, and
	Another bool   // whether it is another one than the one that stands now
}

// Image is a backup from which an instance was booted.
type Image struct {
	Backup     string    `json:"backup"`
	Generation int       `json:"generation"` // of the instance: 1 is the first boot
	Taken      time.Time `json:"taken"`      // nothing in it is younger; zero: not known
	// Says is what an image archive says of its image; nil: it is none.
	Says *instance.ImageFacts `json:"-"`
}

// Says is what the image archive says of itself that an instance was booted from.
func Says(t Target, on string) (*instance.ImageFacts, error) {
	if o, ok := t.(Origin); ok {
		if image, ok := o.From(on); ok && image.Says != nil {
			return image.Says, nil
		}
	}
	return nil, fmt.Errorf("look at the image of %s: it was not booted from an image archive; ask with other kinds, or boot it from a backup "+
		"of restore: {kind: oci}", on)
}

// Standing is a Target that tells how the machine of an instance fares.
type Standing interface {
	// Stands says whether it runs, and how it ended if not.
	Stands(ctx context.Context, on string) (instance.State, error)
}

// Output of a command.
type Output struct {
	Exit           int
	Stdout, Stderr string
}

// Facts are what a check observed, as JSON.
type Facts = json.RawMessage

// Check is one question.
type Check interface {
	Name() string
	// Observe asks. An error means that the question could not be asked: never passed.
	Observe(ctx context.Context, t Target) (Facts, error)
	// Judge is pure. before is nil when nothing was observed before the upgrade.
	Judge(before, after Facts) Answer
}

// Bounded is a check that may take longer than others.
type Bounded interface {
	// Limit is how long it may take; 0: as long as the drill.
	Limit() time.Duration
}

// Controlled is a check that can be asked where a decoy stands in the place of the system. One that passes where
// nothing answers, or everything with an error, would pass whatever became of the business.
type Controlled interface {
	// Control asks a target in which a decoy of that kind stands. An error means that the question could not be asked;
	// CheckCrashed, that nothing was asked in the time that there was.
	Control(ctx context.Context, t Target, k decoy.Kind) (Answer, error)
}

// Answer of a check. Empty facts, zero samples and the like are CheckFailed or CheckCrashed, never passed.
type Answer struct {
	Status  record.CheckStatus
	Message string       // what was seen, one line
	Said    *record.Said // the same in its parts, for other languages; nil: there are none
	Diff    []string     // before against after, one line each
	// Beside is what was seen beside it that is worth reading and changes no answer.
	Beside []record.Observation
	// Recorded: what was seen was held against nothing, so that it proves nothing yet.
	Recorded bool
	// Late is, with CheckFailed, the limit of time that passed without any answer: all that is wrong.
	Late time.Duration
}

// FlowRequest runs a user's k6 script a fixed number of times.
type FlowRequest struct {
	Script     string // absolute path on this host; its imports are taken from beside it
	Iterations int    // 0: 1
	Users      int    // at once, who share the iterations; 0: 1
	Env        map[string]string
	Timeout    time.Duration // of all iterations; 0: 5 minutes
	Decoy      decoy.Kind    // that stands in the place of the system: a negative control of the flow
	Scenario   string        // of the script's options, whose function and variables are used; "": the script's own choice

	Base   time.Time    // the drill's base, with its monotonic reading; with Sample
	Sample func(Sample) // is told each iteration, from one goroutine; nil: nobody asks
}

// FlowResult is what the stream of records said; never the exit code alone.
type FlowResult struct {
	Iterations   int `json:"iterations"`
	Cut          int `json:"cut,omitempty"` // iterations that had not ended when time was up
	Good         int `json:"good"`
	Unproven     int `json:"unproven,omitempty"` // ended well without a check
	Threw        int `json:"threw,omitempty"`    // ended by an exception
	ChecksPassed int `json:"checks_passed"`
	ChecksFailed int `json:"checks_failed"`
	// of the iterations that ended well, nanoseconds
	Shortest       time.Duration `json:"shortest_ns,omitempty"`
	Longest        time.Duration `json:"longest_ns,omitempty"`
	LongestRequest time.Duration `json:"longest_request_ns,omitempty"`

	Failed     []string `json:"failed,omitempty"`     // names of failed checks, thresholds and exceptions
	Unmeasured []string `json:"unmeasured,omitempty"` // thresholds that no sample ever came for: nobody knows
	Addresses  []string `json:"addresses,omitempty"`  // that it asked: http://app:8080
	Notes      []string `json:"notes,omitempty"`      // what the script wrote to its console as a warning or an error
	Complete   bool     `json:"complete"`             // the end record was seen
	Script     bool     `json:"script_broken"`        // the script itself is bad: the drill is, not the system
	Exit       int      `json:"exit"`
	Error      string   `json:"error,omitempty"`
}

// Throws tells whether it is by exceptions alone that the flow says no, which a flow without a check may do.
func (r FlowResult) Throws() bool { return r.Threw > 0 && r.ChecksPassed+r.ChecksFailed == 0 }

// Flows runs k6. Implemented by verifier/business.
type Flows interface {
	Run(ctx context.Context, r FlowRequest) (FlowResult, error)
	// Pulse starts the constant low rate of a flow; samples arrive on the callback, from one
	// goroutine, in the order of their ends, until Stop or until it breaks.
	Pulse(ctx context.Context, r PulseRequest) (Pulse, error)
}

// PulseRequest says how to take the pulse.
type PulseRequest struct {
	Script   string
	Scenario string // of the script's options, as with FlowRequest
	Pace     record.Pace
	Env      map[string]string
	Base     time.Time           // the drill's base, with its monotonic reading
	Raw      string              // file that the stream is written to, behind what is there
	Down     bool                // what it asks may be down already: a setup() that throws is an iteration that is not good
	Hide     func(string) string // takes secrets out of a line before it is written there; nil: nobody knows any
	Sample   func(Sample)
	Asked    func(address string) // is told of each address, from the same goroutine; nil: nobody asks
}

// Sample is one iteration of the pulse, in time since the drill's base.
type Sample struct {
	Start, End time.Duration
	OK         bool
	Checks     int // 0: nothing was asked in it, so it proves nothing and is not good
	Error      string
	Failed     []string // names of the checks that failed in it
	Passed     []string // names of those that passed; nil where they were too many to be told
	TimedOut   bool     // it, or a request of it, was given up
	Setup      bool     // no iteration: the script's session was made anew. Where that failed OK is not set
	Answered   bool     // it was given a wrong answer: a status, other content. Nobody there, or nobody in time, is none
	Dropped    int      // with this set it is no iteration, but iterations that k6 could not start
}

// Said is what was wrong in it, in a line: the checks that failed by their names, then the error.
func (s Sample) Said() string {
	said := strings.Join(s.Failed, ", ")
	if said != "" && s.Error != "" {
		said += ": "
	}
	return said + s.Error
}

// Pulse is a running pulse.
type Pulse interface {
	// Stop ends it and returns after the last sample was delivered. The error says that the
	// stream broke off: what was seen stays true, what came after is unknown.
	Stop(ctx context.Context) error
	// Rest lets the iterations that run end, begins no other until GoOn, and returns when none runs any more. Where the
	// error is not nil, it may rest or not.
	Rest(ctx context.Context) error
	GoOn()
	// Renew has the script's setup() run anew, until it ends well, for what it had of a system that is another since.
	Renew()
	// Broken is closed when the stream ends by itself.
	Broken() <-chan struct{}
}
