// Package kernel knows what a Linux machine says about its kernels: which one
// runs, which entry of its boot menu starts another, and which modules of third
// parties will not load on that one. It runs commands in the machine and reads
// what they print; nothing of it needs anything installed beforehand.
package kernel

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
)

// Exec runs a command in the machine, without a shell.
type Exec func(ctx context.Context, args ...string) (instance.Result, error)

// On runs commands in a machine as its superuser.
func On(m instance.Machine) Exec {
	return func(ctx context.Context, args ...string) (instance.Result, error) {
		return m.Exec(ctx, instance.Command{Args: args})
	}
}

// UnfitError says that the machine is not one that can do what is asked: it has
// no such kernel, or no boot loader that can be told. It is an answer of the
// machine's, not a failure of lifeboat.
type UnfitError struct{ Reason string }

func (e *UnfitError) Error() string { return e.Reason }

// Release is that of the kernel that runs, as uname -r prints it.
func Release(ctx context.Context, run Exec) (string, error) {
	r, err := run(ctx, "uname", "-r")
	if err != nil {
		return "", fmt.Errorf("ask for the kernel's release: %w", err)
	}
	release := strings.TrimSpace(r.Stdout)
	if r.Exit != 0 || release == "" || strings.ContainsAny(release, " \n") {
		return "", &UnfitError{Reason: fmt.Sprintf("uname -r ends with exit code %d and says %q", r.Exit, line(r))}
	}
	return release, nil
}

// line is the last line that a command printed, to name what went wrong.
func line(r instance.Result) string {
	lines := strings.Split(strings.TrimSpace(r.Stdout+"\n"+r.Stderr), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
