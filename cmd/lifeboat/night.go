package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
	"lifeboat/scenarios"
)

// verifying is one night of the command.
type verifying struct {
	*app
	kit       drills.Kit
	catalogue *scenarios.Catalogue
	before    []*night.Night
	lang      reports.Language
	view      nightView                                // nil: nobody looks on
	judge     func(night.Proof) (*record.Record, bool) // whether the drill of a proof is there and says the same
	patience  time.Duration                            // with the turns of others: none takes longer than its deadline
}

// begin opens a night that was planned now, or the one that is gone on with.
func (v *verifying) begin(ctx context.Context, o verifyOptions, before []*night.Night, known bool) (*night.Journal, *night.Night, error) {
	if o.goOn {
		for _, n := range slices.Backward(before) {
			if !n.Sealed() {
				if n.Digest != v.catalogue.Digest {
					return nil, nil, fmt.Errorf("go on with night %s: %s has changed since; begin a new night without --continue", n.Night, v.catalogue.File)
				}
				if build := buildID(); build == "" || n.Build != build { // a night is proved by one
					return nil, nil, fmt.Errorf("go on with night %s: another build of lifeboat (%s) began it, this is %s; begin a new night without --continue",
						n.Night, n.Tool, version)
				}
				return night.Reopen(v.home, n.Night)
			}
		}
		return nil, nil, fmt.Errorf("every night of %s came to its end: there is none to go on with; leave --continue out", v.catalogue.Name)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, nil, fmt.Errorf("find this host's name: %w", err)
	}
	file, err := filepath.Abs(v.catalogue.File)
	if err != nil {
		return nil, nil, fmt.Errorf("find the catalogue's folder: %w", err)
	}
	h := night.Header{Catalogue: v.catalogue.Name, File: file, Title: v.catalogue.Title, Digest: v.catalogue.Digest, Tool: version, Build: buildID(), Host: host,
		Started: time.Now(), Seed: rand.Int64(), Shard: o.shard, Slot: o.slot}
	if h.Planned, err = v.plan(ctx, o, h); err != nil {
		return nil, nil, err
	}
	if o.changed != "" && known { // one that cannot be read may say that a backup failed
		if err := v.rest(ctx, h.Planned, before, o.changed); err != nil {
			return nil, nil, err
		}
	}
	return night.Create(v.home, h)
}

