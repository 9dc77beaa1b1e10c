package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/reports"
)

func (a *app) auditStatus() *cobra.Command {
	c := &cobra.Command{
		Use: "status PROGRAMME", Short: "How a programme stands: what must be drilled how often, and what is overdue",
		Long: "Judges the journals of this home again and says of each line of the programme when it passed last, and by when the next one\n" +
			"must have. 0: nothing is overdue; 1: something is, or failed since it passed last, or never passed. What restored a part of a\n" +
			"backup (only:) fulfils a line that says part: true, and a night that left backups out none, until others have proved those.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			lang, err := a.lang()
			if err != nil {
				return err
			}
			p, err := evidence.ReadProgramme(args[0])
			if err != nil {
				return err
			}
			runs, unread, err := a.runs()
			if err != nil {
				return err
			}
			all := p.Stand(runs, time.Now())
			if a.json {
				err = json.NewEncoder(a.stdout).Encode(all)
			} else {
				err = reports.Programme(a.stdout, p.Name, all, reports.Options{Language: lang, Width: a.width(), Color: a.color()})
			}
			if slices.ContainsFunc(all, func(s evidence.DutyStanding) bool { return reports.DutyLate(s.State) }) {
				return errors.Join(err, &exitError{exitFailed})
			}
			if unread != nil { // one of them may be what failed since
				a.log().Error("some drills or nights cannot be read: what they say of the programme is not known", "error", unread)
				err = errors.Join(err, &exitError{exitInconclusive})
			}
			return err
		},
	}
	return c
}

// runs are the drills and nights of this home; unread are those whose journals cannot be read.
func (a *app) runs() (all []evidence.Run, unread, err error) {
	past, err := drills.History(a.home, buildID())
	if err != nil {
		return nil, nil, err
	}
	for _, p := range past {
		if p.Error != "" {
			unread = errors.Join(unread, fmt.Errorf("drill %s: %s", p.Drill, p.Error))
			continue
		}
		all = append(all, evidence.Run{ID: p.Drill, Series: p.Series, Scenario: p.Scenario, Started: p.Started, Verdict: p.Verdict, Part: p.Part})
	}
	nights, more := evidence.Nights(a.home)
	return append(all, nights...), errors.Join(unread, more), nil
}

func (a *app) auditProgramme() *cobra.Command {
	return &cobra.Command{
		Use: "programme FILE", Short: "Enter a programme into the log, so that it is known what was planned before it is run",
		Long: "From then on each bundle of a period has the programme in it, and verify holds what was run against it: where something was\n" +
			"overdue, for how long, and what explains that. One that is in force already stays so; another one of its name takes its place.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := evidence.EnterProgramme(a.home, args[0], a.sealing())
			if err != nil {
				return err
			}
			return a.say(map[string]string{"programme": id, "file": args[0]}, "audit.planned")
		},
	}
}
