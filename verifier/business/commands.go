package business

import (
	"io"
	"sync"
)

// commands is what is said to a running k6: a line each, for as long as it runs.
type commands struct {
	lines chan string
	once  sync.Once
	ended chan struct{}
	rest  []byte // of a line that was not taken whole
}

func newCommands() *commands {
	return &commands{lines: make(chan string, 64), ended: make(chan struct{})}
}

// say never waits: who has 64 commands to read reads none.
func (c *commands) say(line string) {
	select {
	case c.lines <- line + "\n":
	default:
	}
}

func (c *commands) close() { c.once.Do(func() { close(c.ended) }) }

// Read implements io.Reader.
func (c *commands) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		select {
		case line := <-c.lines:
			c.rest = []byte(line)
		case <-c.ended:
			return 0, io.EOF
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
