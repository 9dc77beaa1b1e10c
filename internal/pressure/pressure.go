// Package pressure reads how hard this host is pressed: for how long its tasks waited for processors, memory and disks,
// and how much processor time was used, by whom.
package pressure

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Counters only ever grow; two readings make an interval.
type Counters struct {
	// Time in which at least one task waited ("some"), https://docs.kernel.org/accounting/psi.html.
	CPU, Memory, IO time.Duration
	Busy            time.Duration // processor time that was used, by everybody
	Self            time.Duration // processor time that this process and its ended children used
}

// Read takes the counters of this host. The error says in a sentence why there is no pressure; Busy and Self are
// given all the same where they can be read.
func Read() (Counters, error) { return read("/proc") }

func read(proc string) (Counters, error) {
	var c Counters
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			c.Self += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	if text, err := os.ReadFile(filepath.Join(proc, "stat")); err == nil {
		c.Busy = busy(text)
	}
	var errs []error
	for name, into := range map[string]*time.Duration{"cpu": &c.CPU, "memory": &c.Memory, "io": &c.IO} {
		text, err := os.ReadFile(filepath.Join(proc, "pressure", name))
		if err == nil {
			*into, err = some(text)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		c.CPU, c.Memory, c.IO = 0, 0, 0
		return c, fmt.Errorf("this kernel keeps no pressure stall information: %w", errs[0])
	}
	return c, nil
}

// some reads the total of the line "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345", microseconds.
func some(text []byte) (time.Duration, error) {
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || fields[0] != "some" {
			continue
		}
		for _, f := range fields[1:] {
			if n, ok := strings.CutPrefix(f, "total="); ok {
				total, err := strconv.ParseInt(n, 10, 64)
				if err != nil || total < 0 {
					return 0, fmt.Errorf("read the total %q of a pressure", n)
				}
				return time.Duration(total) * time.Microsecond, nil
			}
		}
	}
	return 0, errors.New("a pressure has no line \"some\" with a total")
}

// tick is the unit of /proc/stat, USER_HZ, which is 100 on every architecture that Go runs Linux on.
const tick = 10 * time.Millisecond

// busy sums what the line "cpu user nice system idle iowait irq softirq steal guest guest_nice" says was used, or taken
// by the host of this host. guest is part of user. 0: it cannot be read.
func busy(text []byte) time.Duration {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := strings.Fields(string(line))
	const user, idle, iowait, steal = 1, 4, 5, 8
	if len(fields) <= user || fields[0] != "cpu" {
		return 0
	}
	var sum int64
	for i, f := range fields {
		if i < user || i == idle || i == iowait || i > steal {
			continue
		}
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		sum += n
	}
	return time.Duration(sum) * tick
}
