package drills

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
)

const (
	diagnoseWithin = 30 * time.Second // bounds one diagnosis: what is asked may hang
	diagnoseEvery  = 3 * time.Second  // while a machine comes up; each costs it time
	mostLines      = 20               // of a console that are kept
)

// diagnoses are what machines show of themselves.
type diagnoses struct {
	*books
	room    *machines.Room
	order   []string     // in which the instances were booted
	screens atomic.Int32 // kept below raw/
}

// show asks a machine that offers it what it shows of itself, and writes that down. That it cannot
// be asked is a line in the log: it changes nothing of what is known already.
func (g *diagnoses) show(ctx context.Context, m instance.Machine) instance.Diagnosis {
	got, ok := g.ask(context.WithoutCancel(ctx), m)
	if ok {
		g.write(m, got)
	}
	return got
}

// ask returns false for a machine that has none to give.
func (g *diagnoses) ask(ctx context.Context, m instance.Machine) (instance.Diagnosis, bool) {
	asked, ok := instance.As[instance.Diagnoser](m)
	if !ok {
		return instance.Diagnosis{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseWithin)
	defer cancel()
	got, err := asked.Diagnose(ctx)
	if err != nil {
		g.log.Warn("diagnose an instance", "instance", m.Name(), "error", err)
		return got, false
	}
	if got.At == 0 {
		got.At = g.elapsed()
	}
	return got, true
}

func (g *diagnoses) write(m instance.Machine, got instance.Diagnosis) {
	fact := got.Diagnosis
	fact.Words = g.Hide(fact.Words)
	lines := g.HideAll(got.Lines)
	fact.Lines = slices.Clone(lines[max(0, len(lines)-mostLines):])
	name, err := g.keep(m.Name(), got.Screen)
	if err != nil {
		g.log.Warn("keep a screen", "instance", m.Name(), "error", err)
	}
	fact.Screen = name
	g.room.Diagnosed(m.Name(), g.elapsed())
	g.noteOf(record.KindDiagnosis, g.subject(m.Name()), fact)
}

// keep writes a picture below raw/, where it is entered into the journal by its digest when the drill is sealed.
func (g *diagnoses) keep(name string, png []byte) (string, error) {
	if len(png) == 0 {
		return "", nil
	}
	file := fmt.Sprintf("screen-%s-%d.png", name, g.screens.Add(1))
	return file, os.WriteFile(filepath.Join(g.dir, "raw", file), png, 0o600)
}

// since diagnoses an instance after a failure, unless that was done since a moment.
func (g *diagnoses) since(ctx context.Context, name string, since time.Duration) {
	m, err := g.room.Machine(name)
	if err != nil || ctx.Err() != nil { // aborted
		return
	}
	if !g.room.DiagnosedSince(name, since) {
		g.show(ctx, m)
	}
}

// all asks every machine, in the order in which they were booted.
func (g *diagnoses) all(ctx context.Context) {
	for _, m := range g.room.Each(g.order) {
		if ctx.Err() == nil {
			g.show(ctx, m)
		}
	}
}
