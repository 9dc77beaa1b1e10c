package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
)

func (a *app) auditAddendum() *cobra.Command {
	var k keyOptions
	var x evidence.Addendum
	c := &cobra.Command{
		Use:   "addendum KIND DRILL --role ROLE --key KEY",
		Short: "Say something of a sealed drill, signed: " + strings.Join(evidence.AddendumKinds(), ", "),
		Long: "Nothing that was sealed is ever edited: what people say of it later is signed and entered into the log by itself. A finding has a\n" +
			"severity, an owner and a due date, and is closed by a later drill alone that names it (drill --retest) and passes. Of whoever\n" +
			"ran a drill and also signs it off in another role, verify says so.\n" + exitHelp,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := k.signer()
			if err != nil {
				return err
			}
			if _, err := drills.LogAll(a.home, true, a.sealing()); err != nil {
				return fmt.Errorf("complete the log: %w", err)
			}
			dir, err := a.drillDir(args[1])
			if err != nil {
				return err
			}
			x.Kind, x.Drill = args[0], filepath.Base(dir)
			said, err := evidence.Add(cmd.Context(), a.home, x, a.sealing(), s)
			if err != nil {
				return err
			}
			told := map[string]string{"addendum": said.ID, "kind": said.Kind, "drill": said.Drill, "role": said.Role, "at": said.At.Format(time.RFC3339), "id": said.Key}
			if said.Number > 0 {
				told["finding"] = evidence.FindingName(said.Number)
			}
			return a.say(told, "audit.said")
		},
	}
	f := c.Flags()
	f.StringVar(&x.Role, "role", "", "in which you speak: operator, reviewer, management; whoever verifies knows which roles your key has")
	f.StringVar(&x.Text, "text", "", "what you say")
	f.StringVar(&x.Ticket, "ticket", "", "of an approval: the change that it belongs to")
	f.StringVar(&x.Severity, "severity", "", "of a finding: "+strings.Join(evidence.Severities(), ", "))
	f.StringVar(&x.Owner, "owner", "", "of a finding: who mends it")
	f.StringVar(&x.Due, "due", "", "of a finding: by the end of which day it must be closed, such as 2026-10-31")
	k.flags(c, "signs it")
	_ = c.MarkFlagRequired("key")
	return c
}
