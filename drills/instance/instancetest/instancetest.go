// Package instancetest is the suite that every back-end of instances passes, the
// fake included. It boots an image with one program, the guest:
//
//	serve PORT       echo lines on a TCP port ("echo …") until it is stopped; then print
//	                 "stopping in an orderly way" and exit 0
//	exit N           print "giving up" and exit with N
//	echo WORDS…      print them
//	complain N TEXT  print TEXT to standard error and exit with N
//	cat              copy input to output; exit 3 when there was none
//	write FILE TEXT  read FILE  env NAME  sleep DURATION  spam BYTES
package instancetest

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// Port on which the suite lets the guest serve.
const Port = 7000

// Subject is a back-end under test.
type Subject struct {
	// New makes a driver for a new drill, or skips the test with the driver's own sentence.
	// What the driver creates is undone when the test ends.
	New   func(t *testing.T) Bench
	Image string   // the guest's image
	Guest []string // how the guest is called
	// Virtual machines run what their disk says, whatever the request names, and their hypervisor accepts
	// connections for them. Such a subject makes its own requests, and prepares each machine that was booted:
	// the guest is there and serves from then on. Its tests run one after another.
	Virtual func(b Bench, name string) instance.Request
	// Break ends the way to a machine in mid-flow, by what carries its connections.
	Break func(t *testing.T, b Bench, m instance.Machine)
	// Tear ends a sandbox in which nothing was booted yet.
	Tear    func(t *testing.T, b Bench, name string)
	Prepare func(t *testing.T, m instance.Machine)
}

// Bench is a driver with the notes of its drill.
type Bench struct {
	Driver  instance.Driver
	Site    instance.Site
	Notes   *Notes
	Undoers map[string]ledger.Undoer
}

// suite is a subject with the calls that most tests make.
type suite struct{ Subject }

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	x := suite{s}
	tests := map[string]func(*testing.T){
		"boot and exec": x.bootAndExec, "input and output": x.inputAndOutput, "broken input": x.brokenInput,
		"cancelled command": x.cancelled, "files": x.files, "dial": x.dial, "half close": x.halfClose,
		"broken in mid-flow": x.brokenInMidFlow, "stop and start": x.stopAndStart,
		"destroy": x.destroy, "fresh data": x.freshData, "kept data": x.keptData, "dropped data": x.droppedData, "no data to keep": x.nothingToKeep,
		"no such image": x.noSuchImage, "written first": x.writtenFirst, "proved": x.proved, "undone command": x.undoneCommand,
		"undone": x.undone,
	}
	if s.Virtual == nil { // what a container is told to run, and programs beside it
		maps.Copy(tests, map[string]func(*testing.T){"held": x.held, "trees": x.trees, "environment": x.environment, "refused": x.refused,
			"does not come up": x.doesNotComeUp, "program": x.program, "program stopped": x.programStopped,
			"side by side": x.sideBySide, "sealed ahead": x.sealedAhead, "ahead and torn": x.aheadAndTorn,
			"ahead and unwanted": x.aheadAndUnwanted})
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if s.Virtual == nil {
				t.Parallel()
			}
			test(t)
		})
	}
}

func (x suite) guest(words ...string) []string {
	return append(append([]string(nil), x.Guest...), words...)
}

func (x suite) request(b Bench, name string) instance.Request {
	if x.Virtual != nil {
		return x.Virtual(b, name)
	}
	return instance.Request{Name: name, Generation: 1, Image: x.Image, Entrypoint: x.guest("serve", "7000"),
		Data: []string{"/data"}, Env: map[string]string{"COLOUR": "orange"}, Memory: 64 << 20}
}

// boot boots a serving guest.
func (x suite) boot(t *testing.T) (Bench, instance.Machine) {
	t.Helper()
	b := x.New(t)
	return b, x.start(t, b, x.request(b, "db"))
}

// start boots a machine that serves.
func (x suite) start(t *testing.T, b Bench, r instance.Request) instance.Machine {
	t.Helper()
	m, err := b.Driver.Boot(t.Context(), r)
	require.NoError(t, err)
	if x.Prepare != nil {
		x.Prepare(t, m)
	}
	return m
}

func (x suite) exec(t *testing.T, m instance.Machine, words ...string) instance.Result {
	t.Helper()
	r, err := m.Exec(t.Context(), instance.Command{Args: x.guest(words...)})
	require.NoError(t, err)
	return r
}
