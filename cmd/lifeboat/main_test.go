package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"

	"lifeboat/drills"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/startup"
	"lifeboat/reports"
	"lifeboat/scenarios"
)

// helperEnv makes the test binary play a part instead of testing.
const helperEnv = "LIFEBOAT_TEST_PART"

func TestMain(m *testing.M) {
	if part, ok := helpers()[os.Getenv(helperEnv)]; ok && (len(os.Args) < 2 || os.Args[1] != "reap") {
		os.Exit(part())
	}
	if len(os.Args) > 1 && os.Args[1] == "reap" { // started by a part
		main()
	}
	startup.Done()
	testscript.Main(m, map[string]func(){"lifeboat": main})
}

func helpers() map[string]func() int {
	return map[string]func() int{"drill": slowDrill, "owner": owner, "live": func() int { return liveDrill(false) },
		"panic": func() int { return liveDrill(true) }, "night": liveOfNight, "environment": environment}
}

// environment prints what a child of lifeboat would inherit of what startup changes.
func environment() int {
	code := run([]string{"--version"}, os.Stdin, io.Discard, io.Discard)
	fmt.Print(os.Getenv("HOST_PROC"))
	return code
}

// onProcess is an app on the streams of this process.
func onProcess() *app {
	return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, logs: &redirect{to: os.Stderr}}
}

// slowDrill cleans up for as long as its input is open, like a drill that was interrupted.
func slowDrill() int {
	a := onProcess()
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	fmt.Println("drilling")
	go func() {
		<-ctx.Done()
		fmt.Println(context.Cause(ctx))
	}()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return exitUsage
	}
	return exitCode(context.Cause(ctx))
}

// owner is a drill that has something to clean up and a reaper.
func owner() int {
	a := onProcess()
	a.home = os.Getenv("LIFEBOAT_HOME")
	if err := a.own(time.Now()); err != nil {
		fmt.Println(err)
		return exitUsage
	}
	return slowDrill()
}

func (a *app) own(now time.Time) error {
	id := record.NewID(now)
	dir := filepath.Join(a.home, "drills", id)
	thing := filepath.Join(dir, "raw", "thing")
	if err := os.MkdirAll(thing, 0o700); err != nil {
		return err
	}
	boot, err := ledger.BootID()
	if err != nil {
		return err
	}
	if _, err := record.Create(filepath.Join(dir, "journal.ndjson"), record.Header{Version: record.Version, Drill: id,
		Series: "test", Number: 1, Scenario: "test", Trigger: record.TriggerNone, Started: now, BootID: boot,
		BoottimeNS: record.Boottime()}, now, record.Clock{}); err != nil {
		return err
	}
	scope := ledger.Scope{Drill: id, Owner: ledger.Self(), Deadline: now.Add(time.Hour), Home: dir}
	l, err := ledger.Open(dir, scope)
	if err != nil {
		return err
	}
	// It takes the thing with it when it is asked to end, and outlives the terminal.
	process := exec.Command("sh", "-c", `trap 'rmdir "$0"; exit' TERM; while :; do sleep 0.05; done`, thing)
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := process.Start(); err != nil {
		return err
	}
	self, err := ledger.Of(process.Process.Pid)
	if err != nil {
		return err
	}
	data, err := json.Marshal(ledger.Process{Owner: &self})
	if err != nil {
		return err
	}
	undo := ledger.Undo{Kind: ledger.UndoProcess, Data: data}
	if _, err := l.Intend(ledger.Entry{What: "process", Name: "thing", Undo: undo}); err != nil {
		return err
	}
	_, err = a.startReaper(context.Background(), scope)
	return err
}

