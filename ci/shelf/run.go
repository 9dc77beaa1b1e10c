package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		all[i] = result{item: it, outcomes: map[column]outcome{}}
		dir, err := b.make(ctx, it.make, "backups", it.name)
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
	n, err := b.verify(ctx, file)
	if err != nil {
		return err
	}
	for _, r := range todo {
		if r.outcomes[c], err = b.outcome(n, r.name); err != nil {
			return err
		}
	}
	return nil
}

// catalogue writes one of a column's entries.
func (b *bench) catalogue(ctx context.Context, c column, todo []*result) (string, error) {
	text, err := b.head(ctx, todo[0].shape)
	if err != nil {
		return "", err
	}
	for _, r := range todo {
		lines, err := r.shape.entry(b, c)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("  - name: %s\n    store: {kind: dir, path: ./backups/%[1]s}\n", r.name)
		for line := range strings.Lines(lines + "\n" + r.lines) {
			if line = strings.TrimRight(line, "\n"); line != "" {
				text += "    " + line + "\n"
			}
		}
	}
	file := filepath.Join(b.dir, strings.Map(letters, string(c))+".yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func letters(r rune) rune {
	if r < 'a' || r > 'z' {
		return '-'
	}
	return r
}

// head is what lifeboat new writes of a folder with a good backup in it, down to the list.
func (b *bench) head(ctx context.Context, s *shape) (string, error) {
	if head, known := b.heads[s]; known {
		return head, nil
	}
	dir, err := b.make(ctx, s.good, "new", s.name)
	if err != nil {
		return "", fmt.Errorf("make a good %s: %w", s.name, err)
	}
	file := filepath.Join(b.dir, "new", s.name+".yaml")
	if _, err := command(ctx, nil, b.lifeboat, "new", "--catalogue", dir, "--image", image, file); err != nil {
		return "", err
	}
	raw, err := os.ReadFile(file)
	head, _, found := strings.Cut(string(raw), "\nbackups:\n")
	if err == nil && !found {
		err = errors.New("lifeboat new writes no list of backups")
	}
	b.heads[s] = head + "\nbackups:\n"
	return b.heads[s], err
}

// verify makes a night of a catalogue.
func (b *bench) verify(ctx context.Context, file string) (*night.Night, error) {
	c := exec.CommandContext(ctx, b.lifeboat, "verify", "--json", "--parallel", strconv.Itoa(b.parallel), "--home", b.home(), file)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run() // its exit code says what the night says
	n := &night.Night{}
	if err := json.Unmarshal(out.Bytes(), n); err != nil {
		return nil, fmt.Errorf("verify %s: %w: %s%s", file, err, out.String(), errs.String())
	}
	fmt.Fprintf(b.progress, "shelf: %s: %d check runs in %.0f s\n", filepath.Base(file), len(n.Proofs), n.Ended.Sub(n.Started).Seconds())
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
		raw, err := os.ReadFile(filepath.Join(b.home(), "drills", p.Drill, "reports", "report.json"))
		if err != nil {
			return o, fmt.Errorf("%s: read its report: %w", name, err)
		}
		var said reports.Summary
		if err := json.Unmarshal(raw, &said); err != nil {
			return o, fmt.Errorf("%s: read its report: %w", name, err)
		}
		o.says = said.Why
		return o, nil
	}
	return outcome{}, fmt.Errorf("%s: the night says nothing of it", name)
}
