package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lifeboat/drills"
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
