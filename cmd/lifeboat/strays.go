package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

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
