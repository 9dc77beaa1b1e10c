package drills

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// waitReady polls until the machine answers, ends by itself, shows that it will never come up, or time is
// up. A machine that can be diagnosed is, before the error is returned. Only a question that reached the machine
// counts against it, and a host that was held up by others lengthens the time in which it may say yes.
// booting is when the machine was started.
func (s *boots) waitReady(ctx context.Context, m instance.Machine, r *scenarios.Ready, booting time.Duration) error {
	r, patience := readiness(m, r)
	within := r.Within.Std()
	limited, cancel := context.WithTimeoutCause(ctx, hostPatience*within+time.Minute, errNotReady)
	defer cancel()
	w := wait{pace: paceOf(m, r, patience), from: s.elapsed(), within: within}
	for looked := time.Now(); ; {
		state, err := m.State(limited)
		if err != nil && !errors.Is(context.Cause(limited), errNotReady) {
			return fmt.Errorf("look at %s: %w", m.Name(), err)
		}
		if err == nil && !state.Running {
			return s.notReady(ctx, m, "it "+state.Ended(), nil)
		}
		if w.ask(limited, s.elapsed(), m, r) {
			return nil
		}
		if served := s.served(booting); served && w.silent() {
			return s.Append(record.KindObservation, s.subject(m.Name()), record.Observation{ID: "boot.by_pulse",
				Args: map[string]string{"instance": m.Name(), "patience": w.patience.String()}})
		} else if served && w.heard && s.elapsed()-w.from >= within {
			return fmt.Errorf("the business works again, though %s is not ready by its own ready: (%w); correct ready: of %[1]s",
				m.Name(), w.answer)
		}
		if time.Since(looked) >= diagnoseEvery {
			if got, ok := s.shows.ask(limited, m); ok && got.Fatal && mattersTo(r, got) {
				s.shows.write(m, got)
				return &instance.BootError{Instance: m.Name(), Reason: got.Words, Console: strings.Join(got.Lines, "\n"),
					Lack: got.Lack}
			}
			looked = time.Now()
		}
		o := s.overdue(within, w.from)
		switch {
		case w.heard && s.host.over(o):
			return s.notReady(ctx, m, w.words(o), w.excusable(o))
		case limited.Err() != nil || !w.heard && o.To-o.From >= hostPatience*within:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("wait for %s to be ready: %w", m.Name(), w.unasked())
		}
		if err := instance.Pause(limited, w.pace.pause); err != nil && !errors.Is(err, errNotReady) {
			return err
		}
	}
}

// mattersTo tells whether what a machine shows keeps it from ever being ready: a command is run whatever its network is.
func mattersTo(r *scenarios.Ready, got instance.Diagnosis) bool {
	return len(r.Exec) == 0 || got.Lack != record.LackAddress && got.Lack != record.LackCard
}

// wait is one waiting for a machine to be ready.
type wait struct {
	pace   pace
	from   time.Duration // when it began
	within time.Duration
	answer error // to the latest question that was asked
	heard  bool  // the latest question was asked, and its answer is no
	lost   error // why the latest one could not be asked

	patience time.Duration // with the latest question
}

// silent tells whether the latest question got through and had neither a yes nor a no.
func (w *wait) silent() bool { return w.heard && errors.Is(w.answer, context.DeadlineExceeded) }

// ask asks once. A question that had no answer in its time has twice the time when it is asked again: a busy host
// takes longer to bring it there and back.
func (w *wait) ask(ctx context.Context, now time.Duration, m instance.Machine, r *scenarios.Ready) (ready bool) {
	patience := w.pace.patience
	if left := w.from + w.within - now; w.pace.patient > patience {
		patience = min(w.pace.patient, max(patience, left))
	}
	w.patience = patience
	err := answers(ctx, m, r, patience)
	switch {
	case err == nil:
		return true
	case ctx.Err() != nil: // the waiting ended in mid-question
		w.heard = false
	case errors.As(err, new(*instance.UnaskedError)):
		w.heard, w.lost = false, err
	default:
		w.heard, w.answer = true, err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		w.pace.patient = min(mostPatience, 2*max(w.pace.patient, w.pace.patience))
	}
	return false
}

// mostPatience with one question, however busy the host is.
const mostPatience = 30 * time.Second

// words say why the machine is not ready.
func (w *wait) words(o record.Overdue) string {
	asked := ""
	if o.Over() >= time.Minute {
		asked = ", nor after " + (o.To - o.From).Round(time.Second).String()
	}
	answer := w.answer
	if errors.Is(answer, context.DeadlineExceeded) {
		answer = fmt.Errorf("no answer within %v", w.patience)
	}
	return fmt.Sprintf("not ready within %s%s: %v", o.Limit, asked, answer)
}

// excusable is a limit that the host may have made too short. A status is an answer, at whatever time it comes.
func (w *wait) excusable(o record.Overdue) *record.Overdue {
	if errors.As(w.answer, new(*statusError)) {
		return nil
	}
	return &o
}

func (w *wait) unasked() error {
	if w.lost != nil {
		return w.lost
	}
	return &instance.UnaskedError{What: "whether it is ready", Err: errNotReady}
}

var errNotReady = errors.New("not ready in time")

// notReady is the finding that a machine does not come up, with all that it shows of itself.
func (s *boots) notReady(ctx context.Context, m instance.Machine, reason string, late *record.Overdue) error {
	lack := ""
	if ctx.Err() == nil {
		if got := s.shows.show(ctx, m); got.Lack != "" {
			reason, lack = reason+"; "+got.Words, got.Lack
		}
	}
	console, _ := instance.Console(context.WithoutCancel(ctx), m)                   // best effort: the reason stands without it
	if l, ok := instance.As[instance.Lacking](m); ok && lack == "" && late == nil { // it ended
		if kind, words := l.Lacks(ctx, console); kind != "" {
			reason, lack = words, kind
		}
	}
	return &instance.BootError{Instance: m.Name(), Console: console, Reason: reason, Overdue: late, Lack: lack}
}

// pace at which a machine is asked whether it is ready.
type pace struct {
	pause    time.Duration // between two questions
	patience time.Duration // with one question
	patient  time.Duration // with the next one, after some that had no answer; 0: none had
}

// paceOf a machine: a command in a virtual machine costs it processor time that it needs for coming up, and
// an emulated one takes its time to answer. A healthcheck may be a heavy one, and says itself how long it may take.
func paceOf(m instance.Machine, r *scenarios.Ready, patience time.Duration) pace {
	_, virtual := instance.As[instance.Diagnoser](m)
	switch {
	case patience > 0:
		return pace{pause: 250 * time.Millisecond, patience: patience}
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
			return unasked(m, r.TCP, err)
		}
		return c.Close()
	}
	return nil
}

// unasked: a way into a machine that takes too long is lifeboat's own. Whoever does not listen refuses at once.
func unasked(m instance.Machine, port int, err error) error {
	if errors.As(err, new(*instance.UnaskedError)) || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &instance.UnaskedError{What: fmt.Sprintf("port %d of %s", port, m.Name()), Err: err}
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
	var through atomic.Bool // the transport gives up on a dial before the dial says why
	// A copy cannot hold production's certificate, and is asked by another name.
	tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := m.Dial(ctx, port)
		through.Store(err == nil)
		return c, err
	}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		if !through.Load() {
			err = unasked(m, port, err)
		}
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return &statusError{url: url, status: res.StatusCode}
	}
	return nil
}

// statusError is an answer, and it is no.
type statusError struct {
	url    string
	status int
}

func (e *statusError) Error() string { return fmt.Sprintf("%s answers %d", e.url, e.status) }

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
