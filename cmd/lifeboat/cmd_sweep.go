package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

func (a *app) sweepRequest(kit drills.Kit) drills.SweepRequest {
	return drills.SweepRequest{Home: a.home, Kit: kit, Log: a.log()}
}

func (a *app) sweepCommand() *cobra.Command {
	dry, kept := false, false
	c := &cobra.Command{
		Use: "sweep", Short: "Remove what dead drills left behind",
		Long: "Heals and removes what belongs to drills whose owner is dead or whose deadline is over; nothing else.\n" +
			"What lifeboat drill --keep left stays until its deadline; --kept removes that of this home, too.\n" +
			"Every start of lifeboat drill does the same first, with those drills that are not known to be clean.\n" + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req := a.sweepRequest(a.kit())
			req.DryRun, req.Kept, req.All = dry, kept, true
			swept, err := drills.SweepAll(cmd.Context(), req)
			if !dry {
				_, e := drills.LogAll(a.home, true, a.sealing())
				err = errors.Join(err, e)
			}
			left := false
			for _, s := range swept {
				left = left || len(s.Left) > 0
				if a.json {
					if err := json.NewEncoder(a.stdout).Encode(s); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(a.stdout, "%s: %s\n", clean(s.Drill), clean(s.What()))
				for _, l := range s.Left {
					fmt.Fprintf(a.stdout, "  still there: %s %s: %s; by hand: %s\n", clean(l.What), clean(l.Name), clean(l.Error),
						clean(l.Fix))
				}
			}
			if len(swept) == 0 && err == nil && !a.json {
				fmt.Fprintln(a.stdout, "nothing to sweep")
			}
			if left { // what is in the way is told with each thing
				return &exitError{exitLeft}
			}
			return err
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would be removed, remove nothing")
	c.Flags().BoolVar(&kept, "kept", false, "also what lifeboat drill --keep left for looking, before its deadline")
	return c
}

// remains lists what on the engine still carries a drill's label.
func remains(ctx context.Context, log *slog.Logger, s ledger.Scope) ([]string, error) {
	e, err := docker.Open(log)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	left, err := e.Leftovers(ctx, s.Drill)
	var names []string
	for _, l := range left {
		if !l.OwnedBy(s.Owner.String()) {
			continue
		}
		names = append(names, l.What+" "+l.Name)
	}
	return names, err
}

// strays removes what carries the label of a dead drill of another home: the
// owner and the deadline are on the label. What has no owner to ask is left alone.
func strays(ctx context.Context, log *slog.Logger, home string, dry bool) ([]drills.Swept, error) {
	e, err := docker.Open(log)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	all, err := e.Leftovers(ctx, "")
	if err != nil {
		return nil, err
	}
	byDrill := map[string]*drills.Swept{}
	for _, l := range all {
		dead, why := abandoned(l)
		if !dead || exists(filepath.Join(home, "drills", l.Drill)) { // those of this home went by their ledger
			continue
		}
		if l.Home != "" && drills.Kept(l.Home) { // somebody still looks at them
			continue
		}
		s := byDrill[l.Drill]
		if s == nil {
			s = &drills.Swept{Drill: l.Drill, Why: why, DryRun: dry}
			byDrill[l.Drill] = s
		}
		s.Entries = append(s.Entries, l.What+" "+l.Name)
		if dry {
			continue
		}
		if err := e.Remove(ctx, l); err == nil || errors.Is(err, ledger.ErrGone) {
			s.Removed++
		} else {
			s.Left = append(s.Left, record.CleanupEvent{What: l.What, Name: l.Name, State: "failed", Error: err.Error(), Fix: l.Fix})
		}
	}
	var swept []drills.Swept
	for _, id := range slices.Sorted(maps.Keys(byDrill)) {
		swept = append(swept, *byDrill[id])
	}
	return swept, nil
}

func abandoned(l docker.Leftover) (bool, string) {
	owner, err := ledger.ParseOwner(l.Owner)
	if err != nil {
		return false, ""
	}
	return ledger.Scope{Drill: l.Drill, Owner: owner, Deadline: l.Deadline}.Abandoned(time.Now())
}
