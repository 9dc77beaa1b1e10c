// Package wire holds the records that the sidecar writes, one JSON object a line, and nothing else: no k6, no input
// or output.
//
// The parent process does not import it (it lives in another module under another licence); both sides are kept in step
// by the golden streams in testdata. README.md says what every field means.
package wire

// Version is the format's number, carried by Hello. It changes when a reader that ignores unknown fields would misread.
const Version = 1

// The kinds of record.
const (
	KindHello  = "hello"
	KindIter   = "iter"
	KindCheck  = "check"
	KindHTTP   = "http"
	KindDrop   = "drop"
	KindMetric = "metric"
	KindLog    = "log"
	KindBeat   = "hb"
	KindFlow   = "flow"
	KindSQL    = "sql"
	KindRest   = "rest"
	KindAsked  = "asked"
	KindEnd    = "end"
)

// Hello opens the stream. All offsets in later records are nanoseconds of the monotonic clock since the moment it
// describes.
type Hello struct {
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	PID     int    `json:"pid"`
	K6      string `json:"k6"`
	// Wall is Unix time in nanoseconds, for people.
	Wall int64 `json:"wall"`
	// Boot and Mono are CLOCK_BOOTTIME and CLOCK_MONOTONIC in nanoseconds, 0 where the system has none. A reader whose
	// BootID is the same shares these clocks and can place every offset exactly, without trusting the wall clock.
	Boot   int64  `json:"boot"`
	Mono   int64  `json:"mono"`
	BootID string `json:"boot_id"`
}

// Where says which virtual user did something. Iteration is -1 outside an iteration (setup and teardown).
type Where struct {
	Scenario string `json:"scenario"`
	VU       uint64 `json:"vu"`
	Iter     int64  `json:"iter"`
}

// Iter is one run of the default function, the unit of the pulse.
type Iter struct {
	Kind  string `json:"kind"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	OK    bool   `json:"ok"`
	Where
	ChecksPassed int `json:"checks_passed"`
	ChecksFailed int `json:"checks_failed"`
	HTTPFailed   int `json:"http_failed"`
	// HTTPAnswered are those of them that had an answer, with a status that says no.
	HTTPAnswered int `json:"http_answered,omitempty"`
	// TimedOut counts its requests that were given up, by whatever limit, and itself where it took too long.
	TimedOut int `json:"timed_out,omitempty"`
	// LongestRequest in nanoseconds, connecting included; 0 without a request.
	LongestRequest int64  `json:"longest_request,omitempty"`
	FlowsFailed    int    `json:"flows_failed"`
	Error          string `json:"error,omitempty"`
	// Setup: it made the script's session anew and did nothing else. OK then says that setup() ended well.
	Setup bool `json:"setup,omitempty"`
	// Cut: stopped in the middle by the end of the run; says nothing about the system. OK is false.
	Cut bool `json:"cut,omitempty"`
}

// Check is one check() call.
type Check struct {
	Kind string `json:"kind"`
	At   int64  `json:"at"`
	OK   bool   `json:"ok"`
	Where
	Name  string `json:"name"`
	Group string `json:"group,omitempty"`
}

// HTTP is one request, sent only where the output was asked for http.
type HTTP struct {
	Kind  string `json:"kind"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	OK    bool   `json:"ok"`
	Where
	Method string `json:"method"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
}

// Drop says that the executor had no free virtual user for Count iterations: the pulse has a hole there.
type Drop struct {
	Kind     string `json:"kind"`
	At       int64  `json:"at"`
	Scenario string `json:"scenario"`
	Count    int64  `json:"count"`
}

// Metric is one sample of a metric that the script made itself.
type Metric struct {
	Kind string `json:"kind"`
	At   int64  `json:"at"`
	Where
	Name  string            `json:"name"`
	Value float64           `json:"value"`
	Tags  map[string]string `json:"tags,omitempty"`
}

// Log is a line of k6's log, warning and above. Equal lines within a second are sent once; Repeated counts those left
// out.
type Log struct {
	Kind     string `json:"kind"`
	At       int64  `json:"at"`
	Level    string `json:"level"`
	Message  string `json:"message"`
	Scenario string `json:"scenario,omitempty"`
	Source   string `json:"source,omitempty"`
	Repeated int    `json:"repeated,omitempty"`
}

// Beat comes once a second from the writer, whether or not the script does anything.
type Beat struct {
	Kind       string `json:"kind"`
	At         int64  `json:"at"`
	VUs        int    `json:"vus"`
	Iterations int    `json:"iterations"`
}

// Rest says that no iteration runs any more, and that none will until the reader says go on.
type Rest struct {
	Kind string `json:"kind"`
	At   int64  `json:"at"`
}

// Asked is an address that an HTTP request of an iteration went to, the first time.
type Asked struct {
	Kind string `json:"kind"`
	At   int64  `json:"at"`
	// Address is scheme, host and port, such as http://app:8080.
	Address string `json:"address"`
}

// Span is a flow() step or an SQL statement. Name is the step's name, or exec or query; never the statement's text.
type Span struct {
	Kind  string `json:"kind"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	OK    bool   `json:"ok"`
	Where
	Name  string `json:"name"`
	Error string `json:"error,omitempty"`
}

// End closes the stream. A stream without it says nothing about the verdict.
type End struct {
	Kind string `json:"kind"`
	At   int64  `json:"at"`
	// Exit is the status that k6 is about to leave with.
	Exit       int         `json:"exit"`
	Error      string      `json:"error,omitempty"`
	Thresholds []Threshold `json:"thresholds"`
	Totals     Totals      `json:"totals"`
}

// Threshold is the last state of one threshold expression, known even where Exit hides it.
type Threshold struct {
	Metric string `json:"metric"`
	Expr   string `json:"expr"`
	Failed bool   `json:"failed"`
	// Unmeasured: no sample ever came for it, so that it is neither held nor failed. k6 itself takes it for held.
	Unmeasured bool `json:"unmeasured,omitempty"`
}

// Totals counts the whole run, setup and teardown included.
type Totals struct {
	Iterations       int   `json:"iterations"`
	IterationsFailed int   `json:"iterations_failed"`
	IterationsCut    int   `json:"iterations_cut"`
	ChecksPassed     int   `json:"checks_passed"`
	ChecksFailed     int   `json:"checks_failed"`
	HTTPFailed       int   `json:"http_failed"`
	FlowsFailed      int   `json:"flows_failed"`
	Dropped          int64 `json:"dropped"`
	// Exceptions counts those that reached k6's log, so that none is lost even where no iteration could be blamed.
	Exceptions int `json:"exceptions"`
	// Lost counts records thrown away because the reader did not read.
	Lost int `json:"lost"`
}
