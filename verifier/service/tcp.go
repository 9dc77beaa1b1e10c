package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// tcpKeys of the scenario.
type tcpKeys struct {
	To      string             `yaml:"to"`      // instance:port
	Send    string             `yaml:"send"`    // bytes to send first
	Expect  string             `yaml:"expect"`  // what the answer or greeting contains
	Timeout scenarios.Duration `yaml:"timeout"` // default 5s
	Restart bool               `yaml:"restart"` // restart the instance and ask again
}

// tcp asks whether a port takes connections and, with send or expect, answers.
type tcp struct {
	verifier.Asked
	keys tcpKeys
	q    question[talk]
}

// talk is one connection.
type talk struct {
	Connected bool   `json:"connected"`
	Closed    bool   `json:"closed,omitempty"` // by the other side, without a word
	Heard     string `json:"heard,omitempty"`
	Error     string `json:"error,omitempty"`
}

func newTCP(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c := &tcp{}
	problems := spec.Settings.Decode(&c.keys)
	on, port, err := target(c.keys.To)
	if err != nil && len(problems) == 0 {
		problems = append(problems, spec.Settings.Problem("to", "to: db:5432", "%v", err))
	}
	if c.keys.Send != "" && c.keys.Expect == "" {
		problems = append(problems, spec.Settings.Problem("send", "add expect", "something is sent and nothing is expected"))
	}
	c.keys.Timeout = cmp.Or(c.keys.Timeout, scenarios.Duration(5*time.Second))
	c.Asked = verifier.AskedOf(spec.Name, on)
	c.q = question[talk]{on: on, restart: c.keys.Restart, judge: c.judge,
		ask: func(ctx context.Context, t verifier.Target) (talk, error) { return c.talk(ctx, t, port) }}
	return c, problems
}

// target takes instance:port apart.
func target(text string) (on string, port int, err error) {
	on, p, err := net.SplitHostPort(text)
	if err != nil || on == "" {
		return "", 0, fmt.Errorf("%q is not an instance with a port", text)
	}
	port, err = strconv.Atoi(p)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("%q has no port between 1 and 65535", text)
	}
	return on, port, nil
}

// Observe implements verifier.Check.
func (c *tcp) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	s, err := c.q.observe(ctx, t)
	if err != nil {
		return nil, err
	}
	return verifier.Encode("tcp", s)
}

// Control implements verifier.Controlled. An error is a word of HTTP, which a connection alone does not ask for.
func (c *tcp) Control(ctx context.Context, t verifier.Target, k decoy.Kind) (verifier.Answer, error) {
	switch {
	case k == decoy.Failing:
		return verifier.Failed("%s says nothing of an error", c.keys.To), nil
	case k == decoy.Empty && c.keys.Expect != "" && c.keys.Send == "": // silence greets nobody
		return verifier.Failed("%s does not say %q", c.keys.To, c.keys.Expect), nil
	}
	seen, err := c.q.ask(ctx, t)
	if err != nil {
		return verifier.Answer{}, err
	}
	return c.judge(nil, seen), nil
}

// Restarts tells the engine that the business will be down for a moment.
func (c *tcp) Restarts() bool { return c.q.restart }

// Judge implements verifier.Check.
func (c *tcp) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("tcp", before, after, c.q.answer)
}

const (
	mostHeard = 64 << 10
	lookAgain = 150 * time.Millisecond // a door that is closed at once was never open
)

func (c *tcp) talk(outer context.Context, t verifier.Target, port int) (talk, error) {
	ctx, cancel := context.WithTimeout(outer, c.keys.Timeout.Std())
	defer cancel()
	conn, err := t.Dial(ctx, c.On(), port)
	if err != nil {
		if outer.Err() != nil || !verifier.SystemFault(err) {
			return talk{}, fmt.Errorf("connect to %s: %w", c.keys.To, err)
		}
		return talk{Error: err.Error()}, nil
	}
	defer func() { _ = conn.Close() }()
	seen := talk{Connected: true}
	end := time.Now().Add(lookAgain)
	if c.keys.Expect != "" {
		end, _ = ctx.Deadline()
	}
	if err := conn.SetDeadline(end); err != nil {
		return talk{}, fmt.Errorf("set a time limit: %w", err)
	}
	if c.keys.Send != "" {
		if _, err := io.WriteString(conn, c.keys.Send); err != nil {
			seen.Error = "send: " + err.Error()
			return seen, nil
		}
	}
	return c.listen(seen, conn), nil
}

func (c *tcp) listen(seen talk, conn net.Conn) talk {
	var heard []byte
	b := make([]byte, 4<<10)
	for len(heard) < mostHeard {
		n, err := conn.Read(b)
		heard = append(heard, b[:n]...)
		seen.Heard = strings.ToValidUTF8(string(heard), "?")
		switch {
		case c.keys.Expect != "" && strings.Contains(seen.Heard, c.keys.Expect):
			return seen
		case c.keys.Expect == "" && n > 0:
			return seen
		case errors.Is(err, os.ErrDeadlineExceeded) && c.keys.Expect == "":
			return seen // it waits for us to speak first
		case errors.Is(err, os.ErrDeadlineExceeded):
			seen.Error = fmt.Sprintf("no such answer within %s", c.keys.Timeout)
			return seen
		case err != nil:
			seen.Closed = true
			seen.Error = err.Error()
			return seen
		}
	}
	return seen
}

func (c *tcp) judge(_ *talk, now talk) verifier.Answer {
	to, why := c.keys.To, now.Error
	if why != "" {
		why = ": " + why
	}
	switch {
	case !now.Connected && why == "":
		return verifier.Crashed("nobody tried to connect to %s", to)
	case !now.Connected:
		return verifier.Failed("%s takes no connection%s", to, why)
	case c.keys.Expect != "" && !strings.Contains(now.Heard, c.keys.Expect):
		return verifier.Failed("%s answered %q, without %q%s", to, verifier.Line(now.Heard, 100), c.keys.Expect, why)
	case c.keys.Expect != "":
		return verifier.Passed("%s answered with %q", to, c.keys.Expect)
	case now.Closed || why != "":
		return verifier.Failed("%s took a connection and closed it at once%s", to, why)
	}
	return verifier.Passed("%s takes connections", to)
}
