package dump

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
)

// Owner of a fault.
type Owner int

// The owners.
const (
	Nobodys Owner = iota // cannot be told: inconclusive
	Backups              // its data, its statements
	Images               // what the instance's image has or lacks
	Hosts                // room, a server that went away
	Plans                // the scenario: what it says of roles and logins
)

// Exit codes that say that the program did not run, or did not run to its end.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128
)

// Words that programs print, by whose fault they tell of. What a sandbox has no room for is known for all programs.
type Words struct{ Backups, Images, Hosts []string }

// noRoom are words of a sandbox that is too small for the backup.
var noRoom = []string{"No space left on device", "out of memory", "Cannot allocate memory"}

// Failure tells whose fault it is that a program failed. The error is a *restore.BackupError or a *restore.ImageError where it
// is theirs.
func (w Words) Failure(backup, program string, r instance.Result) (Owner, error) {
	message := FirstError(r)
	switch {
	case r.Exit == exitNotFound, r.Exit == exitNotExecutable:
		return Images, &restore.ImageError{Backup: backup, Reason: fmt.Sprintf("there is no %s: %s", program, message)}
	case r.Exit > exitSignal, has(message, noRoom), has(message, w.Hosts):
		return Hosts, fmt.Errorf("%s was ended by the sandbox, exit code %d: %s (give the instance more memory or disk)",
			program, r.Exit, message)
	case has(message, w.Images):
		return Images, &restore.ImageError{Backup: backup, Reason: message}
	case has(message, w.Backups):
		return Backups, &restore.BackupError{Backup: backup, Reason: message}
	}
	return Nobodys, fmt.Errorf("%s failed with exit code %d, which may be the fault of the backup, the image or the host: %s",
		program, r.Exit, whole(r))
}

func has(message string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(message, w) })
}

// whole is all that a program wrote, within reason.
func whole(r instance.Result) string {
	const most = 8 << 10
	text := Unsaid(strings.TrimSpace(r.Stderr + "\n" + r.Stdout))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	text = cmp.Or(text, "it said nothing")
	return strings.Join(strings.Split(text, "\n"), " / ")
}

// FirstError finds the message in what a program wrote, in the server's own words.
func FirstError(r instance.Result) string {
	const most = 600
	text := Unsaid(strings.TrimSpace(r.Stderr))
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.Contains(line, "error:") || strings.Contains(line, "ERROR:") || strings.Contains(line, "FATAL:") {
			// DETAIL and the statement follow.
			text = strings.Join(lines[i:min(i+4, len(lines))], " / ")
			break
		}
	}
	text = cmp.Or(text, Unsaid(strings.TrimSpace(r.Stdout)))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	text = cmp.Or(text, fmt.Sprintf("exit code %d without a word", r.Exit))
	return text
}
