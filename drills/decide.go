package drills

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// Outcomes of a decision, the first being the default of a simulated one.
func Outcomes() []string {
	return []string{"full-rollback", "partial-rollback", "switch-to-standby", "pause", "watch"}
}

// decide waits for the decision; the waiting is on the clock, simulated or not.
func (d *drill) decide(ctx context.Context, in scenarios.Incident, detected string) (record.Decision, error) {
	dec := in.Decide
	if dec.By != "person" {
		if err := after(ctx, dec.After.Std()); err != nil {
			return record.Decision{}, err
		}
		return record.Decision{Outcome: dec.Outcome, Scope: dec.Scope, Reason: dec.Reason, By: "simulated", At: d.now()}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dec.Within.Std(), errNotDecided)
	defer cancel()
	a, err := d.askPerson(ctx, Question{Drill: d.id, Incident: d.incident, Rule: detected, Choices: Outcomes()})
	if errors.Is(err, errNotDecided) {
		return record.Decision{}, &stopError{why: fmt.Sprintf("nobody decided within %s", dec.Within)}
	}
	if err != nil {
		return record.Decision{}, err
	}
	return record.Decision{Outcome: a.Outcome, Scope: a.Scope, Reason: a.Reason, By: a.By, At: d.now()}, nil
}

var errNotDecided = errors.New("not decided in time")

// The inbox of a running drill: other lifeboat commands put messages there.
const (
	questionFile = "question.json"
	approveFile  = "approve.json"
	abortFile    = "abort.json"
	notePrefix   = "note-"
	inboxEvery   = 200 * time.Millisecond
)

// Message is what abort and note put into the inbox.
type Message struct {
	Text string `json:"text"`
	By   string `json:"by"`
}

// Abort asks a running drill to heal, clean up and seal.
func Abort(home, drill string, m Message) error { return leaveMessage(home, drill, abortFile, m) }

// AddNote writes a person's note into the journal of a running drill.
func AddNote(home, drill string, m Message) error {
	return leaveMessage(home, drill, fmt.Sprintf("%s%d.json", notePrefix, time.Now().UnixNano()), m)
}

func leaveMessage(home, drill, name string, v any) error {
	dir := filepath.Join(home, "drills", filepath.Base(drill), "inbox")
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("find drill %s: %w; lifeboat history lists the drills of --home %s", drill, err, home)
	}
	return leave(dir, name, v)
}

func leave(dir, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+name)
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	return os.Rename(tmp, filepath.Join(dir, name)) // whole or not at all
}

// takeMessage reads and removes a message of the inbox.
func takeMessage(dir, name string, into any) (bool, error) {
	path := filepath.Join(dir, "inbox", name)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the inbox: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	return true, os.Remove(path)
}

// watchInbox takes aborts and notes until the returned function is called.
func (d *drill) watchInbox(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for after(ctx, inboxEvery) == nil {
			d.readInbox(cancel)
		}
	}()
	return func() { end(); <-done }
}

func (d *drill) readInbox(cancel context.CancelCauseFunc) {
	var m Message
	if found, err := takeMessage(d.dir, abortFile, &m); found && err == nil {
		cancel(&AbortError{Why: strings.TrimSpace(m.By + ": " + m.Text)})
	}
	notes, _ := filepath.Glob(filepath.Join(d.dir, "inbox", notePrefix+"*")) // the pattern is a constant
	for _, n := range notes {
		if found, err := takeMessage(d.dir, filepath.Base(n), &m); found && err == nil {
			if err := d.journal.AppendAs(m.By, record.KindNote, record.Subject{}, record.Note{Text: m.Text}); err != nil {
				d.opt.Log.Error("write a note", "error", err)
			}
		}
	}
}
