package qemu

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

// skewed sets the guest's clock by its hardware clock, which QEMU keeps right and nobody else sets.
type skewed struct {
	below
	by time.Duration
}

const (
	hardwareClock = "/sys/class/rtc/rtc0/since_epoch"
	clockSlack    = 3 * time.Second // both clocks are read in whole seconds, and a guest is slow in between
)

func (s skewed) sh(ctx context.Context, script string, args ...string) (string, error) {
	r, err := s.guest(ctx, instance.Command{Args: append([]string{"/bin/sh", "-c", script, "sh"}, args...)})
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("exit code %d in the guest: %s", r.Exit, instance.LastLines(r.Stderr, 2))
	}
	return strings.TrimSpace(r.Stdout), err
}

// now is how far the guest's clock is off.
func (s skewed) now(ctx context.Context) (time.Duration, error) {
	said, err := s.sh(ctx, "read rtc <"+hardwareClock+` && echo "$(($(date +%s) - rtc))"`)
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.ParseInt(said, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the guest's clocks: it says %q", said)
	}
	return time.Duration(seconds) * time.Second, nil
}

func (s skewed) set(ctx context.Context, by time.Duration) error {
	_, err := s.sh(ctx, "read rtc <"+hardwareClock+` && date -u -s "@$((rtc + $1))"`,
		strconv.FormatInt(int64(by/time.Second), 10))
	return err
}

func (s skewed) is(ctx context.Context, want time.Duration) error {
	now, err := s.now(ctx)
	if err == nil && (now-want).Abs() > clockSlack {
		err = instance.NotInForce("the guest's clock is off by %s against its hardware clock, and not by %s", now, want)
	}
	return err
}

func (s skewed) possible(ctx context.Context) error {
	_, err := s.now(ctx)
	return err
}

func (s skewed) impose(ctx context.Context) error { return s.set(ctx, s.by) }
func (s skewed) holds(ctx context.Context) error  { return s.is(ctx, s.by) }

func (s skewed) lift(ctx context.Context) error {
	if err := s.set(ctx, 0); err != nil {
		return err
	}
	return s.is(ctx, 0)
}
