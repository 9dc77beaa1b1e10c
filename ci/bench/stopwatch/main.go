// Command stopwatch runs a command and writes down what it cost, as shell variables can be read from it:
//
//	stopwatch [-n 10] [-o FILE] COMMAND…
//
//	seconds=1.234 user=0.120 system=0.030 peak_mib=23.4 exit=0
//
// seconds is the median of n runs, peak_mib the highest resident size of the command itself or any of its children
// that it waited for. The command's own output goes where stopwatch's goes. The exit code is the command's last.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	n := flag.Int("n", 1, "how often to run it")
	out := flag.String("o", "", "file to write the line to; standard error without it")
	flag.Parse()
	exit, err := run(*n, *out, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "stopwatch:", err)
		exit = 2
	}
	os.Exit(exit)
}

func run(n int, out string, args []string) (exit int, err error) {
	if len(args) == 0 || n < 1 {
		return 0, errors.New("give a command, and -n of 1 or more")
	}
	// A signal to the group reaches the command, too; it is waited for, so that nobody removes the folder under a drill
	// that is cleaning up. Not ignored: the command would inherit that.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	var times []time.Duration
	var user, system time.Duration
	var peak int64
	for range n {
		c := exec.Command(args[0], args[1:]...)
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		began := time.Now()
		err := c.Run()
		times = append(times, time.Since(began))
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			return 0, err
		}
		exit = c.ProcessState.ExitCode()
		user, system = user+c.ProcessState.UserTime(), system+c.ProcessState.SystemTime()
		if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, u.Maxrss) // KiB on Linux
		}
	}
	slices.Sort(times)
	line := fmt.Sprintf("seconds=%.4f user=%.3f system=%.3f peak_mib=%.1f exit=%d\n", times[len(times)/2].Seconds(),
		user.Seconds(), system.Seconds(), float64(peak)/1024, exit)
	if out == "" {
		_, err = os.Stderr.WriteString(line)
	} else {
		err = os.WriteFile(out, []byte(line), 0o600)
	}
	return exit, err
}
