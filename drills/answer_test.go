package drills

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

const person = "decide: {by: person, within: 2h}"

// approve does what lifeboat approve does, once a time has passed.
func (w *world) approve(after time.Duration, a Answer) (err error) {
	time.Sleep(after)
	dirs, err := List(w.home)
	if err != nil || len(dirs) != 1 {
		return err
	}
	return Approve(w.home, filepath.Base(dirs[0]), a)
}

func rollBack(by string) Answer { return Answer{Outcome: "full-rollback", By: by, Reason: "clear"} }

func TestPersonDecides(t *testing.T) {
	w := newWorld(t)
	res := w.run(strings.Replace(simple, "decide: {by: simulated, after: 2s}", person, 1),
		func(context.Context, context.CancelCauseFunc) {
			assert.Error(t, w.approve(10*time.Minute, Answer{Outcome: "shrug", By: "Zhao"}))
			assert.NoError(t, w.approve(0, rollBack("Zhao")))
		})
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	in := res.Record.Incidents[0]
	assert.Equal(t, "Zhao", in.Decision.By)
	assert.Greater(t, in.T2.Early-in.T1.Late, 9*time.Minute, "the waiting is on the clock")
}

// What was said before the question was asked decides nothing, in whatever way it came into the inbox.
func TestAnswerBeforeTheQuestion(t *testing.T) {
	w := newWorld(t)
	res := w.run(strings.Replace(simple, "decide: {by: simulated, after: 2s}", person, 1),
		func(context.Context, context.CancelCauseFunc) {
			assert.ErrorContains(t, w.approve(500*time.Millisecond, rollBack("Early")), "it asks nothing now")
			dirs, err := List(w.home)
			assert.NoError(t, err)
			inbox := filepath.Join(dirs[0], "inbox")
			early := `{"outcome":"full-rollback","by":"Early"}`
			assert.NoError(t, os.WriteFile(filepath.Join(inbox, approveFile), []byte(early), 0o600))
			time.Sleep(5 * time.Minute)
			for _, other := range []string{early, `{"nonce":"x","outcome":"pause","by":"Other"}`, "half an ans"} {
				assert.NoError(t, os.WriteFile(filepath.Join(inbox, approveFile), []byte(other), 0o600))
				time.Sleep(time.Minute)
			}
			assert.NoError(t, w.approve(2*time.Minute, rollBack("Zhao")))
			assert.ErrorContains(t, w.approve(0, rollBack("Second")), "somebody has just answered it")
		})
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	in := res.Record.Incidents[0]
	assert.Equal(t, "Zhao", in.Decision.By)
	assert.Greater(t, in.T2.Early-in.T1.Late, 9*time.Minute)
}

// Of many who answer in the same moment one is told that the answer counts.
func TestAnswersAtOnce(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	inbox := filepath.Join(home, "drills", "d1", "inbox")
	require.NoError(t, os.MkdirAll(inbox, 0o700))
	require.NoError(t, leave(inbox, questionFile, openQuestion{Incident: 1, Nonce: "n"}))
	var taken atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			switch err := Approve(home, "d1", rollBack("Zhao")); {
			case err == nil:
				taken.Add(1)
			default:
				assert.ErrorContains(t, err, "somebody has just answered it")
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, taken.Load())
	left, err := os.ReadDir(inbox)
	require.NoError(t, err)
	assert.Len(t, left, 2, "the question and one answer")
}

// Two people answer the first question, one of them at the terminal. The second answer decides no other question.
func TestSecondAnswer(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	w.ask = func(ctx context.Context, _ Question) (Answer, error) {
		if asked.Add(1) > 1 {
			<-ctx.Done()
			return Answer{}, ctx.Err()
		}
		time.Sleep(10*time.Minute + inboxEvery/2)
		go func() { // at the same moment, before the drill has looked at either
			assert.NoError(t, w.approve(0, Answer{Outcome: "pause", By: "Second"}))
		}()
		time.Sleep(time.Millisecond)
		return rollBack("First"), nil
	}
	res := w.run(strings.ReplaceAll(twoRollbacks, "decide: {by: simulated, after: 2s}", person),
		func(context.Context, context.CancelCauseFunc) {
			for asked.Load() < 2 {
				time.Sleep(time.Minute)
			}
			assert.NoError(t, w.approve(10*time.Minute, rollBack("Third")))
		})
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	require.Len(t, res.Record.Incidents, 2)
	assert.Equal(t, "First", res.Record.Incidents[0].Decision.By)
	second := res.Record.Incidents[1]
	assert.Equal(t, "Third", second.Decision.By)
	assert.Greater(t, second.T2.Early-second.T1.Late, 9*time.Minute)
}