// liveDrill shows the story on the terminal, then waits for a signal and for a
// second one, or panics. Without a signal it ends after the story.
func liveDrill(panics bool) int {
	a := onProcess()
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	v := a.view(storyPlan("person"), reports.English, false)
	defer v.Close()
	w := v.Watch()
	w.Event(event(record.Subject{}, record.Header{Version: record.Version}))
	w.Event(event(record.Subject{}, record.PhaseEvent{Phase: record.PhasePrecheck}))
	a.log().Warn("a line of the log", "said", "once")
	if panics {
		time.Sleep(3 * redraw)
		panic("the engine crashed")
	}
	answer, err := w.Ask(ctx, drills.Question{Drill: "20260101T000000Z-abcd", Rule: "flow.failed > 5%",
		Choices: drills.Outcomes()})
	if err == nil {
		w.Event(event(record.Subject{}, record.Decision{Outcome: record.DecisionOutcome(answer.Outcome), By: answer.By}))
		return exitPassed
	}
	w.Event(event(record.Subject{}, record.Aborted{Why: err.Error()}))
	time.Sleep(time.Minute)
	return exitInconclusive
}

func TestExitCodeOfAnAbort(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	broken := fmt.Errorf("list backups: %w", context.Canceled)
	assert.Equal(t, exitUsage, exitCode(aborted(ctx, broken)))
	cancel(&drills.AbortError{Why: "interrupt"})
	assert.Equal(t, exitInterrupted, exitCode(aborted(ctx, broken)), "a signal is no mistake of the user")
	assert.Equal(t, exitPassed, exitCode(aborted(ctx, nil)))
	assert.Equal(t, exitFailed, exitCode(aborted(ctx, &exitError{exitFailed})))
}

// A drill that ran and could not be sealed, on a full disk, is no mistake of the user.
func TestExitCodeOfABrokenDrill(t *testing.T) {
	broken := &drills.BrokenError{Drill: "d", Err: errors.New("no space left on device")}
	assert.Equal(t, exitInconclusive, exitCode(fmt.Errorf("drill: %w", broken)))
	assert.ErrorContains(t, broken, "no space left on device; lifeboat history")
	broken.Left = 1
	assert.Equal(t, exitLeft, exitCode(broken))
}

// A reader that stands still makes nobody wait, and what was written before the end is not lost.
func TestPatientWriter(t *testing.T) {
	t.Run("writes everything", func(t *testing.T) {
		var out bytes.Buffer
		p := newPatient(&out)
		want := ""
		for i := range 1000 {
			line := fmt.Sprintln(i)
			want += line
			_, err := p.Write([]byte(line))
			assert.NoError(t, err)
		}
		p.Close()
		p.Close()
		_, err := p.Write([]byte("late\n"))
		assert.NoError(t, err)
		assert.Equal(t, want, out.String())
	})
	t.Run("never waits", func(t *testing.T) {
		r, w := io.Pipe() // nobody reads
		defer r.Close()
		p := newPatient(w)
		began := time.Now()
		for range 1000 {
			fmt.Fprintln(p, "a line")
		}
		assert.Less(t, time.Since(began), stuckAfter)
		r.CloseWithError(errors.New("gone"))
		p.Close()
	})
}

// Much of what an error repeats was written elsewhere: on a web server, in a bucket, by a restored system.
func TestErrorsDoNotSteerTheTerminal(t *testing.T) {
	const evil = "\x1b]0;owned\x07\x1b[2J\u202e"
	for name, err := range map[string]error{
		"an error":   errors.New("db" + evil + ".dump is listed\nand is not there"),
		"problems":   scenarios.Problems{{File: "s.yaml", Message: "db" + evil + ".dump is missing"}},
		"a refusal":  &drills.RefusedError{Reasons: []string{"no backup db" + evil + ".dump"}},
		"an outcome": fmt.Errorf("sweep: %w", errors.New("undo: "+evil+"psql")),
	} {
		var out, errs bytes.Buffer
		a := &app{stdout: &out, stderr: &errs}
		a.complain(err)
		got := errs.String()
		assert.NotContains(t, got, "\x1b", name)
		assert.NotContains(t, got, "\x07", name)
		assert.NotContains(t, got, "\u202e", name)
		assert.NotEmpty(t, got, name)
	}
	assert.Equal(t, "a\n  b\n", printed("a\n  b\n"), "lines and their indents stay")
}
