package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// result is what came of an item.
type result struct {
	item
	outcomes map[column]outcome
	tool     string // what people have without lifeboat; "": nothing
	toolGood bool   // what that says
	took     time.Duration
}

// prove makes every item and has it verified in every column that is asked of it, several at a time, and tells each when it is done.
// Those that boot machines go first, and one after the other: where processors are emulated each of them takes one whole.
func (b *bench) prove(ctx context.Context, items []item, asked func(item, column) bool, done func(result)) error {
	machines, rest := make(chan item, len(items)), make(chan item, len(items))
	for _, i := range items {
		if i.shape.machine {
			machines <- i
		} else {
			rest <- i
		}
	}
	close(machines)
	close(rest)
	var told sync.Mutex
	var wrong []error // of some: the others go on
	work := func(queue <-chan item) {
		for i := range queue {
			if ctx.Err() != nil {
				return
			}
			r, err := b.one(ctx, i, asked)
			told.Lock()
			if err == nil {
				done(r)
			} else if ctx.Err() == nil {
				fmt.Fprintf(b.progress, "shelf: %s: %v\n", i.name, err)
				wrong = append(wrong, fmt.Errorf("%s: %w", i.name, err))
			}
			told.Unlock()
		}
	}
	var all sync.WaitGroup
	for range b.parallel - 1 {
		all.Go(func() { work(rest) })
	}
	all.Go(func() { work(machines); work(rest) })
	all.Wait()
	return errors.Join(append(wrong, ctx.Err())...)
}

// one makes an item, and has it verified in one column after the other.
func (b *bench) one(ctx context.Context, i item, asked func(item, column) bool) (result, error) {
	r, begun := result{item: i, outcomes: map[column]outcome{}}, time.Now()
	if asked(i, profiled) && i.profiled == nil { // taken before the backups: it may not be of a later moment
		if _, err := b.profileOf(ctx, i.shape); err != nil {
			return r, err
		}
	}
	if asked(i, lastTime) {
		if err := b.before(ctx, i); err != nil {
			return r, fmt.Errorf("make yesterday's: %w", err)
		}
	}
	dir, err := b.make(ctx, i.make, made, i.name)
	if err != nil {
		return r, fmt.Errorf("make it: %w", err)
	}
	if i.shape.alone != nil {
		if r.tool, r.toolGood, err = i.shape.alone(ctx, b, dir); err != nil {
			return r, fmt.Errorf("ask other tools: %w", err)
		}
	}
	for _, c := range columns {
		if !asked(i, c) {
			continue
		}
		first, known := r.outcomes[bare]
		if known && first.Status != record.StatusPassed && first.early() {
			first.Shared = true
			r.outcomes[c] = first
			continue
		}
		if r.outcomes[c], err = b.proved(ctx, c, i); err != nil {
			return r, fmt.Errorf("with %s: %w", c, err)
		}
	}
	r.took = time.Since(begun)
	return r, b.cleared(i)
}

// early tells whether it was decided before anything of a column was asked.
func (o outcome) early() bool {
	return o.At == objective.RungFound || o.At == objective.RungRead || o.At == objective.RungRestored
}

// tries is how often a backup is asked about that only a busy host kept from an answer.
const tries = 3

// proved verifies an item with what a column knows of it.
func (b *bench) proved(ctx context.Context, c column, i item) (o outcome, err error) {
	if err := b.laid(ctx, c, i); err != nil {
		return o, fmt.Errorf("lay it into its store: %w", err)
	}
	file, err := b.catalogue(ctx, c, i)
	if err != nil {
		return o, err
	}
	for try := range tries {
		if try > 0 {
			fmt.Fprintf(b.progress, "shelf: %s with %s: the host was too busy to tell, and is asked again\n", i.name, c)
		}
		if o, err = b.verify(ctx, file, b.home(c, i)); err != nil || !o.Busy {
			break
		}
	}
	return o, err
}

// catalogue writes one of an item in a column.
func (b *bench) catalogue(ctx context.Context, c column, i item) (string, error) {
	head, _, err := b.written(ctx)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(b.dir, c.folder())
	entry, err := b.entry(ctx, c, i, folder)
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, i.name+".yaml")
	return file, os.WriteFile(file, []byte(head+entry), 0o600)
}

// entry is that of an item in a catalogue of a folder, and writes what it reads beside that.
func (b *bench) entry(ctx context.Context, c column, i item, folder string) (string, error) {
	_, forms, err := b.written(ctx)
	if err != nil {
		return "", err
	}
	name := i.name
	if c == lastTime {
		name = i.shape.name // yesterday's of many is one and the same
	}
	store := "kind: dir, path: ./" + i.name
	switch {
	case i.shape.store != nil:
		store = i.shape.store(i)
	case i.shape.pattern != "":
		store += ", pattern: " + i.shape.pattern
	}
	entry := "  - name: " + name + "\n    store: {" + store + "}\n"
	if i.shape == shop {
		entry = forms.of(b, name, i.name)
	}
	for line := range strings.Lines(i.shape.entry(c, i) + "\n" + i.lines) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			entry += "    " + line + "\n"
		}
	}
	if i.shape.beside != nil {
		return entry, i.shape.beside(ctx, b, c, folder)
	}
	return entry, nil
}

// folder of a column's stores, catalogues and homes.
func (c column) folder() string { return strings.Map(letters, string(c)) }

func letters(r rune) rune {
	if r < 'a' || r > 'z' {
		return '-'
	}
	return r
}

// home of an item's check run in a column: no other's last proof is in it.
func (b *bench) home(c column, i item) string {
	return filepath.Join(b.dir, c.folder(), i.name+".home")
}

// cleared removes what was made of an item.
func (b *bench) cleared(i item) error {
	if b.keep {
		return nil
	}
	var all []error
	for _, folder := range []string{made, yesterday, bare.folder(), rules.folder(), lastTime.folder(), profiled.folder()} {
		for _, name := range []string{i.name, i.name + ".yaml", i.name + ".home"} {
			all = append(all, os.RemoveAll(filepath.Join(b.dir, folder, name)))
		}
	}
	return errors.Join(all...)
}
