package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/scenarios"
)

func (a *app) validateCommand() *cobra.Command {
	var files string
	c := &cobra.Command{
		Use: "validate SCENARIO...", Short: "Check scenario files: every problem at once, with its place",
		Long: "Reads scenario files and reports everything that is wrong with them. Changes nothing, starts nothing\n" +
			"and asks neither stores nor this host; lifeboat plan does.\n" +
			exitHelp,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var all scenarios.Problems
			foreseen, notes := map[string][]string{}, map[string][]string{}
			for _, arg := range parts(args) {
				s, err := a.load(arg, files)
				if err == nil {
					if said := drills.Foresee(a.kit(), s); len(said) > 0 {
						foreseen[arg] = said
					}
					if len(s.Notes) > 0 {
						notes[arg] = s.Notes
					}
				}
				var problems scenarios.Problems
				switch {
				case errors.As(err, &problems):
					for _, p := range problems { // drills of one file have most of their mistakes in common
						if !slices.Contains(all, p) {
							all = append(all, p)
						}
					}
				case err != nil:
					return err
				case !a.json:
					fmt.Fprintf(a.stdout, "%s: ok\n", arg)
					for _, said := range slices.Concat(foreseen[arg], notes[arg]) {
						fmt.Fprintf(a.stdout, "%s: note: %s\n", arg, printed(said))
					}
				}
			}
			if len(all) > 0 {
				return all
			}
			if a.json {
				out := map[string]any{"valid": true, "files": args}
				if len(foreseen) > 0 {
					out["foreseen"] = foreseen
				}
				if len(notes) > 0 {
					out["notes"] = notes
				}
				return json.NewEncoder(a.stdout).Encode(out)
			}
			return nil
		},
	}
	filesFlag(c, &files)
	return c
}

// filesFlag says where shipped scenarios find their backups.
func filesFlag(c *cobra.Command, files *string) {
	c.Flags().StringVar(files, "files", ".", "folder with the backups/ of shipped scenarios")
}
