// Package filelock makes one process at a time the writer of a file, with the
// kernel's advisory lock: it is given up when the process dies, however it dies.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrLocked says that another process writes the file.
var ErrLocked = errors.New("another process writes it")

// poll is how often a taken lock is asked for again.
const poll = 20 * time.Millisecond

// Exclusive takes the file's lock, waiting at most for the given time: ErrLocked after that.
func Exclusive(f *os.File, wait time.Duration) error {
	end := time.Now().Add(wait)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		case !time.Now().Before(end):
			return fmt.Errorf("lock %s: %w", f.Name(), ErrLocked)
		}
		time.Sleep(poll)
	}
}
