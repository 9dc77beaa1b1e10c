package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/drills/night"
	"lifeboat/scenarios"
)

type verifyOptions struct {
	parallel int
	only     []string
	shard    string
	goOn     bool
	changed  string // how old the proof may be of what is not; empty: all is proved
	status   bool
	metrics  string
	planned  string
	slot     *time.Time
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use: "verify CATALOGUE", Short: "Prove every backup of a catalogue: restore it, look at its content, say how far it is proved",
		Long: "Makes a check run of every backup of a catalogue, side by side as far as they fit, and says of each: proved, failed,\n" +
			"or not proved, and why. Each has its own number, journal and reports, and is judged as any drill; the night as a whole\n" +
			"is written into nights/ of the home. One broken backup stops no other. The exit code is that of the worst.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), o, args[0]) },
	}
	f := c.Flags()
	f.IntVar(&o.parallel, "parallel", 0, "check runs at a time (default: what the catalogue says, or as many as there are processors)")
	f.StringSliceVar(&o.only, "only", nil, "names of the backups to be proved; the others are left out, and the night says so")
	f.StringVar(&o.shard, "shard", "", "i/n: prove every n-th backup, beginning with the i-th; the other shards prove the rest")
	f.BoolVar(&o.goOn, "continue", false, "go on with the latest night of the catalogue that did not come to its end")
	f.StringVar(&o.changed, "changed", "", "leave out what is unchanged since a proof younger than this, such as --changed=12h\n"+
		"(without a value: than the catalogue's every); no backup is read for that, so what rots where it lies is not seen")
	f.Lookup("changed").NoOptDefVal = everyProof
	f.StringVar(&o.metrics, "metrics", "", "also write the night's metrics to this file, for the textfile collector of Prometheus' node_exporter")
	f.BoolVar(&o.status, "status", false, "how each backup stands by the nights that were, without proving anything")
	f.StringVar(&o.planned, "planned", "",
		"when the night was planned to begin, such as 2026-11-20T02:00+08:00; it has that beside when it began ("+slotVariable+")")
	for _, one := range []string{"only", "shard", "changed", "planned"} { // those of its beginning hold for a night that is gone on with
		c.MarkFlagsMutuallyExclusive("continue", one)
		c.MarkFlagsMutuallyExclusive("status", one)
	}
	c.MarkFlagsMutuallyExclusive("status", "continue")
	c.MarkFlagsMutuallyExclusive("status", "metrics")
	return c
}

// verify makes a night.
func (a *app) verify(ctx context.Context, o verifyOptions, path string) error {
	if os.Getenv("GOGC") == "" { // a night runs beside others for hours: it may work a little more for less memory (73 → 64 MiB at parallel 4)
		debug.SetGCPercent(25)
	}
	lang, err := a.lang()
	if err != nil {
		return err
	}
	c, err := a.catalogue(path)
	if err != nil {
		return err
	}
	if o.status {
		return a.standing(c, lang)
	}
	if !o.goOn { // that has the slot of its beginning
		if o.slot, err = slot(o.planned); err != nil {
			return err
		}
	}
	if err := canBeWritten(o.metrics); err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	defer outliveReaders()()
	kit := a.kit()
	if left, err := drills.SweepAll(ctx, a.sweepRequest(kit)); err != nil || len(left) > 0 {
		a.log().Warn("swept what dead drills left", "drills", len(left), "error", err)
	}
	a.logDead()
	before, err := a.nights(c)
	if err != nil {
		a.log().Warn("some nights cannot be read", "error", err)
	}
	v := &verifying{app: a, kit: kit, catalogue: c, before: before, lang: lang, judge: a.judged}
	journal, n, err := v.begin(ctx, o, before, err == nil)
	if err != nil {
		return err
	}
	jobs, err := v.jobs(ctx, n, before)
	if err != nil {
		return errors.Join(err, journal.Close())
	}
	parallel := cmp.Or(o.parallel, c.Parallel, runtime.NumCPU())
	v.view = v.nightView(n, jobs, parallel)
	defer v.view.Close()
	err = night.Run(ctx, journal, jobs, parallel, v.room(ctx), v.view.done)
	v.view.Close()
	var logged error
	if ctx.Err() != nil { // it can be gone on with
		err = errors.Join(err, journal.Close())
	} else if err = errors.Join(err, journal.Seal()); err == nil {
		logged = evidence.LogNight(a.home, n.Night, a.sealing())
	}
	if err != nil {
		return &brokenNight{fmt.Errorf("%w; lifeboat verify --continue goes on with night %s", err, n.Night)}
	}
	return v.deliver(ctx, n.Night, o.metrics, logged)
}

// canBeWritten tells before hours of work whether a file can be put at a path; "" is none.
func canBeWritten(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// catalogue reads a catalogue and the check run of every entry, and says everything that is wrong with them at once.
func (a *app) catalogue(path string) (*scenarios.Catalogue, error) {
	c, all := scenarios.ReadCatalogue(path)
	if c == nil {
		return nil, all
	}
	for i := range c.Backups {
		var problems scenarios.Problems
		if _, err := a.checkRun(c, i); errors.As(err, &problems) {
			all = append(all, problems...)
		}
	}
	if all = all.Sorted(path); len(all) > 0 {
		return nil, all
	}
	return c, nil
}

// checkRun is that of the i-th entry of a catalogue.
func (a *app) checkRun(c *scenarios.Catalogue, i int) (*scenarios.Scenario, error) {
	s, problems := c.Read(i)
	return a.checked(c.File, s, problems)
}
