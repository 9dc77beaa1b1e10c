package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// view shows a running drill to a person.
type view interface {
	Watch() drills.Watch
	Close()
}

// view picks the live view for a terminal, plain lines for anything else, and
// nothing where the caller wants JSON alone.
func (a *app) view(p *drills.Plan, lang reports.Language, plain bool) view {
	out, keys, ok := a.terminals()
	if !ok || plain || a.json {
		return a.plainView(p, lang)
	}
	return a.startLive(p, lang, out, keys)
}

// plainView prints one line an event.
type plainView struct {
	out   *patient
	typed <-chan string // by the person at the terminal; nil: nobody can be asked
	words words
	quiet bool
}

func (a *app) plainView(p *drills.Plan, lang reports.Language) *plainView {
	v := a.lines(lang)
	if a.asks(p) {
		v.typed = a.typed()
	}
	return v
}

func (a *app) lines(lang reports.Language) *plainView {
	return &plainView{out: newPatient(a.stderr), words: words{cat: reports.Messages(), lang: lang}, quiet: a.json}
}

// typed gives the lines that are typed while somebody waits for one; what was
// typed before nobody asked for, and it decides nothing.
func (a *app) typed() <-chan string {
	a.typing.Do(func() {
		a.keyed = make(chan string)
		go func() {
			for s := bufio.NewScanner(a.stdin); s.Scan(); {
				select {
				case a.keyed <- s.Text():
				default:
				}
			}
		}()
	})
	return a.keyed
}

// Watch implements view.
func (v *plainView) Watch() drills.Watch {
	w := drills.Watch{}
	if !v.quiet {
		w.Event = v.event
	}
	if v.typed != nil {
		w.Ask = v.question
	}
	return w
}

// Close implements view.
func (v *plainView) Close() { v.out.Close() }

func (v *plainView) event(e drills.EventSeen) {
	if text := eventLine(v.words, e); text != "" {
		v.say(fmt.Sprintf("%8.1fs  %s", e.Elapsed.Seconds(), text))
	}
}

func (v *plainView) say(line string) { fmt.Fprintln(v.out, line) }

// question asks on the terminal for a number and takes nothing else for an answer.
func (v *plainView) question(ctx context.Context, q drills.Question) (drills.Answer, error) {
	v.say(clean(v.words.Text("live.ask", map[string]string{"rule": q.Rule, "drill": q.Drill})))
	for i, c := range q.Choices {
		v.say(fmt.Sprintf("  %d  %s", i+1, v.words.Text("decision."+c, nil)))
	}
	for {
		select {
		case line := <-v.typed:
			n, err := strconv.Atoi(strings.TrimSpace(line))
			if err == nil && n >= 1 && n <= len(q.Choices) {
				return drills.Answer{Outcome: q.Choices[n-1], By: who()}, nil
			}
			v.say(v.words.Text("live.ask_again", map[string]string{"last": strconv.Itoa(len(q.Choices))}))
		case <-ctx.Done():
			return drills.Answer{}, context.Cause(ctx)
		}
	}
}

// eventLine says an event in one line; events that only machines read have none.
func eventLine(w words, e drills.EventSeen) string {
	text := func(id string, kv ...string) string {
		args := map[string]string{"instance": e.Subject.Instance}
		for i := 0; i+1 < len(kv); i += 2 {
			args[kv[i]] = kv[i+1]
		}
		return clean(w.Text("live."+id, args))
	}
	switch d := e.Data.(type) {
	case record.PhaseEvent:
		if d.Outcome == "" {
			return text("phase", "phase", w.Text("phase."+d.Phase, nil))
		}
		if d.Outcome == record.OutcomeFailed {
			return text("phase_failed", "phase", w.Text("phase."+d.Phase, nil), "error", d.Error)
		}
	case record.Restored:
		if d.Bad() != "" {
			return text("restore_failed", "backup", d.Backup, "error", notRestored(w, d))
		}
		return text("restored", "backup", d.Backup, "bytes", strconv.FormatInt(d.Bytes, 10),
			"time", (d.Ended - d.Started).String())
	case record.BootFailure:
		why := d.Why
		if n := len(d.Lines); n > 0 && !strings.Contains(why, d.Lines[n-1]) {
			why += "; " + d.Lines[n-1]
		}
		return text("boot_failed", "why", why)
	case record.Booted:
		if d.Unseen {
			return text("booted_unseen")
		}
		return text("booted", "time", (d.Ready - d.Started).String())
	case record.Step:
		switch d.Outcome {
		case record.OutcomeDone:
			return text("step", "step", d.What)
		case record.OutcomeFailed:
			return text("step_failed", "step", d.What, "error", d.Error)
		}
		return text("step_not_reached", "step", d.What)
	case record.PulseEvent:
		return text("pulse_"+d.State, "why", d.Why)
	case record.FaultEvent:
		return text("fault_"+d.State, "fault", d.Kind, "on", d.On, "note", d.Note)
	case record.Diagnosis:
		if d.Class != "" {
			return text("diagnosed", "class", w.cat.Named(w.lang, "diagnosis_class", d.Class), "words", d.Words)
		}
	case record.Observation:
		return clean(w.cat.Observation(w.lang, d))
	case record.Detected:
		return text("detected", "rule", d.Rule, "seen", d.Seen)
	case record.Decision:
		by := d.By
		if by == "simulated" {
			by = w.Text("decided_by.simulated", nil)
		}
		return text("decided", "decision", w.Text("decision."+d.Outcome, nil), "by", by)
	case record.RollbackEvent:
		return text("rollback_"+d.State, "error", d.Error)
	case record.CheckResult:
		return text("check", "layer", w.Text("layer."+string(d.Layer), nil), "check", d.Name,
			"when", w.Text("when."+d.When, nil), "status", w.Text("check."+string(d.Status), nil), "message", d.Message)
	case record.Note:
		return text("note", "text", d.Text)
	case record.HarnessError:
		return text("harness", "error", d.Error)
	case record.Aborted:
		return text("aborted", "why", d.Why)
	case record.CleanupEvent:
		if slices.Contains([]string{"proved", "incomplete", "unproved", "failed", "kept"}, d.State) {
			return text("cleanup_"+d.State, "name", strings.TrimSpace(d.What+" "+d.Name), "error", d.Error,
				"left", strings.Join(d.Left, ", "), "disks", strings.Join(d.DiskLost, ", "), "count", strconv.Itoa(d.Count))
		}
	}
	return ""
}

// notRestored says why a restore went wrong, in the words of the catalogue where it has some.
func notRestored(w words, d record.Restored) string {
	switch {
	case d.Kind != nil:
		return w.Text("backup.kind_is", map[string]string{"kind": d.Kind.Name, "said": d.Kind.Said, "why": d.Kind.Why})
	case d.Misfit != nil:
		return w.Text("backup.misfit", map[string]string{"what": d.Misfit.What, "has": d.Misfit.Has, "wants": d.Misfit.Wants})
	case d.Missing != nil && d.Missing.Name == "":
		return w.Text("backup.none", nil)
	case d.Missing != nil:
		return w.Text("backup.missing", map[string]string{"name": d.Missing.Name, "why": d.Missing.Why})
	}
	return d.Bad()
}
