package drills

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// Outcomes of a decision, the first being the default of a simulated one.
func Outcomes() []string {
	var names []string
	for _, o := range []record.DecisionOutcome{record.FullRollback, record.PartialRollback, record.SwitchToStandby, record.Pause, record.GoOnWatching} {
		names = append(names, string(o))
	}
	return names
}

// commander decides for a drill: a person, or the scenario in their place.
type commander struct {
	*books
	ask func(ctx context.Context, q Question) (Answer, error) // at the terminal; nil: only lifeboat approve can answer
}

// decide waits for the decision; the waiting is on the clock, simulated or not.
func (c *commander) decide(ctx context.Context, in scenarios.Incident, detected string) (record.Decision, error) {
	dec := in.Decide
	if dec.By != "person" {
		if err := instance.Pause(ctx, dec.After.Std()); err != nil {
			return record.Decision{}, err
		}
		return record.Decision{Outcome: record.DecisionOutcome(dec.Outcome), Scope: dec.Scope, Reason: dec.Reason, By: record.BySimulated, At: c.now()}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dec.Within.Std(), errNotDecided)
	defer cancel()
	a, err := c.askPerson(ctx, Question{Drill: c.id, Incident: c.incident, Rule: detected, Choices: Outcomes()})
	if errors.Is(err, errNotDecided) {
		return record.Decision{}, &stopError{why: fmt.Sprintf("nobody decided within %s", dec.Within)}
	}
	if err != nil {
		return record.Decision{}, err
	}
	return record.Decision{Outcome: record.DecisionOutcome(a.Outcome), Scope: a.Scope, Reason: a.Reason, By: a.By, At: c.now()}, nil
}

var errNotDecided = errors.New("not decided in time")

// openQuestion lies in the inbox while a drill waits for a person's decision. An answer belongs to it by its nonce: one
// that was given before it was asked, or that came second, decides no other.
type openQuestion struct {
	Incident int    `json:"incident"`
	Nonce    string `json:"nonce"`
}

// answerTo is what lifeboat approve leaves in the inbox.
type answerTo struct {
	Nonce string `json:"nonce"`
	Answer
}

// askPerson takes the first answer to this question, from the terminal or from lifeboat approve.
func (c *commander) askPerson(ctx context.Context, q Question) (Answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the terminal does not go on asking
	open := openQuestion{Incident: q.Incident, Nonce: rand.Text()}
	inbox := filepath.Join(c.dir, "inbox")
	if err := errors.Join(clearAnswers(inbox), leave(inbox, questionFile, open)); err != nil {
		return Answer{}, fmt.Errorf("ask for a decision: %w", err)
	}
	defer func() {
		if err := clearAnswers(inbox); err != nil {
			c.log.Warn("take the question back", "error", err)
		}
	}()
	type typed struct {
		a   Answer
		err error
	}
	asked := make(chan typed, 1)
	if c.ask != nil {
		go func() {
			a, err := c.ask(ctx, q)
			asked <- typed{a, err}
		}()
	}
	for {
		if a, ok := c.answered(open); ok {
			return a, nil
		}
		select {
		case got := <-asked:
			return got.a, errors.Join(got.err, got.a.valid())
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		case <-time.After(inboxEvery):
		}
	}
}

// answered takes an answer out of the inbox. One to another question, or that cannot be read, is none.
func (c *commander) answered(q openQuestion) (Answer, bool) {
	var a answerTo
	path := filepath.Join(c.dir, "inbox", approveFile)
	found, err := message(path, &a)
	if found {
		err = errors.Join(err, os.Remove(path))
	}
	switch {
	case err != nil:
		c.log.Warn("an answer could not be read and decides nothing", "file", path, "error", err)
	case found && a.Nonce != q.Nonce:
		c.log.Warn("an answer to another question decides nothing", "by", a.By, "outcome", a.Outcome)
	case found && a.valid() != nil:
		c.log.Warn("an answer decides nothing", "error", a.valid())
	case found:
		return a.Answer, true
	}
	return Answer{}, false
}

// clearAnswers takes a question, and whatever was answered, out of an inbox.
func clearAnswers(inbox string) error {
	for _, name := range []string{questionFile, approveFile} {
		if err := os.Remove(filepath.Join(inbox, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (a Answer) valid() error {
	if !slices.Contains(Outcomes(), a.Outcome) {
		return fmt.Errorf("decide %q: the outcomes are %s", a.Outcome, strings.Join(Outcomes(), ", "))
	}
	if a.By == "" {
		return errors.New("decide: say who decides (--by NAME)")
	}
	return nil
}

// Approve answers the question of a running drill from another process. It errs where none is asked, or where somebody
// has answered it.
func Approve(home, drill string, a Answer) error {
	if err := a.valid(); err != nil {
		return err
	}
	inbox := filepath.Join(home, "drills", filepath.Base(drill), "inbox")
	var q openQuestion
	asked, err := message(filepath.Join(inbox, questionFile), &q)
	if !asked {
		return fmt.Errorf("answer drill %s: it asks nothing now; answer when it waits for a decision", drill)
	}
	if err != nil {
		return fmt.Errorf("read what drill %s asks: %w", drill, err)
	}
	err = leaveFirst(inbox, approveFile, answerTo{Nonce: q.Nonce, Answer: a})
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("answer drill %s: somebody has just answered it", drill)
	}
	return err
}
