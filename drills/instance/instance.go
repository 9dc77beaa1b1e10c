// Package instance is the contract of temporary machines that are booted from
// a backup, each in a sealed sandbox. Every back-end is a folder below it and
// passes the suite in instancetest.
package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
)

// Journal is where a back-end reports what it proves: isolation probes and the like.
// It is safe for concurrent use.
type Journal interface {
	Append(kind record.Kind, subject record.Subject, data any) error
}

// Ledger is where a back-end writes what it is about to create.
type Ledger interface {
	Intend(e ledger.Entry) (id int, err error)
}

// Site is the frame of one drill: a back-end's driver is built for a site.
type Site struct {
	Scope   ledger.Scope
	Ledger  Ledger
	Journal Journal
	Log     *slog.Logger
	Program *io.SectionReader // static executable that runs in sandboxes, see internal/sandbox/program
	Base    time.Time         // elapsed 0 of the drill, with its monotonic reading; zero: when the driver was made
	Network Network
}

// Network says which addresses the drill's machines may have.
type Network struct {
	Range netip.Prefix // IPv4, a /26 or wider; the zero value: whatever is free of the private ranges
	Avoid []string     // hosts, by name or address, that the drill itself speaks to: none of them gets a machine's address
}

// Driver boots machines of one kind for one drill. One that holds connections is an io.Closer, closed when the drill
// is over and nobody uses its machines any more.
type Driver interface {
	// Ready returns nil when this host can boot such machines, or a sentence that says why not.
	Ready(ctx context.Context) error
	// Boot seals a sandbox for the name (the first time), proves the seal, and creates the
	// machine in it. With Request.Hold the machine is created and not started.
	// *BootError: the image does not come up. *LeakError: the seal does not hold. Anything else: the harness.
	Boot(ctx context.Context, r Request) (Machine, error)
}

// Trier is a driver that can try whether this host really carries a drill: Ready only asks.
type Trier interface {
	// Try boots a machine of lifeboat's own in a sealed sandbox and removes it. It needs no image.
	Try(ctx context.Context) error
	// Tried is nil at once where Try has worked here before, with the same engine, kernel and lifeboat; else it is Try.
	Tried(ctx context.Context) error
}

// Request says what to boot.
type Request struct {
	Name       string // of the instance; the same name later gets the same sandbox and address
	Generation int    // 1, 2, … counts the boots of this name
	Image      string // of the engine, or as an Imager returned it
	Command    []string
	Entrypoint []string
	Arguments  []string          // behind the command, which is the image's own where Command is empty
	Env        map[string]string // may hold secrets: never logged
	Aliases    []string          // production's host names that must lead here
	Data       []string          // absolute folders that live on labelled volumes
	KeepData   bool              // true: on the volumes of the previous generation (a new image on the old data)
	DropData   []string          // with KeepData: folders of Data whose volume is removed all the same
	Memory     int64             // bytes; 0: the back-end's default (1 GiB). Always limited
	CPUs       float64           // 0: no limit
	Hold       bool              // create, do not start: Start does it
	Allow      []string          // host:port that the scenario allows through the seal
	Disks      []string          // images of further disks, as a DiskLoader returned them
	Own        any               // what only its kind's driver knows, from its Settings; nil: the defaults
}

// Machine is one booted machine: what every one has. Rarer abilities are interfaces of one method, which As finds. Methods may
// be called from several goroutines.
type Machine interface {
	Name() string
	// Exec runs a command inside. A command that exits non-zero is a Result, not an error. *UnaskedError: it did not
	// begin before ctx ended, or nobody can tell how it ended. One that ran until ctx ended is ctx's error alone.
	Exec(ctx context.Context, c Command) (Result, error)
	// Get reads one file; fs.ErrNotExist when there is none.
	Get(ctx context.Context, path string) ([]byte, error)
	// Dial opens a connection to a port of this machine, from inside its sandbox. Nobody listening there is
	// syscall.ECONNREFUSED; *UnaskedError: the way into the sandbox broke or did not answer before ctx ended.
	Dial(ctx context.Context, port int) (net.Conn, error)
	// State says whether it runs, and how it ended if not.
	State(ctx context.Context) (State, error)
	// Start is a no-op on a running machine, Stop on a stopped one.
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	// Destroy removes the machine and its data; the sandbox and its address stay. Idempotent.
	Destroy(ctx context.Context) error
}

// Command is what Exec runs, without a shell.
type Command struct {
	Args   []string          `json:"args"`
	User   string            `json:"user,omitempty"`
	Dir    string            `json:"dir,omitempty"`
	Env    map[string]string `json:"env,omitempty"`
	Stdin  io.Reader         `json:"-"`
	Stdout io.Writer         `json:"-"` // nil: kept in Result.Stdout, at most 1 MiB
}

// Result of a command that ran.
type Result struct {
	Exit   int
	Stdout string
	Stderr string // at most 1 MiB
}

// State of a machine.
type State struct {
	Running bool
	Exit    int
	Reason  string
}

// Ended says how a machine ended: "ended with exit code 1", "ended: killed for want of memory".
func (s State) Ended() string {
	switch words := strings.TrimPrefix(s.Reason, "ended "); {
	case s.Reason == "":
		return fmt.Sprintf("ended with exit code %d", s.Exit)
	case words != s.Reason:
		return s.Reason
	}
	return "ended: " + s.Reason
}

