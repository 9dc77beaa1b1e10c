package main

import (
	"encoding/json"
	"fmt"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/drills"
)

// who is the person at this terminal, as the system knows them.
func who() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (a *app) approveCommand() *cobra.Command {
	answer := drills.Answer{Outcome: drills.Outcomes()[0], By: who()}
	c := &cobra.Command{
		Use: "approve DRILL", Short: "Decide what a waiting drill does: the commander's word",
		Long: "Answers a drill whose scenario says decide: {by: person}. The waiting was on the clock until now.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.tell(args[0], "decided: "+answer.Outcome, func(id string) error { return drills.Approve(a.home, id, answer) })
		},
	}
	c.Flags().StringVar(&answer.Outcome, "outcome", answer.Outcome, "one of "+strings.Join(drills.Outcomes(), ", "))
	c.Flags().StringSliceVar(&answer.Scope, "scope", nil, "instances that the decision is about")
	c.Flags().StringVar(&answer.Reason, "reason", "", "why; stands in the record")
	c.Flags().StringVar(&answer.By, "by", answer.By, "who decides; stands in the record")
	return c
}

func (a *app) noteCommand() *cobra.Command {
	by := who()
	c := &cobra.Command{
		Use: "note DRILL TEXT", Short: "Write a note into the journal of a running drill",
		Long: "For what lifeboat cannot measure: a vendor called, management told.\n" + exitHelp,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.tell(args[0], "noted", func(id string) error {
				return drills.AddNote(a.home, id, drills.Message{Text: args[1], By: by})
			})
		},
	}
	c.Flags().StringVar(&by, "by", by, "who writes; stands in the record")
	return c
}

func (a *app) abortCommand() *cobra.Command {
	by, reason := who(), "aborted by hand"
	c := &cobra.Command{
		Use: "abort DRILL", Short: "End a running drill: heal, clean up, seal as aborted",
		Long: "The drill ends as with Ctrl-C: it heals, cleans up, and seals what it measured so far.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.tell(args[0], "asked to abort", func(id string) error {
				return drills.Abort(a.home, id, drills.Message{Text: reason, By: by})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", reason, "why; stands in the record")
	c.Flags().StringVar(&by, "by", by, "who aborts; stands in the record")
	return c
}

// tell finds the drill, leaves the message, and says so.
func (a *app) tell(id, done string, leave func(id string) error) error {
	dir, err := a.drillDir(id)
	if err != nil {
		return err
	}
	if drills.Ended(dir) {
		return fmt.Errorf("drill %s has ended: nobody reads its inbox any more", filepath.Base(dir))
	}
	if err := leave(filepath.Base(dir)); err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(map[string]string{"drill": filepath.Base(dir), "done": done})
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s\n", filepath.Base(dir), done)
	return err
}