// plan lists what is to be proved.
func (v *verifying) plan(ctx context.Context, o verifyOptions, h night.Header) ([]night.Planned, error) {
	i, n, err := shardOf(o.shard)
	if err != nil {
		return nil, err
	}
	entries, err := v.entries(v.catalogue)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Backup)
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--only %s: %s", name, scenarios.Nearest(name, names, "the catalogue's backups are "))
		}
	}
	var all []night.Planned
	for k, b := range v.catalogue.Backups {
		p := entries[k]
		switch {
		case len(o.only) > 0 && !slices.Contains(o.only, b.Name):
			p.Skipped = "only"
		case k%n != i-1:
			p.Skipped = "shard"
		}
		if !b.Points.Draws() || p.Skipped != "" {
			all = append(all, p)
			continue
		}
		ids, err := v.points(ctx, k, b.Points, h.Started)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 { // the check run says what is wrong with the store
			all = append(all, p)
		}
		restored := b.Points.Draw(ids, h.Seed)
		for _, id := range restored {
			p.Point, p.Older = id, id != ids[0]
			all = append(all, p)
		}
		for _, id := range ids {
			if b.Points.Read && !slices.Contains(restored, id) {
				p.Point, p.Older, p.UpTo = id, id != ids[0], record.UpToRead
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// points are the restore points of an entry among which its night chooses, the newest first; none where the store does not tell.
func (v *verifying) points(ctx context.Context, i int, of scenarios.Points, now time.Time) (ids []string, err error) {
	s, err := v.checkRun(v.catalogue, i)
	if err != nil {
		return nil, err
	}
	points, err := drills.Points(ctx, v.kit, s, v.catalogue.Backups[i].Name)
	if err != nil {
		return nil, ctx.Err()
	}
	for _, x := range points {
		if of.All || !x.Taken.Before(of.Since(now)) {
			ids = append(ids, x.ID)
		}
	}
	return ids, nil
}

// shardOf reads i/n; "" is the only one.
func shardOf(s string) (i, n int, err error) {
	if s == "" {
		return 1, 1, nil
	}
	a, b, _ := strings.Cut(s, "/")
	i, errI := strconv.Atoi(a)
	n, errN := strconv.Atoi(b)
	if errI != nil || errN != nil || i < 1 || i > n {
		return 0, 0, fmt.Errorf("--shard %q: write it like 2/3, the second of three", s)
	}
	return i, n, nil
}

// jobs are those of the plan that have not been made, or so long ago that their proofs are too old by now, the longest first.
func (v *verifying) jobs(ctx context.Context, n *night.Night, before []*night.Night) ([]night.Job, error) {
	planned := n.Open(v.catalogue.Every.Std(), time.Now())
	night.Longest(planned, before)
	jobs := make([]night.Job, len(planned))
	deadlines := make([]scenarios.Duration, len(planned))
	var all sync.WaitGroup
	at := make(chan struct{}, runtime.NumCPU())
	for i, p := range planned {
		all.Go(func() {
			at <- struct{}{}
			defer func() { <-at }()
			jobs[i] = night.Job{Planned: p, Prove: func(ctx context.Context, turn *night.Turn) night.Proof { return v.prove(ctx, p, turn) }}
			if p.UpTo != "" { // it takes next to nothing
				if s, err := v.checkRun(v.catalogue, v.index(p.Backup)); err == nil {
					deadlines[i] = s.Deadline
				}
				return
			}
			if s, plan, err := v.planned(ctx, p); err == nil { // else its check run says it
				deadlines[i] = s.Deadline
				jobs[i].Needs, jobs[i].By = night.Need(p, night.Room{Memory: plan.Needs.Memory, Disk: plan.Needs.Disk}, plan.Size(), before)
			}
		})
	}
	all.Wait()
	for _, d := range deadlines {
		v.patience = max(v.patience, d.Std())
	}
	return jobs, ctx.Err()
}

// room is what check runs may take of this host together: a tenth of what is free stays.
func (v *verifying) room(ctx context.Context) night.Room {
	if v.kit.Capacity == nil {
		return night.Room{}
	}
	disk, memory, err := v.kit.Capacity(ctx)
	if err != nil {
		return night.Room{}
	}
	return night.Room{Memory: memory / 10 * 9, Disk: disk / 10 * 9}
}

// deliver writes the night's files and prints it. What of it cannot be written hides no verdict: the night stands in its journal.
func (v *verifying) deliver(ctx context.Context, id, metrics string, errs ...error) error {
	n, err := night.Read(v.home, id)
	if err != nil {
		return &brokenNight{errors.Join(append(errs, err)...)}
	}
	o := reports.Options{Language: v.lang, Width: v.width(), Color: v.color()}
	dir := filepath.Join(night.Dir(v.home), id)
	for name, write := range map[string]nightFormat{"junit.xml": reports.NightJUnit, "night.json": reports.NightJSON} {
		if err := writeNight(filepath.Join(dir, name), write, n, o); err != nil {
			errs = append(errs, fmt.Errorf("write the night's %s: %w", name, err))
		}
	}
	nights, err := night.List(v.home, n.Catalogue, n.File)
	if err != nil {
		v.log().Warn("some nights cannot be read", "error", err)
	}
	page := func(w io.Writer, _ *night.Night, o reports.Options) error { return reports.NightsPage(w, nights, o) }
	if err := writeNight(filepath.Join(night.Dir(v.home), n.Catalogue+".html"), page, n, o); err != nil {
		errs = append(errs, fmt.Errorf("write the page of the nights: %w", err))
	}
	for _, path := range []string{filepath.Join(dir, "lifeboat.prom"), metrics} {
		if path == "" {
			continue
		}
		errs = append(errs, reports.NightMetrics(path, n))
	}
	print := reports.NightTerminal
	if v.json {
		print = reports.NightJSON
	}
	errs = append(errs, print(v.stdout, n, o))
	code := nightCode(n, ctx.Err() != nil)
	if err := errors.Join(errs...); err != nil { // who waits for one of these would wait for ever, or read that of the night before
		v.log().Error("write what came of the night; it stands in its journal", "night", id, "error", err)
		code = worse(code, exitInconclusive)
	}
	if code != exitPassed {
		return &exitError{code}
	}
	return nil
}

type nightFormat = func(io.Writer, *night.Night, reports.Options) error

func writeNight(path string, write nightFormat, n *night.Night, o reports.Options) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // whole, or not at all: two nights may end at once
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where it is not gone with its new name
	if err := errors.Join(write(f, n, o), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// nightCode is the exit code of a night: that of the worst.
func nightCode(n *night.Night, interrupted bool) int {
	worst := map[record.Status]int{record.StatusPassed: exitPassed, record.StatusFailed: exitFailed}
	code, known := worst[n.Status()]
	if !known {
		code = exitInconclusive
	}
	if interrupted {
		code = worse(code, exitInterrupted)
	}
	for _, p := range n.Proofs {
		if p.Left > 0 {
			code = exitLeft
		}
	}
	return code
}