// ImageLoader is what a driver offers when the engine keeps images: restore kinds that
// are bootable by themselves use it.
type ImageLoader interface {
	// LoadImage hands an already verified image archive to the engine. name is written to the
	// ledger first; want is the image's id (sha256:… of its configuration). It returns the reference to boot.
	// *RefusedError: the engine finds fault with the archive.
	LoadImage(ctx context.Context, r ImageArchive) (ref string, err error)
}

// ImageArchive is a docker-save stream and the image in it that is wanted.
type ImageArchive struct {
	Archive io.Reader
	ID      string // sha256:… of its configuration
	// Layers are the digests of its unpacked layers, sha256:…, lowest first: engines differ in what they take for an
	// image's id, not in these.
	Layers []string
	Name   string // of the backup, for the reference
}

// Guard tells whether every sandbox still stands. One that ended took its network along: what its
// machine does not answer from then on is the harness's doing and no word on the backup. The same holds of a machine that
// somebody else removed, killed, or took off its network.
type Guard interface {
	Intact(ctx context.Context) error
}

// Metered is what a driver offers that knows what its machines cost the host.
type Metered interface {
	// Reach asks a question on the way that questions to machines take, and that none of them has to answer.
	Reach(ctx context.Context) error
	// Used is what the drill's machines and companions have used so far. What is not known counts as none.
	Used(ctx context.Context) (Used, error)
}

// Used is what machines cost a host: processor time, of those that are gone, too. Memory is what those that are there held at most, bytes:
// each one's peak as its kernel tells it, their files' cache included, and no more than what it holds now where the kernel does not tell.
type Used struct {
	CPU    time.Duration
	Memory int64
	Disk   int64 // what those that are there take on the engine's disk, bytes; 0: not known
}

// EgressReporter tells what restored machines tried to reach so far.
type EgressReporter interface {
	Egress(ctx context.Context) ([]record.EgressFact, error)
}

// ReachReporter tells who spoke to whom in the drill's network so far.
type ReachReporter interface {
	// Reached lists each service of an instance that another instance, or a program with a Flow, opened a connection to
	// over which payload went both ways. ErrUnmeasured: this host cannot tell.
	Reached(ctx context.Context) ([]record.Link, error)
}

// HiddenReporter tells what machines did not see of their own images.
type HiddenReporter interface {
	// Hidden lists, for each machine that was booted on data that another image's machine left, the files that its image has
	// in their folder and that one's had not, or had otherwise: what it saw there was the data's own. It may be asked once no
	// machine is booted any more, and as long as the images are there.
	Hidden(ctx context.Context) ([]Hidden, error)
}

// Hidden is what kept data hid from a machine.
type Hidden struct {
	Instance   string
	Generation int
	Folder     string
	Files      []string // of the image, by their paths within the folder, sorted; at least one
}

// ErrUnmeasured says that a host lacks what a measurement needs.
var ErrUnmeasured = errors.New("this host cannot measure it")

// Companion runs a program beside the machines, in the drill's sealed network, where a
// customer or an operator would stand.
type Companion interface {
	Run(ctx context.Context, p Program) (Process, error)
}

// Program is a k6 run or a user's own script.
type Program struct {
	Name   string // unique in the drill
	Image  string // of the engine; empty: a scratch image made of Binary
	Binary string // path of a static executable on this host
	Args   []string
	Env    map[string]string
	Dir    string
	Files  map[string][]byte // absolute path → content, mode 0755
	Trees  []Tree            // larger things, streamed in before the start
	// Stdin is copied into the program while it runs; it must end for itself when that has ended. nil: there is none.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Memory int64 // bytes; 0: ProgramMemory
	Allow  []string
	// Flow whose program it is, "" for none. Programs of one flow stand in one place, so that what they reach is known.
	Flow string
	// Decoy stands in the place of the drill's network: Silent gives it none at all, the others one in which every name
	// and every port leads to the decoy. Allow is empty then.
	Decoy decoy.Kind
}

// ProgramMemory of a program that names none, bytes.
const ProgramMemory = 512 << 20

// Tree is a tar stream that is unpacked below a folder.
type Tree struct {
	Dir string // absolute; made when it is missing
	Tar io.Reader
}

// Process is a running program.
type Process interface {
	// Wait returns the exit code; an error means that it is not known.
	Wait(ctx context.Context) (exit int, err error)
	// Stop asks politely (SIGTERM), then insists after the grace period.
	Stop(ctx context.Context, grace time.Duration) error
}

// Factory makes the driver of one kind for a site.
type Factory func(site Site) (Driver, error)

// UndoExec is the data of a ledger.Undo made by UndoCommand.
type UndoExec struct {
	Handle  string  `json:"handle"`
	Command Command `json:"command"`
}

// Encode makes an undo of any data; it panics when v cannot be JSON, which only a bug can cause.
func Encode(kind string, v any) ledger.Undo {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode undo %s: %v", kind, err))
	}
	return ledger.Undo{Kind: kind, Data: b}
}

// LastLines are the last n lines of what a machine or a command printed.
func LastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Pause waits for d before a machine is asked again, or less when ctx ends; then the error is why it did.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 1)) // one that is over at once has ended Go 1.26 with its race detector, in a synctest bubble
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
