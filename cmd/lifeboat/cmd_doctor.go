package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"lifeboat/drills/instance"
)

// diagnosis is one ability of this host.
type diagnosis struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"` // not, in a sentence
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what this host can do, and why not",
		Long: "Asks every back-end whether it works here, and boots and removes a sealed machine of its own.\n" +
			"It needs no image and asks no registry.\n" + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			kit := a.kit()
			var tried bool // what machines of all kinds stand in, once
			var trial error
			var all []diagnosis
			add := func(what string, err error) {
				d := diagnosis{What: what, OK: err == nil}
				if err != nil {
					d.Why = err.Error()
				}
				all = append(all, d)
			}
			for _, kind := range slices.Sorted(maps.Keys(kit.Instances)) {
				driver, err := kit.Instances[kind].New(instance.Site{Log: a.log()})
				if err == nil {
					err = driver.Ready(cmd.Context())
				}
				base := driver
				if g, ok := instance.As[instance.Layered](driver); ok && err == nil {
					base = g.Base()
				}
				if t, ok := instance.As[instance.Trier](base); ok && err == nil {
					if !tried {
						tried, trial = true, t.Try(cmd.Context())
					}
					err = trial
				}
				if c, ok := driver.(io.Closer); ok && driver != nil {
					_ = c.Close()
				}
				add("instances: "+kind, err)
			}
			_, err := sidecar()
			add("k6 sidecar", err)
			bad := false
			for _, d := range all {
				bad = bad || !d.OK
				if a.json {
					if err := json.NewEncoder(a.stdout).Encode(d); err != nil {
						return err
					}
					continue
				}
				line := d.What + ": ok"
				if !d.OK {
					line = d.What + ": no: " + d.Why
				}
				fmt.Fprintln(a.stdout, line)
			}
			if bad {
				return &exitError{exitUsage}
			}
			return nil
		},
	}
}
