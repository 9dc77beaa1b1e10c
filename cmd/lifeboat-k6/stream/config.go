package stream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// config is what stands behind --out lifeboat=
type config struct {
	stdout  bool
	fd      int
	http    bool
	timeout time.Duration
	request time.Duration
	control bool
}

// parseConfig reads a comma-separated list; unknown words are errors.
func parseConfig(arg string) (config, error) {
	c := config{fd: -1}
	for part := range strings.SplitSeq(arg, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case part == "stdout":
			c.stdout = true
		case strings.HasPrefix(part, "fd:"):
			n, err := strconv.Atoi(part[len("fd:"):])
			if err != nil || n < 3 {
				return c, fmt.Errorf("read lifeboat output %q: a descriptor is a number from 3", part)
			}
			c.fd = n
		case part == "http":
			c.http = true
		case part == "control":
			c.control = true
		case key == "timeout" || key == "request":
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return c, fmt.Errorf("read lifeboat output %q: a limit is a length of time above 0, such as 1s", part)
			}
			if key == "request" {
				c.request = d
			} else {
				c.timeout = d
			}
		default:
			return c, fmt.Errorf("read lifeboat output: unknown word %q; known are stdout, fd:N, http, control, timeout=1s, request=1s", part)
		}
	}
	if c.stdout == (c.fd >= 0) {
		return c, errors.New("read lifeboat output: give exactly one of stdout and fd:N")
	}
	return c, nil
}

// open returns the sink. The descriptor is closed in children of ours, or the reader would wait for their end too.
func (c config) open(stdout *os.File) (io.WriteCloser, error) {
	if c.stdout {
		if stdout == nil {
			return nil, errors.New("open lifeboat stream: standard output was not set aside for it")
		}
		return stdout, nil
	}
	closeOnExec(c.fd)
	f := os.NewFile(uintptr(c.fd), "lifeboat stream")
	if f == nil {
		return nil, fmt.Errorf("open lifeboat stream: no descriptor %d", c.fd)
	}
	if _, err := f.Stat(); err != nil {
		return nil, fmt.Errorf("open lifeboat stream on descriptor %d: %w", c.fd, err)
	}
	return f, nil
}
