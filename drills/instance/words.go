package instance

import (
	"context"
	"strings"
	"time"
)

// LastLines are the last n lines of what a machine or a command printed.
func LastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Pause waits for d before a machine is asked again, or less when ctx ends; then the error is why it did.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
