package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
)

// monitor is a client of the QEMU Machine Protocol: JSON lines, answers matched by id, events fanned
// out without blocking. https://www.qemu.org/docs/master/interop/qmp-spec.html
type monitor struct {
	c      net.Conn
	closed chan struct{}

	mu   sync.Mutex
	next int
	wait map[int]chan answer
	subs map[chan event]bool
	err  error

	panicked atomic.Bool // the guest said so through pvpanic, and was not reset since
}

type answer struct {
	Return json.RawMessage `json:"return"`
	Error  *refusal        `json:"error"`
}

// refusal is an error that QEMU, or the guest's agent, answered.
type refusal struct {
	Class string `json:"class"`
	Desc  string `json:"desc"`
}

// Error is one line without signs that a terminal obeys, and not a long one: an agent's words are those of a guest.
func (e *refusal) Error() string {
	const most = 400 // bytes
	words := strings.Join(plainLines(e.Desc[:min(len(e.Desc), 4*most)]), "; ")
	if len(words) > most {
		words = strings.ToValidUTF8(words[:most], "") + "…"
	}
	return words
}

type event struct {
	Name string          `json:"event"`
	Data json.RawMessage `json:"data"`
}

const (
	monitorLine  = 16 << 20 // bytes of one answer; query-qmp-schema has a third of a MiB
	monitorLimit = 20 * time.Second
)

// newMonitor greets and takes over the connection; it closes it when that fails.
func newMonitor(ctx context.Context, c net.Conn) (*monitor, error) {
	q := &monitor{c: c, closed: make(chan struct{}), wait: map[int]chan answer{}, subs: map[chan event]bool{}}
	ctx, cancel := context.WithTimeout(ctx, monitorLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, monitorLine)
	if !lines.Scan() {
		_ = c.Close()
		return nil, fmt.Errorf("wait for QEMU's greeting: %w", ended(ctx, lines.Err()))
	}
	go q.read(lines)
	if err := q.do(ctx, "qmp_capabilities", nil, nil); err != nil {
		_ = c.Close()
		return nil, err
	}
	return q, nil
}

func ended(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	return net.ErrClosed
}

func (q *monitor) read(lines *bufio.Scanner) {
	for lines.Scan() {
		var m struct {
			ID int `json:"id"`
			answer
			event
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			continue // not ours to judge: whoever waits runs into its time limit
		}
		q.mu.Lock()
		if m.Name != "" {
			q.note(m.Name)
			for ch := range q.subs {
				select {
				case ch <- m.event:
				default: // nobody reads it; events are hints, states are asked for
				}
			}
		} else if ch := q.wait[m.ID]; ch != nil {
			ch <- m.answer
			delete(q.wait, m.ID)
		}
		q.mu.Unlock()
	}
	q.mu.Lock()
	q.err = lines.Err()
	q.mu.Unlock()
	_ = q.c.Close()
	close(q.closed)
}

// note keeps what no query tells: with -action panic=none the machine goes on.
func (q *monitor) note(name string) {
	switch name {
	case "GUEST_PANICKED":
		q.panicked.Store(true)
	case "RESET":
		q.panicked.Store(false)
	}
}

// do runs one command; result may be nil. Without a deadline of its own ctx gets one.
func (q *monitor) do(ctx context.Context, command string, arguments, result any) error {
	ctx, cancel := context.WithTimeout(ctx, monitorLimit)
	defer cancel()
	ch := make(chan answer, 1)
	q.mu.Lock()
	q.next++
	id := q.next
	q.wait[id] = ch
	line, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
		ID        int    `json:"id"`
	}{command, arguments, id})
	if err == nil {
		_ = q.c.SetWriteDeadline(time.Now().Add(monitorLimit))
		_, err = q.c.Write(append(line, '\n'))
	}
	q.mu.Unlock()
	if err != nil {
		return fmt.Errorf("qmp %s: %w", command, err)
	}
	select {
	case a := <-ch:
		if a.Error != nil {
			return fmt.Errorf("qmp %s: %w", command, a.Error)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.Return, result)
	case <-q.closed:
		return fmt.Errorf("qmp %s: QEMU is gone: %w", command, ended(ctx, q.err))
	case <-ctx.Done():
		q.mu.Lock()
		delete(q.wait, id)
		q.mu.Unlock()
		return fmt.Errorf("qmp %s: %w", command, context.Cause(ctx))
	}
}

// events subscribes until stop is called.
func (q *monitor) events() (ch chan event, stop func()) {
	ch = make(chan event, 64)
	q.mu.Lock()
	q.subs[ch] = true
	q.mu.Unlock()
	return ch, func() {
		q.mu.Lock()
		delete(q.subs, ch)
		q.mu.Unlock()
	}
}

// await waits for one of the events by name.
func (q *monitor) await(ctx context.Context, ch chan event, names ...string) (event, error) {
	for {
		select {
		case e := <-ch:
			if slices.Contains(names, e.Name) {
				return e, nil
			}
		case <-q.closed:
			return event{}, fmt.Errorf("wait for %v: QEMU is gone: %w", names, ended(ctx, q.err))
		case <-ctx.Done():
			return event{}, fmt.Errorf("wait for %v: %w", names, context.Cause(ctx))
		}
	}
}

func (q *monitor) close() { _ = q.c.Close() }

// cutOff tells that the way to QEMU broke, which says nothing of QEMU.
func (q *monitor) cutOff() bool {
	select {
	case <-q.closed:
		return errors.As(q.err, new(*instance.UnaskedError))
	default:
		return false
	}
}
