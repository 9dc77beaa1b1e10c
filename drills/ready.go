package drills

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// waitReady polls until the machine answers, ends by itself, shows that it will never come up, or time is
// up. A machine that can be diagnosed is, before the error is returned.
func (d *drill) waitReady(ctx context.Context, m instance.Machine, r *scenarios.Ready) error {
	if r == nil {
		r = &scenarios.Ready{Within: scenarios.Duration(2 * time.Minute)}
	}
	limited, cancel := context.WithTimeoutCause(ctx, r.Within.Std(), errNotReady)
	defer cancel()
	pace := paceOf(m, r)
	for looked := time.Now(); ; {
		state, err := m.State(limited)
		if err != nil && !errors.Is(context.Cause(limited), errNotReady) {
			return fmt.Errorf("look at %s: %w", m.Name(), err)
		}
		if err == nil && !state.Running {
			return d.notReady(ctx, m, fmt.Sprintf("it ended by itself with exit code %d %s", state.Exit, state.Reason))
		}
		answer := answers(limited, m, r, pace.patience)
		if answer == nil {
			return nil
		}
		if time.Since(looked) >= diagnoseEvery {
			if got, ok := d.askDiagnosis(limited, m); ok && got.Fatal {
				d.writeDiagnosis(m, got)
				return &instance.BootError{Instance: m.Name(), Reason: got.Words, Console: strings.Join(got.Lines, "\n")}
			}
			looked = time.Now()
		}
		if err := after(limited, pace.pause); err != nil {
			if !errors.Is(err, errNotReady) {
				return err
			}
			return d.notReady(ctx, m, fmt.Sprintf("not ready within %s: %v", r.Within.Std(), answer))
		}
	}
}

var errNotReady = errors.New("not ready in time")

// notReady is the finding that a machine does not come up, with all that it shows of itself.
func (d *drill) notReady(ctx context.Context, m instance.Machine, reason string) error {
	if ctx.Err() == nil {
		d.diagnose(ctx, m)
	}
	console, _ := m.Console(context.WithoutCancel(ctx)) // best effort: the reason stands without it
	return &instance.BootError{Instance: m.Name(), Console: console, Reason: reason}
}

// pace at which a machine is asked whether it is ready.
type pace struct {
	pause    time.Duration // between two questions
	patience time.Duration // with one question
}

// paceOf a machine: a command in a virtual machine costs it processor time that it needs for coming up, and
// an emulated one takes its time to answer.
func paceOf(m instance.Machine, r *scenarios.Ready) pace {
	_, virtual := m.(instance.Diagnoser)
	switch {
	case virtual && len(r.Exec) > 0:
		return pace{pause: time.Second, patience: 10 * time.Second}
	case virtual:
		return pace{pause: 200 * time.Millisecond, patience: 5 * time.Second}
	}
	return pace{pause: 50 * time.Millisecond, patience: 2 * time.Second}
}

// answers asks once, with a short time limit of its own.
func answers(ctx context.Context, m instance.Machine, r *scenarios.Ready, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
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
