package instance

import (
	"fmt"
	"strings"

	"lifeboat/drills/record"
)

// BootError says that the image (the backup) does not come up. It is a finding.
type BootError struct {
	Instance string
	Reason   string
	Console  string // last lines
	// Overdue: all that is wrong is that it did not answer in time; nil: it ended, or showed why it never will.
	Overdue *record.Overdue
	// Lack is the kind of what the scenario does not give, if that is why it does not come up; "": it is the image's fault.
	Lack string
	// Backup whose image is at fault; "": the one that it boots from.
	Backup string
}

func (e *BootError) Error() string { return fmt.Sprintf("boot %s: %s", e.Instance, e.Said()) }

// Said is the reason with the last line of the console, where the reason does not hold it.
func (e *BootError) Said() string {
	const most = 300 // of a line, bytes
	lines := strings.Split(strings.TrimSpace(e.Console), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if last == "" || strings.Contains(e.Reason, last) {
		return e.Reason
	}
	if len(last) > most {
		last = strings.ToValidUTF8(last[:most], "") + "…"
	}
	return e.Reason + "; it printed last: " + last
}

// LeakError says that a probe got out of a sandbox: nothing may be booted in it.
type LeakError struct {
	Instance string
	Probes   []record.Probe // those that reached something
}

func (e *LeakError) Error() string {
	return fmt.Sprintf("seal %s: %d way(s) out are open, first %s", e.Instance, len(e.Probes), e.Probes[0].Address)
}

// RefusedError says that an engine read an image archive and takes it for no proper one, in the engine's words.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the engine refuses it: " + e.Reason }

// UnaskedError says that a question could not be asked: lifeboat, its tunnel, its engine or its host did not get it
// through in time. It is never the answer of what was to be asked, neither yes nor no.
type UnaskedError struct {
	What string // the question, e.g. "dial 5432 of db"
	Err  error  // what was in the way
}

func (e *UnaskedError) Error() string { return fmt.Sprintf("%s could not be asked: %v", e.What, e.Err) }

// Unwrap returns what was in the way.
func (e *UnaskedError) Unwrap() error { return e.Err }
