package stream

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat-k6/wire"
)

func closeOnExec(fd int) { unix.CloseOnExec(fd) }

// readClocks reads all clocks at one moment, which becomes offset 0.
func readClocks() (time.Time, wire.Hello) {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // absent: the reader then uses the wall clock
	now := time.Now()
	return now, wire.Hello{
		Kind: wire.KindHello, Version: wire.Version, PID: os.Getpid(), Wall: now.UnixNano(),
		Boot: clock(unix.CLOCK_BOOTTIME), Mono: clock(unix.CLOCK_MONOTONIC), BootID: strings.TrimSpace(string(id)),
	}
}

func clock(id int32) int64 {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return ts.Nano()
}
