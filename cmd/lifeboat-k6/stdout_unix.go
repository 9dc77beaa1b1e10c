//go:build unix

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// setStdoutAside returns the real standard output and lets everything else that is written to it go to standard
// error, so
// that nothing but records can reach the reader. The copy is not descriptor 1: a reader that goes away is then an error
// and not a SIGPIPE.
func setStdoutAside() (*os.File, error) {
	fd, err := unix.Dup(1)
	if err != nil {
		return nil, fmt.Errorf("copy standard output: %w", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.Dup2(2, 1); err != nil {
		return nil, fmt.Errorf("redirect standard output: %w", err)
	}
	return os.NewFile(uintptr(fd), "lifeboat stream"), nil
}
