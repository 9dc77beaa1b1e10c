package drills

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

const (
	diagnoseWithin = 30 * time.Second // bounds one diagnosis: what is asked may hang
	diagnoseEvery  = 3 * time.Second  // while a machine comes up; each costs it time
	mostLines      = 20               // of a console that are kept
)

// diagnose asks a machine that offers it what it shows of itself, and writes that down. That it cannot
// be asked is a line in the log: it changes nothing of what is known already.
func (d *drill) diagnose(ctx context.Context, m instance.Machine) instance.Diagnosis {
	got, ok := d.askDiagnosis(context.WithoutCancel(ctx), m)
	if ok {
		d.writeDiagnosis(m, got)
	}
	return got
}

// askDiagnosis returns false for a machine that has none to give.
func (d *drill) askDiagnosis(ctx context.Context, m instance.Machine) (instance.Diagnosis, bool) {
	asked, ok := instance.As[instance.Diagnoser](m)
	if !ok {
		return instance.Diagnosis{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseWithin)
	defer cancel()
	got, err := asked.Diagnose(ctx)
	if err != nil {
		d.opt.Log.Warn("diagnose an instance", "instance", m.Name(), "error", err)
		return got, false
	}
	if got.At == 0 {
		got.At = d.elapsed()
	}
	return got, true
}

func (d *drill) writeDiagnosis(m instance.Machine, got instance.Diagnosis) {
	fact := got.Diagnosis
	fact.Words = d.secrets.hide(fact.Words)
	fact.Lines = nil
	for _, line := range got.Lines[max(0, len(got.Lines)-mostLines):] {
		fact.Lines = append(fact.Lines, d.secrets.hide(line))
	}
	name, err := d.keepScreen(m.Name(), got.Screen)
	if err != nil {
		d.opt.Log.Warn("keep a screen", "instance", m.Name(), "error", err)
	}
	fact.Screen = name
	d.room.Diagnosed(m.Name(), d.elapsed())
	if err := d.Append(record.KindDiagnosis, d.subject(m.Name()), fact); err != nil {
		d.opt.Log.Error("write the journal", "error", err)
	}
}

// keepScreen writes a picture below raw/, where it is entered into the journal by its digest when the drill is sealed.
func (d *drill) keepScreen(name string, png []byte) (string, error) {
	if len(png) == 0 {
		return "", nil
	}
	d.mu.Lock()
	d.screens++
	file := fmt.Sprintf("screen-%s-%d.png", name, d.screens)
	d.mu.Unlock()
	return file, os.WriteFile(filepath.Join(d.dir, "raw", file), png, 0o600)
}

// diagnoseSince diagnoses an instance after a failure, unless that was done since a moment.
func (d *drill) diagnoseSince(ctx context.Context, name string, since time.Duration) {
	m, err := d.room.Machine(name)
	if err != nil || ctx.Err() != nil { // aborted
		return
	}
	if !d.room.DiagnosedSince(name, since) {
		d.diagnose(ctx, m)
	}
}

// diagnoseAll asks every machine, in the order in which they were booted.
func (d *drill) diagnoseAll(ctx context.Context) {
	for _, m := range d.room.Each(d.plan.Order) {
		if ctx.Err() == nil {
			d.diagnose(ctx, m)
		}
	}
}
