package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Owner is the process that runs a drill, so precisely that no other process
// can be taken for it: a pid alone is used again, and means nothing on another
// host, after a restart, or in another pid namespace.
type Owner struct {
	Host         string `json:"host"`
	BootID       string `json:"boot_id"`
	PIDNamespace string `json:"pid_namespace"` // the namespace's inode number
	PID          int    `json:"pid"`
	StartTime    uint64 `json:"start_time"` // field 22 of /proc/PID/stat, clock ticks since boot
}

// Life of an owner as far as this process can tell.
type Life string

// What can be said of an owner. Unknown is never dead: only the deadline ends it.
const (
	Alive   Life = "alive"
	Dead    Life = "dead"
	Unknown Life = "unknown"
)

// ownerFields is the number of parts of an owner's string.
const ownerFields = 5

// String is the value of the label lifeboat.owner: host/boot-id/pid namespace/pid/start time.
func (o Owner) String() string {
	return strings.Join([]string{
		url.PathEscape(o.Host), url.PathEscape(o.BootID), url.PathEscape(o.PIDNamespace),
		strconv.Itoa(o.PID), strconv.FormatUint(o.StartTime, 10),
	}, "/")
}

// ParseOwner reads what String wrote.
func ParseOwner(s string) (Owner, error) {
	parts := strings.Split(s, "/")
	if len(parts) != ownerFields {
		return Owner{}, fmt.Errorf("parse owner %q: %d parts instead of %d", s, len(parts), ownerFields)
	}
	var text [3]string
	for i := range text {
		t, err := url.PathUnescape(parts[i])
		if err != nil {
			return Owner{}, fmt.Errorf("parse owner %q: %w", s, err)
		}
		if t == "" {
			return Owner{}, fmt.Errorf("parse owner %q: part %d is empty", s, i+1)
		}
		text[i] = t
	}
	pid, err := strconv.Atoi(parts[3])
	if err != nil || pid <= 0 {
		return Owner{}, fmt.Errorf("parse owner %q: %q is no pid", s, parts[3])
	}
	start, err := strconv.ParseUint(parts[4], 10, 64)
	if err != nil {
		return Owner{}, fmt.Errorf("parse owner %q: %q is no start time", s, parts[4])
	}
	return Owner{Host: text[0], BootID: text[1], PIDNamespace: text[2], PID: pid, StartTime: start}, nil
}

// Self is the owner that this process is. What cannot be read stays "unknown":
// such an owner is never taken for dead before its deadline.
func Self() Owner {
	o, err := Of(os.Getpid())
	if err != nil {
		return Owner{Host: "unknown", BootID: "unknown", PIDNamespace: "unknown", PID: os.Getpid()}
	}
	return o
}

// Of is the owner that the running process pid of this host is.
func Of(pid int) (Owner, error) {
	o, err := here()
	if err != nil {
		return Owner{}, err
	}
	start, state, err := stat(pid)
	if err != nil {
		return Owner{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	if gone(state) {
		return Owner{}, fmt.Errorf("read process %d: %w", pid, os.ErrProcessDone)
	}
	o.PID, o.StartTime = pid, start
	return o, nil
}

// Alive tells whether the owner still runs. An owner of another host, boot or
// pid namespace is Unknown, and so is everything that cannot be read.
func (o Owner) Alive() Life {
	h, err := here()
	if err != nil || o.PID <= 0 || o.Host != h.Host || o.BootID != h.BootID || o.PIDNamespace != h.PIDNamespace {
		return Unknown
	}
	start, state, err := stat(o.PID)
	switch {
	case errors.Is(err, fs.ErrNotExist) && syscall.Kill(o.PID, 0) == syscall.ESRCH:
		return Dead // asked twice: /proc may hide the processes of other users
	case err != nil:
		return Unknown
	case start != o.StartTime || gone(state):
		return Dead
	}
	return Alive
}

// Abandoned tells whether what this scope owns may be removed by others: its
// owner is dead, or cannot be known and the deadline is over. The second value
// says why in a few words.
func (s Scope) Abandoned(now time.Time) (bool, string) {
	switch s.Owner.Alive() {
	case Alive:
		return false, fmt.Sprintf("process %d still runs", s.Owner.PID)
	case Dead:
		return true, fmt.Sprintf("process %d is dead", s.Owner.PID)
	}
	if s.Deadline.IsZero() || now.Before(s.Deadline) {
		return false, "the owner belongs to another host, boot or pid namespace and its deadline is not over"
	}
	return true, "the deadline is over"
}

// here is an owner without a process: the part that all processes of this pid namespace share.
func here() (Owner, error) {
	host, err := os.Hostname()
	if err != nil {
		return Owner{}, fmt.Errorf("read the host's name: %w", err)
	}
	boot, err := BootID()
	if err != nil {
		return Owner{}, err
	}
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return Owner{}, fmt.Errorf("read the pid namespace: %w", err)
	}
	return Owner{Host: host, BootID: boot, PIDNamespace: strings.TrimSuffix(strings.TrimPrefix(link, "pid:["), "]")}, nil
}

// BootID names this boot of the host; it changes with every restart.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// stat reads the start time and the state of a process. fs.ErrNotExist: there is none.
func stat(pid int) (start uint64, state byte, err error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		if errors.Is(err, syscall.ESRCH) { // it ended between open and read
			err = fs.ErrNotExist
		}
		return 0, 0, err
	}
	return parseStat(string(b))
}

// parseStat takes fields 3 and 22 of a stat line (proc_pid_stat(5)). The
// second field is the program's name in brackets and may itself hold brackets and spaces.
func parseStat(line string) (start uint64, state byte, err error) {
	_, rest, ok := cutLast(line, ")")
	fields := strings.Fields(rest)
	const startField = 22 - 3
	if !ok || len(fields) <= startField || len(fields[0]) != 1 {
		return 0, 0, fmt.Errorf("read process state: unexpected line %q", line)
	}
	start, err = strconv.ParseUint(fields[startField], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read process state: %w", err)
	}
	return start, fields[0][0], nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// gone: a zombie has ended; only its parent has not asked for its exit code yet.
func gone(state byte) bool { return state == 'Z' || state == 'X' || state == 'x' }
