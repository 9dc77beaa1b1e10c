package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

type drillOptions struct {
	files  string
	keep   bool
	plain  bool
	retest []string

	planned string
	slot    *time.Time
}

func (a *app) drillCommand() *cobra.Command {
	var o drillOptions
	c := &cobra.Command{
		Use: "drill SCENARIO...", Short: "Run drills: restore, break, roll back, verify, judge, clean up",
		Long: "Runs scenarios one after the other. A scenario is the path of a file, or the name of a shipped one.\n" +
			"A file with a matrix makes several drills; FILE.yaml#NAME is one of them.\n" +
			"With several drills the exit code is that of the worst.\n" + exitHelp,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.drill(cmd.Context(), o, parts(args)) },
	}
	filesFlag(c, &o.files)
	c.Flags().BoolVar(&o.keep, "keep", false, "leave the instances of a drill that did not pass, until its deadline")
	c.Flags().BoolVar(&o.plain, "plain", false, "plain lines instead of the live view, on a terminal too")
	c.Flags().StringSliceVar(&o.retest, "retest", nil, "findings of the scenario's series that this drill tries again, such as F3: passed, it closes them")
	c.Flags().StringVar(&o.planned, "planned", "",
		"when it was planned to begin, such as 2026-11-20T02:00+08:00; the record has it beside when it began ("+slotVariable+")")
	return c
}

// drill runs every scenario; a scenario that cannot be planned does not keep the others from running.
func (a *app) drill(ctx context.Context, o drillOptions, args []string) error {
	lang, err := a.lang()
	if err != nil {
		return err
	}
	if o.slot, err = slot(o.planned); err != nil {
		return err
	}
	defer outliveReaders()()
	kit := a.kit()
	if left, err := drills.SweepAll(ctx, a.sweepRequest(kit)); err != nil || len(left) > 0 {
		a.log().Warn("swept what dead drills left", "drills", len(left), "error", err)
	}
	a.logDead()
	worst := exitPassed
	for i, arg := range args {
		code, err := a.drillOne(ctx, kit, o, arg, lang)
		if err != nil {
			if len(args) == 1 {
				return err
			}
			a.complain(err)
			code = exitCode(err)
		}
		worst = worse(worst, code)
		if ctx.Err() != nil && i < len(args)-1 { // the others never ran: that is no pass
			worst = worse(worst, exitInterrupted)
			break
		}
	}
	if worst == exitPassed {
		return nil
	}
	return &exitError{worst}
}

func (a *app) drillOne(ctx context.Context, kit drills.Kit, o drillOptions, arg string, lang reports.Language) (int, error) {
	s, err := a.load(arg, o.files)
	if err != nil {
		return exitUsage, err
	}
	if err := evidence.KnownFindings(a.home, s.Series, o.retest); err != nil {
		return exitUsage, fmt.Errorf("--retest: %w", err)
	}
	plan, err := drills.NewPlan(ctx, kit, s)
	if err != nil {
		return exitUsage, err
	}
	program := thisProgram()
	res, err := a.watched(ctx, kit, plan, lang, drills.Options{Home: a.home, Tool: version, Program: &program, Planned: o.slot, Keep: o.keep,
		Retest: o.retest, Log: a.log()}, o.plain)
	if err != nil {
		return exitInconclusive, err
	}
	code := verdictCode(res.Record, res.Verdict, len(res.Left) > 0)
	as, err := a.report(res, lang)
	err = errors.Join(err, drills.Log(a.home, res.Drill, a.sealing()))
	err = errors.Join(err, a.print(res, as)) // last: whoever reads it may be gone, which ends the process
	if err != nil {                          // the result stands, and is told by the exit code at least
		fmt.Fprintln(a.stderr, "lifeboat:", printed(err.Error()))
		return worse(code, exitInconclusive), nil
	}
	return code, nil
}

// watched runs the drill in front of a view; the terminal comes back even after a panic.
func (a *app) watched(ctx context.Context, kit drills.Kit, plan *drills.Plan, lang reports.Language, o drills.Options,
	plain bool) (*drills.Result, error) {
	view := a.view(plan, lang, plain)
	defer view.Close()
	o.Watch = view.Watch()
	return drills.Run(ctx, kit, plan, o)
}

// verdictCode is the exit code of one drill.
func verdictCode(r *record.Record, v record.Verdict, left bool) int {
	switch {
	case left:
		return exitLeft
	case r.Abort != nil:
		return exitInterrupted
	case v.Status == record.StatusFailed:
		return exitFailed
	case v.Status == record.StatusPassed:
		return exitPassed
	}
	return exitInconclusive
}

// worse of two exit codes: 4, 130, 1, 3, 2, 0.
func worse(a, b int) int {
	rank := map[int]int{exitLeft: 5, exitInterrupted: 4, exitFailed: 3, exitInconclusive: 2, exitUsage: 1, exitPassed: 0}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// report writes every report that is a file into the drill's folder, and returns what the result on standard output is to be written with. The pulse
// is read once for all of them.
func (a *app) report(res *drills.Result, lang reports.Language) (o reports.Options, err error) {
	o.Language = lang
	if o.Samples, err = pulseSamples(res.Dir, res.Record); err == nil {
		o.Paths, err = a.writeReports(res, o)
	}
	return o, err
}

// print writes the result to standard output: a table, or one JSON object on a line.
func (a *app) print(res *drills.Result, o reports.Options) error {
	o.Width, o.Color = a.width(), a.color()
	if a.json {
		return reports.JSON(a.stdout, res.Record, res.Verdict, o)
	}
	return reports.Terminal(a.stdout, res.Record, res.Verdict, o)
}

// writeReports renders every format that is a file into the drill's folder. Where that lies is no part of what they say: anybody who has the
// record can write the same bytes.
func (a *app) writeReports(res *drills.Result, o reports.Options) (map[string]string, error) {
	var err error
	if o.RecordDigest, err = fileDigest(filepath.Join(res.Dir, "record.json")); err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for _, f := range reports.Formats() {
		if f.File == "" {
			continue
		}
		half := filepath.Join(res.Dir, f.File+".new") // no evidence, if whoever writes it is killed
		paths[f.Name] = filepath.Join(res.Dir, "reports", f.File)
		if err := writeReport(half, f, res.Record, res.Verdict, o); err != nil {
			return nil, fmt.Errorf("write the %s report: %w", f.Name, err)
		}
		if err := os.Rename(half, paths[f.Name]); err != nil {
			return nil, fmt.Errorf("write the %s report: %w", f.Name, err)
		}
	}
	return paths, nil
}

func writeReport(path string, f reports.Format, r *record.Record, v record.Verdict, o reports.Options) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Render(out, r, v, o), out.Close())
}
