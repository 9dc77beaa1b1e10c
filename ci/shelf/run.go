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
	"strconv"
	"strings"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// result is what came of an item.
type result struct {
	item
	outcomes map[column]outcome
	tool     string // what people have without lifeboat; "": nothing
	toolGood bool   // what that says
}

// prove makes every item and has it verified in every column that is asked of it.
func (b *bench) prove(ctx context.Context, items []item, asked func(item, column) bool) ([]result, error) {
	all := make([]result, len(items))
	for i, it := range items {
		if asked(it, profiled) && it.shape.profile != nil { // taken once, before the backups: it may not be of a later moment
			if _, err := it.shape.profile(ctx, b); err != nil {
				return nil, fmt.Errorf("take the profile of a good %s: %w", it.shape.name, err)
			}
		}
		all[i] = result{item: it, outcomes: map[column]outcome{}}
		if asked(it, lastTime) {
			if err := b.before(ctx, it); err != nil {
				return nil, fmt.Errorf("make yesterday's %s: %w", it.name, err)
			}
		}
		dir, err := b.make(ctx, it.make, made, it.name)
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", it.name, err)
		}
		if it.shape.alone != nil {
			if all[i].tool, all[i].toolGood, err = it.shape.alone(ctx, b, dir); err != nil {
				return nil, fmt.Errorf("ask other tools about %s: %w", it.name, err)
			}
		}
	}
	fmt.Fprintf(b.progress, "shelf: %d backups are made\n", len(items))
	for _, c := range columns {
		var todo []*result
		for i := range all {
			r := &all[i]
			first, known := r.outcomes[bare]
			switch {
			case !asked(r.item, c):
			case known && first.status != record.StatusPassed && first.early():
				first.shared = true
				r.outcomes[c] = first
			default:
				todo = append(todo, r)
			}
		}
		if err := b.column(ctx, c, todo); err != nil {
			return nil, fmt.Errorf("with %s: %w", c, err)
		}
	}
	return all, nil
}

// early tells whether it was decided before anything of a column was asked.
func (o outcome) early() bool {
	return o.at == objective.RungFound || o.at == objective.RungRead || o.at == objective.RungRestored
}

// column verifies items with what a column knows of them.
func (b *bench) column(ctx context.Context, c column, todo []*result) error {
	if len(todo) == 0 {
		return nil
	}
	file, err := b.catalogue(ctx, c, todo)
	if err != nil {
		return err
	}
	if c == lastTime {
		if err := b.lastNight(ctx, file, todo); err != nil {
			return err
		}
	}
	for _, r := range todo {
		if err := b.lay(ctx, c, r.item); err != nil {
			return fmt.Errorf("lay %s into its store: %w", r.name, err)
		}
	}
	busy := todo
	for try := 0; try < 2 && len(busy) > 0; try++ { // what only a busy host kept from an answer is asked once more
		n, err := b.verify(ctx, file, busy)
		if err != nil {
			return err
		}
		for _, r := range busy {
			if r.outcomes[c], err = b.outcome(n, r.name); err != nil {
				return err
			}
		}
		busy = slices.DeleteFunc(slices.Clone(busy), func(r *result) bool { return !r.outcomes[c].busy })
	}
	return nil
}

// catalogue writes one of a column's entries.
func (b *bench) catalogue(ctx context.Context, c column, todo []*result) (string, error) {
	text, forms, err := b.written(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range todo {
		entry := "  - name: " + r.name + "\n    store: {kind: dir, path: ./" + c.folder() + "/" + r.name + "}\n"
		if r.shape == shop {
			entry = forms.of(b, c, r.name)
		}
		text += entry
		for line := range strings.Lines(r.shape.entry(c, r.item) + "\n" + r.lines) {
			if line = strings.TrimRight(line, "\n"); line != "" {
				text += "    " + line + "\n"
			}
		}
	}
	file := filepath.Join(b.dir, c.folder()+".yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// folder of a column's stores, and the name of its catalogue.
func (c column) folder() string { return strings.Map(letters, string(c)) }

func letters(r rune) rune {
	if r < 'a' || r > 'z' {
		return '-'
	}
	return r
}

// verify makes a night of a catalogue.
func (b *bench) verify(ctx context.Context, file string, of []*result) (*night.Night, error) {
	var names []string
	for _, r := range of {
		names = append(names, r.name)
	}
	c := exec.CommandContext(ctx, b.lifeboat, "verify", "--json", "--parallel", strconv.Itoa(b.parallel), "--home", b.home(),
		"--only", strings.Join(names, ","), file)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run() // its exit code says what the night says
	n := &night.Night{}
	if err := json.Unmarshal(out.Bytes(), n); err != nil {
		return nil, fmt.Errorf("verify %s: %w: %s%s", file, err, out.String(), errs.String())
	}
	fmt.Fprintf(b.progress, "shelf: %s: %d check runs in %.0f s\n", filepath.Base(file), len(of), n.Ended.Sub(n.Started).Seconds())
	return n, nil
}

func (b *bench) home() string { return filepath.Join(b.dir, "home") }

// outcome is what a night and the report of its check run say of a backup.
func (b *bench) outcome(n *night.Night, name string) (outcome, error) {
	for _, p := range n.Proofs {
		if p.Backup != name {
			continue
		}
		o := outcome{status: p.Status, says: p.Error}
		if p.Left > 0 {
			return o, fmt.Errorf("%s: %d things are left on the engine", name, p.Left)
		}
		for _, state := range []objective.RungState{objective.RungUnasked, objective.RungFailed} {
			if i := slices.IndexFunc(p.Rungs, func(r objective.Rung) bool { return r.State == state }); i >= 0 {
				o.at = p.Rungs[i].Name
			}
		}
		if p.Drill == "" {
			return o, nil
		}
		dir := filepath.Join(b.home(), "drills", p.Drill)
		var said reports.Summary
		var r record.Record
		if err := errors.Join(read(filepath.Join(dir, "reports", "report.json"), &said), read(filepath.Join(dir, "record.json"), &r)); err != nil {
			return o, fmt.Errorf("%s: %w", name, err)
		}
		o.says, o.unseen, o.busy = said.Why, unseen(r), said.Verdict == record.StatusInconclusive
		for _, why := range said.Reasons {
			o.busy = o.busy && (why.Status == record.StatusPassed || strings.HasPrefix(why.ID, "host.slow_"))
		}
		return o, nil
	}
	return outcome{}, fmt.Errorf("%s: the night says nothing of it", name)
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
	return kinds
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
