// Package sandbox is what the small program cmd/lifeboat-sandbox does inside a sandbox: it
// closes its network namespace before restored code joins it, proves from the
// inside that it is closed, answers DNS, records every attempt to get out, and
// carries connections in, many over the standard input and output of one process.
// Tunnel is the other end of that.
//
//	restored code ──▶ 127/8, own subnet ──▶ through
//	              ├─▶ TCP elsewhere ──────▶ recorder: target and first host name noted, then reset
//	              ├─▶ DNS ────────────────▶ stub: NXDOMAIN, noted
//	              └─▶ anything else ──────▶ noted, rejected
//
// Two walls stand behind each other: packet filter rules for IPv4 and IPv6, and
// a routing table in which every foreign address is this very namespace.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"lifeboat/internal/decoy"
	"lifeboat/internal/tree"
)

// Ports and the address on which a sandbox listens. They are odd on purpose:
// restored services share the namespace and must find their own ports free.
const (
	AnswerPort   = 65018 // says who this sandbox is: the target of probes from other sandboxes
	recorderPort = 65017
	dnsPort      = 65053
	// Resolver is the DNS server to give to containers of the namespace.
	Resolver = "127.117.66.1"
)

// Config is what CommandSeal is started with.
type Config struct {
	Subnet  netip.Prefix `json:"subnet"`  // of the drill's network
	Gateway netip.Addr   `json:"gateway"` // closed, although inside Subnet
	Address netip.Addr   `json:"address"` // of this sandbox
	Answer  string       `json:"answer"`  // what AnswerPort says
	Allow   []Allow      `json:"allow,omitempty"`
	Probes  []Probe      `json:"probes,omitempty"`
}

// Allow is one way out that the scenario opened.
type Allow struct {
	Host    string     `json:"host"`
	Address netip.Addr `json:"address"`
	Port    uint16     `json:"port"`
}

// Probe is one attempt to get out, made before restored code runs.
type Probe struct {
	Target   string `json:"target"`             // what stands there
	Address  string `json:"address"`            // host:port; host alone for icmp; server!name for dns
	Protocol string `json:"protocol"`           // tcp, udp, icmp, dns
	Want     string `json:"want,omitempty"`     // the answer that only the target can give; also what udp sends
	Control  bool   `json:"control,omitempty"`  // must be reached, or the probes prove nothing
	Outside  bool   `json:"outside,omitempty"`  // only tried when everything nearer was shut
	Reached  bool   `json:"reached,omitempty"`  // result
	Detail   string `json:"detail,omitempty"`   // result
	Untried  bool   `json:"untried,omitempty"`  // result: something nearer was open
	Recorded bool   `json:"recorded,omitempty"` // result: the recorder caught it
}

// Group counts the attempts to reach one target. Times count from the moment
// the sandbox was ready.
type Group struct {
	Protocol string        `json:"protocol"`
	Target   string        `json:"target"`
	Host     string        `json:"host,omitempty"` // first host name seen
	Count    int           `json:"count"`
	First    time.Duration `json:"first_ns"`
	Last     time.Duration `json:"last_ns"`

	singles, twins int // Count is the larger: clients ask for IPv4 and IPv6 at once
}

// Line is one line of a sandbox's standard output. Of several egress lines
// about the same protocol and target the last one holds.
type Line struct {
	Event  string   `json:"event"` // probe, unmeasured, ready, egress, reach, error
	Probe  *Probe   `json:"probe,omitempty"`
	Egress *Group   `json:"egress,omitempty"`
	Reach  *Reached `json:"reach,omitempty"`
	Error  string   `json:"error,omitempty"`
	Boot   int64    `json:"boot_ns,omitempty"` // with ready: CLOCK_BOOTTIME, which all containers of a host share
}

// Reached is a service of another sandbox of the drill: payload went there and back over one connection that was opened
// from here.
type Reached struct {
	Protocol string         `json:"protocol"` // tcp or udp
	Service  netip.AddrPort `json:"service"`
	First    time.Duration  `json:"first_ns"` // since the sandbox was ready
	Last     time.Duration  `json:"last_ns"`  // to within two seconds; an answer came then, over whichever connection
}

// Words that the program of a sandbox is called with.
const (
	CommandSeal   = "seal"   // CONFIG: be PID 1 of a sandbox
	CommandTunnel = "tunnel" // carry connections over standard input and output
	CommandKill   = "kill"   // CONTAINER PID: end a process and its descendants
	CommandDecoy  = "decoy"  // KIND: answer whatever is asked, for the negative control
	CommandWait   = "wait"   // for a signal: the machine of a trial
	CommandEcho   = "echo"   // WORD: say it
	CommandUnpack = "unpack" // FOLDER: empty it, and unpack the tar of standard input into it, and print what became of it (Unpacked) and is in it
	CommandList   = "list"   // FOLDER: print the tree in it, as a manifest
	CommandPack   = "pack"   // FOLDER: print the tree in it, as a tar
	CommandLend   = "lend"   // PORT: listen on the namespace's own loopback, and carry what comes out over standard input and output
)

// Main is the program of a sandbox. It returns the exit code.
func Main(args []string) int {
	var err error
	switch {
	case len(args) == 2 && args[0] == CommandSeal:
		var c Config
		if err = json.Unmarshal([]byte(args[1]), &c); err == nil {
			err = run(c, os.Stdout)
		}
	case len(args) == 2 && args[0] == CommandDecoy:
		err = runDecoy(decoy.Kind(args[1]), os.Stdout)
	case len(args) == 1 && args[0] == CommandTunnel:
		err = Serve(standard{os.Stdin, os.Stdout})
	case len(args) == 3 && args[0] == CommandKill:
		err = kill(args[1:])
	case len(args) == 1 && args[0] == CommandWait:
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
		<-stop
	case len(args) == 2 && args[0] == CommandEcho:
		_, err = fmt.Println(args[1])
	case len(args) == 2 && args[0] == CommandUnpack:
		err = unpack(args[1], os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == CommandList:
		err = list(args[1], os.Stdout)
	case len(args) == 2 && args[0] == CommandPack:
		err = tree.Pack(args[1], os.Stdout)
	case len(args) == 2 && args[0] == CommandLend:
		err = lend(args[1], standard{os.Stdin, os.Stdout})
	default:
		err = errors.New("it is started by lifeboat, inside sandboxes")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lifeboat-sandbox:", err)
		return 1
	}
	return 0
}

// standard is the standard input and output as one stream.
type standard struct {
	io.Reader
	io.Writer
}

// Close ends the process's way in: whoever reads must not wait for more.
func (s standard) Close() error { return os.Stdin.Close() }
