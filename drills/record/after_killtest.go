//go:build killtest

package record

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// afterEvent kills this process with SIGKILL once one event was written, and no
// other can be. LIFEBOAT_TEST_KILL_AFTER is its sequence, or a part of its kind
// and data ("phase {"phase":"verify"}"). With LIFEBOAT_TEST_KILL_DELAY (a
// duration) the end comes so much later, in the middle of what follows. Only
// builds with the tag killtest have it: ci/kill_test.go makes one.
func afterEvent() func(Event) {
	want := os.Getenv("LIFEBOAT_TEST_KILL_AFTER")
	if want == "" {
		return nil
	}
	seq, err := strconv.ParseInt(want, 10, 64)
	bySeq := err == nil
	delay, _ := time.ParseDuration(os.Getenv("LIFEBOAT_TEST_KILL_DELAY")) // none is no delay
	die := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	return func(e Event) {
		switch {
		case bySeq && e.Seq != seq, !bySeq && !strings.Contains(string(e.Kind)+" "+string(e.Data), want):
		case delay > 0:
			time.AfterFunc(delay, die)
		default:
			die()
		}
	}
}
