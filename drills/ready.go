package drills

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// waitReady polls until the machine answers, ends by itself, or time is up.
func (d *drill) waitReady(ctx context.Context, m instance.Machine, r *scenarios.Ready) error {
	if r == nil {
		r = &scenarios.Ready{Within: scenarios.Duration(2 * time.Minute)}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.Within.Std(), errNotReady)
	defer cancel()
	for {
		state, err := m.State(ctx)
		if err != nil {
			return fmt.Errorf("look at %s: %w", m.Name(), err)
		}
		console := ""
		if !state.Running {
			console, _ = m.Console(context.WithoutCancel(ctx)) // best effort: the reason stands without it
			return &instance.BootError{Instance: m.Name(), Console: console,
				Reason: fmt.Sprintf("it ended by itself with exit code %d %s", state.Exit, state.Reason)}
		}
		answer := answers(ctx, m, r)
		if answer == nil {
			return nil
		}
		if err := after(ctx, 50*time.Millisecond); err != nil {
			if !errors.Is(err, errNotReady) {
				return err
			}
			console, _ = m.Console(context.WithoutCancel(ctx))
			return &instance.BootError{Instance: m.Name(), Console: console,
				Reason: fmt.Sprintf("not ready within %s: %v", r.Within.Std(), answer)}
		}
	}
}

var errNotReady = errors.New("not ready in time")

// answers asks once, each question with its own short time limit.
func answers(ctx context.Context, m instance.Machine, r *scenarios.Ready) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch {
	case len(r.Exec) > 0:
		res, err := m.Exec(ctx, instance.Command{Args: r.Exec})
		if err == nil && res.Exit != 0 {
			err = fmt.Errorf("%v exits %d", r.Exec, res.Exit)
		}
		return err
	case r.HTTP != "":
		return httpAnswers(ctx, m, r.HTTP)
	case r.TCP != 0:
		c, err := m.Dial(ctx, r.TCP)
		if err != nil {
			return err
		}
		return c.Close()
	}
	return nil
}

func httpAnswers(ctx context.Context, m instance.Machine, url string) error {
	port, full, err := localURL(url)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, full, nil)
	if err != nil {
		return err
	}
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return m.Dial(ctx, port)
	}}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %d", url, res.StatusCode)
	}
	return nil
}

// localURL takes the port out of "http://:8080/path" and gives the address as a
// program inside the machine would write it.
func localURL(text string) (port int, full string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return 0, "", fmt.Errorf("read the address %q: %w", text, err)
	}
	if port, err = strconv.Atoi(u.Port()); err != nil {
		return 0, "", fmt.Errorf("read the port of %q: %w; write http://:8080/path", text, err)
	}
	u.Host = "127.0.0.1:" + u.Port()
	return port, u.String(), nil
}
