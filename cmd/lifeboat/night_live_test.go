package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/assert"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// liveOfNight shows a night of three on the process's terminal until it is interrupted, or until its second proof came.
func liveOfNight() int {
	a := onProcess()
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	v := &verifying{app: a, lang: reports.English, before: []*night.Night{{Proofs: []night.Proof{
		{Planned: night.Planned{Backup: "shop"}, Status: record.StatusPassed, Took: 90 * time.Second}}}}}
	jobs := []night.Job{{Planned: night.Planned{Backup: "crm"}}, {Planned: night.Planned{Backup: "shop"}}, {Planned: night.Planned{Backup: "wiki"}}}
	view := v.nightView(&night.Night{Header: night.Header{Catalogue: "nightly"}}, jobs, 2)
	view.done(night.Proof{Planned: jobs[0].Planned, Status: record.StatusFailed})
	w := view.watch(jobs[1].Planned)
	w.Event(event(record.Subject{}, record.Header{Version: record.Version}))
	w.Event(event(record.Subject{}, record.PhaseEvent{Phase: record.PhaseRestore}))
	a.log().Warn("a line of the log", "said", "once")
	select {
	case <-ctx.Done():
		time.Sleep(3 * nightRedraw)
		view.Close()
		return exitInterrupted
	case <-time.After(nightsEnd()):
	}
	view.done(night.Proof{Planned: jobs[1].Planned, Status: record.StatusPassed})
	view.Close()
	return exitPassed
}

// nightsEnd is after what its test says, which presses Ctrl-C when it has seen all: however slow the host is.
func nightsEnd() time.Duration {
	d, err := time.ParseDuration(os.Getenv("LIFEBOAT_TEST_NIGHT"))
	if err != nil {
		panic(err)
	}
	return d
}

// On a terminal a night is a table that changes in place; Ctrl-C ends it, and the terminal is given back.
func TestNightOnATerminal(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		y := openTTY(t)
		before := y.mode(t)
		cmd := part(t, "night")
		cmd.Env = append(cmd.Env, "LIFEBOAT_TEST_NIGHT="+map[bool]string{false: "3s", true: "2m"}[interrupted])
		y.on(t, cmd)
		// A terminal is sent what changed: which words stand in one line is TestNightBoard's.
		for _, words := range []string{"nightly   3 in all", "a line of the log", "still takes", "crm", "Failed", "shop", "runs", "restore",
			"~ 1 min", "wiki", "waits"} {
			y.waitFor(t, words)
		}
		want := exitPassed
		if interrupted {
			y.press(t, "\x03")
			y.waitFor(t, "ending: what runs comes to its own end")
			want = exitInterrupted
		}
		assert.Equal(t, want, exitOf(t, cmd))
		assert.Equal(t, before, y.mode(t), "the terminal is as it was")
	}
}

// The table fits into any terminal, says the rung of the record so far and nothing that nobody knows, in both languages.
func TestNightBoard(t *testing.T) {
	t.Parallel()
	var jobs []night.Job
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		jobs = append(jobs, night.Job{Planned: night.Planned{Backup: name}})
	}
	now := time.Now()
	took := map[string]time.Duration{"a": time.Minute, "b": time.Minute, "c": time.Minute, "d": time.Minute, "e": time.Minute}
	for lang, want := range map[reports.Language][]string{
		reports.English: {"rung so far", "longer than last time", "~ 40 s", "Proved", "Proved in part", "1 proved", "0 found and fresh", "… and 2 more"},
		reports.Chinese: {"已达层级", "已超过上次用时", "已证明", "另有 2 项"},
	} {
		b := newNightBoard(words{cat: reports.Messages(), lang: lang}, &night.Night{Header: night.Header{Catalogue: "nightly"}}, jobs, took, 2)
		b.begin(jobs[0].Planned, now.Add(-2*time.Minute)).rung = 0
		b.begin(jobs[1].Planned, now.Add(-20*time.Second))
		b.begin(jobs[2].Planned, now.Add(-20*time.Second))
		b.done(night.Proof{Planned: jobs[2].Planned, Status: record.StatusPassed, Rungs: objective.Ladder(&record.Record{})}, now)
		b.done(night.Proof{Planned: jobs[3].Planned, Status: record.StatusPassed, Part: &record.Part{Only: "x"}, Rungs: objective.Ladder(&record.Record{})}, now)
		all := ansi.Strip(b.render(100, 40, now, false))
		few := ansi.Strip(b.render(60, 9, now, false))
		for _, text := range want[:len(want)-1] {
			assert.Contains(t, all, text)
		}
		assert.Contains(t, few, want[len(want)-1])
		assert.LessOrEqual(t, strings.Count(few, "\n"), 9)
		assert.NotContains(t, strings.SplitN(all, "\n", 2)[0], "to go", "of f nobody knows how long it takes")
		for line := range strings.SplitSeq(few, "\n") {
			assert.LessOrEqual(t, ansi.StringWidth(line), 60)
		}
	}
}

// Where nobody looks on a terminal a night is a line for each proof, and nothing beside JSON.
func TestNightOffATerminal(t *testing.T) {
	t.Parallel()
	for json, want := range map[bool]string{false: "shop: Proved", true: ""} {
		var out, errs bytes.Buffer
		v := &verifying{app: &app{stdout: &out, stderr: &errs, json: json, logs: &redirect{to: &errs}}, lang: reports.English}
		view := v.nightView(&night.Night{}, nil, 1)
		assert.Nil(t, view.watch(night.Planned{Backup: "shop"}).Event)
		view.done(night.Proof{Planned: night.Planned{Backup: "shop"}, Status: record.StatusPassed})
		view.Close()
		assert.Equal(t, want, strings.TrimSpace(out.String()))
		assert.Empty(t, errs.String())
	}
}
