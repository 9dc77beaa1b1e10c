package main

import (
	"path/filepath"
	"slices"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
	"lifeboat/scenarios"
)

// standing prints how every backup of a catalogue stands.
func (a *app) standing(c *scenarios.Catalogue, lang reports.Language) error {
	nights, unread := a.nights(c)
	planned, err := a.entries(c)
	if err != nil {
		return err
	}
	all := night.Stand(planned, nights, buildID(), c.Every.Std(), time.Now())
	for i := range all {
		if s := &all[i]; slices.Contains([]night.State{night.Proved, night.InPart, night.Changed}, s.State) {
			for _, p := range s.Speak {
				if _, stands := a.judged(p); !stands {
					s.State = night.NotProved
				}
			}
		}
	}
	print := reports.StandingTerminal
	if a.json {
		print = reports.StandingJSON
	}
	if err := print(a.stdout, all, reports.Options{Language: lang, Width: a.width(), Color: a.color()}); err != nil {
		return err
	}
	if unread != nil {
		a.log().Error("some nights cannot be read: what they say of the backups is not known; move their folders out of nights/ once it is clear why",
			"error", unread)
	}
	if code := standingCode(all, unread); code != exitPassed {
		return &exitError{code}
	}
	return nil
}

// standingCode is the exit code of the worst. Where a night cannot be read, it may say that a backup failed.
func standingCode(all []night.Standing, unread error) int {
	code := exitPassed
	if unread != nil {
		code = exitInconclusive
	}
	for _, s := range all {
		switch s.State {
		case night.Proved:
		case night.Failed:
			code = worse(code, exitFailed)
		default:
			code = worse(code, exitInconclusive)
		}
	}
	return code
}

// nights are those of a catalogue, by its name and its file.
func (a *app) nights(c *scenarios.Catalogue) ([]*night.Night, error) {
	file, err := filepath.Abs(c.File)
	if err != nil {
		return nil, err
	}
	return night.List(a.home, c.Name, file)
}

// judged judges the drill of a proof again, and tells whether it is there with the journal that it had, and says the same.
func (a *app) judged(p night.Proof) (r *record.Record, stands bool) {
	r, v, err := drills.Judge(filepath.Join(a.home, "drills", p.Drill))
	return r, err == nil && r.Journal.Digest == p.Journal && v.Status == p.Status
}

// entries are the backups of a catalogue as a night plans them.
func (a *app) entries(c *scenarios.Catalogue) ([]night.Planned, error) {
	all := make([]night.Planned, len(c.Backups))
	for i, b := range c.Backups {
		s, err := a.checkRun(c, i)
		if err != nil {
			return nil, err
		}
		all[i] = night.Planned{Backup: b.Name, Scenario: s.Digest, Which: b.Points.String(), Owner: b.Owner, Controls: b.Controls}
	}
	return all, nil
}
