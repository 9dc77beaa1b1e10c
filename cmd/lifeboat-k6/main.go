// Command lifeboat-k6 is k6 with lifeboat's stream as its output and the modules k6/x/lifeboat and k6/x/lifeboat/sql.
//
// It is a program of its own, in a module of its own, because k6 is under the AGPL-3.0: see LICENSE. README.md
// describes
// the stream.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	k6 "go.k6.io/k6/v2/cmd"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/output"

	"lifeboat-k6/flow"
	"lifeboat-k6/hermetic"
	"lifeboat-k6/sql"
	"lifeboat-k6/stream"
)

// exitUsage is the exit code for what is refused; the others are k6's own.
const exitUsage = 2

// signalGrace is how long k6 has to react to a signal by itself.
const signalGrace = 200 * time.Millisecond

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "lifeboat-k6: %v\n", err)
		os.Exit(exitUsage)
	}
}

// run returns only when something is wrong: k6 leaves the process itself.
func run(args []string) error {
	if err := hermetic.Arguments(args); err != nil {
		return err
	}
	if err := hermetic.Environment(); err != nil {
		return err
	}
	if err := hermetic.Network(); err != nil {
		return err
	}
	sinks := stream.Sinks{Version: k6Version()}
	if args[0] == "run" {
		var err error
		if sinks.Stdout, err = setStdoutAside(); err != nil {
			return err
		}
	}
	s := stream.NewStream()
	output.RegisterExtension("lifeboat", s.Constructor(sinks))
	modules.Register("k6/x/lifeboat", flow.New(s))
	modules.Register("k6/x/lifeboat/sql", sql.New(s))
	go obeySignals(s)
	k6.Execute()
	return nil
}

// obeySignals stops the run while k6 does not listen yet: it does so late, and a process 1 in a container that does not
// listen cannot be stopped but by force. What k6 has begun to stop is left to it.
func obeySignals(s *stream.Stream) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt)
	<-c
	if !s.Started() {
		os.Exit(int(exitcodes.ExternalAbort))
	}
	time.Sleep(signalGrace)
	s.Stop(errext.WithExitCodeIfNone(errors.New("told to stop by a signal"), exitcodes.ExternalAbort))
}

func k6Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == "go.k6.io/k6/v2" {
			return m.Version
		}
	}
	return ""
}
