package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/drills"
)

func (a *app) planCommand() *cobra.Command {
	var files string
	c := &cobra.Command{
		Use: "plan SCENARIO", Short: "Show what a drill would do, and what this host cannot do",
		Long: "Resolves everything and changes nothing: restore points, boots, faults, limits, checks.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.load(args[0], files)
			if err != nil {
				return err
			}
			p, err := drills.NewPlan(cmd.Context(), a.kit(), s)
			if err != nil {
				return err
			}
			outline := p.Outline()
			if a.json {
				err = json.NewEncoder(a.stdout).Encode(outline)
			} else {
				_, err = fmt.Fprint(a.stdout, printed(outline.String()))
			}
			if err == nil && len(outline.Cannot) > 0 {
				return &exitError{exitUsage}
			}
			return err
		},
	}
	filesFlag(c, &files)
	return c
}

func scenarioName(path string) string {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
