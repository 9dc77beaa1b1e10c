package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// verify makes a night of a catalogue of one backup, and gives what that and the report of its check run say.
func (b *bench) verify(ctx context.Context, file, home string) (outcome, error) {
	c := exec.CommandContext(ctx, b.lifeboat, "verify", "--json", "--parallel", "1", "--home", home, file)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it cleans up
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run() // its exit code says what the night says
	n := &night.Night{}
	err := json.Unmarshal(out.Bytes(), n)
	if err = errors.Join(err, ctx.Err()); err != nil || len(n.Proofs) != 1 {
		return outcome{}, errors.Join(err, fmt.Errorf("verify %s: it says of %d backups: %s%s", file, len(n.Proofs), out.String(), errs.String()))
	}
	p := n.Proofs[0]
	o := outcome{Status: p.Status, Says: p.Error}
	if p.Left > 0 {
		return o, fmt.Errorf("%d things are left on the engine", p.Left)
	}
	for _, state := range []objective.RungState{objective.RungUnasked, objective.RungFailed} {
		if i := slices.IndexFunc(p.Rungs, func(r objective.Rung) bool { return r.State == state }); i >= 0 {
			o.At = p.Rungs[i].Name
		}
	}
	if p.Drill == "" {
		return o, nil
	}
	dir := filepath.Join(home, "drills", p.Drill)
	var said reports.Summary
	var r record.Record
	if err := errors.Join(read(filepath.Join(dir, "reports", "report.json"), &said), read(filepath.Join(dir, "record.json"), &r)); err != nil {
		return o, err
	}
	o.Says, o.Unseen = said.Why, unseen(r)
	o.Busy = said.Verdict == record.StatusInconclusive && // others behind it are of what was never asked then
		slices.ContainsFunc(said.Reasons, func(why reports.SummaryReason) bool { return strings.HasPrefix(why.ID, "host.slow_") })
	return o, nil
}

// unseen are the kinds of defects that checks say to have not looked at.
func unseen(r record.Record) (kinds []string) {
	for _, c := range r.Checks {
		for _, o := range c.Beside {
			if strings.HasPrefix(o.ID, "unlooked.") {
				kinds = slices.AppendSeq(kinds, maps.Keys(o.Args))
			}
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func read(file string, into any) error {
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return nil
}
