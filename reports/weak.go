package reports

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lifeboat/drills/record"
)

// Weaknesses are what weakens a proof: what the judge names, and what its rules leave standing and a reader must be told. They decide
// nothing. Of a drill that did not pass there is no proof to be weakened but what the judge names.
func Weaknesses(r *record.Record, v record.Verdict) []record.Reason {
	all := append([]record.Reason{}, v.Weak...)
	if v.Status != record.StatusPassed {
		return all
	}
	return append(all, slices.Concat(wideLimits(v), thinReasons(v), littleAsked(r), noUpgrade(r), otherBackups(r), parts(r))...)
}

func (a author) weaknesses() []record.Reason { return Weaknesses(a.r, a.v) }

func weakness(id string, args ...string) []record.Reason {
	r := record.Reason{ID: "weak." + id, Args: map[string]string{}}
	for i := 0; i+1 < len(args); i += 2 {
		r.Args[args[i]] = args[i+1]
	}
	return []record.Reason{r}
}

// A limit is wide from which on nobody would call it kept: a week for what users wait for, a month for how old data may be.
const (
	wideWait = 7 * 24 * time.Hour
	wideAge  = 31 * 24 * time.Hour
)

// wideLimits are objectives that nearly anything would hold.
func wideLimits(v record.Verdict) (all []record.Reason) {
	for _, o := range v.Objectives {
		wide := wideWait
		if o.Name == "age" || o.Name == "data_loss" {
			wide = wideAge
		}
		if o.Status == record.StatusPassed && !o.Unlimited && o.Limit >= wide {
			all = append(all, weakness("limit", "objective", o.Name, "limit", o.Limit.String())...)
		}
	}
	return all
}

// thinReasons are exclusions that say nothing: fewer than two words, or than four Chinese characters.
func thinReasons(v record.Verdict) (all []record.Reason) {
	for _, x := range v.Excluded {
		wide := utf8.RuneCountInString(x.Reason) != len(x.Reason)
		if wide && utf8.RuneCountInString(x.Reason) < 4 || !wide && len(strings.Fields(x.Reason)) < 2 {
			all = append(all, weakness("excluded", "layer", string(x.Layer), "reason", x.Reason)...)
		}
	}
	return all
}

// little are answers that a broken system gives as well: something is there, something answered, how much it was nobody held against anything.
var little = map[string]bool{"table %s has %d rows": true, "recorded: table %s has %d rows": true, "%s ended with exit code %d": true,
	"%s takes connections": true, "%s answered %d, %d bytes": true, "%s is there, %d bytes": true}

// littleAsked are layers of which every check asks little; what each asked and was told is printed.
func littleAsked(r *record.Record) (all []record.Reason) {
	for _, layer := range []record.Layer{record.LayerData, record.LayerBusiness} {
		var asked []record.Reason
		much := false
		for _, c := range r.Header.Checks {
			var last *record.CheckResult
			for i := range r.Checks {
				if x := &r.Checks[i]; c.Layer == layer && x.Name == c.Name && x.Layer == layer {
					last = x
				}
			}
			if last == nil {
				continue
			}
			much = much || last.Said == nil || !little[last.Said.Form]
			asked = append(asked, weakness("asks_little", "layer", string(layer), "check", c.Name, "message", last.Message)...)
		}
		if !much {
			all = append(all, asked...)
		}
	}
	return all
}

// noUpgrade: a way back from an upgrade was rehearsed, and nothing was upgraded.
func noUpgrade(r *record.Record) []record.Reason {
	t := r.Header.Trigger
	if t != record.TriggerUpgrade && t != record.TriggerFault {
		return nil
	}
	for _, s := range r.Steps {
		if s.Phase == record.PhaseUpgrade {
			return nil
		}
	}
	for _, i := range r.Header.Incidents { // of its own
		if len(i.Upgrade) > 0 {
			return nil
		}
	}
	return weakness("no_upgrade")
}

// otherBackups are instances that the rollback restored from another restore point than those of which they were made.
func otherBackups(r *record.Record) (all []record.Reason) {
	made := map[string][]record.RestoreFact{}
	for _, x := range r.Restores {
		switch x.During {
		case record.PhaseRestore:
			made[x.Subject.Instance] = append(made[x.Subject.Instance], x)
		case record.PhaseRollback:
			parts := made[x.Subject.Instance]
			if len(parts) == 0 {
				continue
			}
			was := parts[max(0, slices.IndexFunc(parts, func(p record.RestoreFact) bool { return p.Backup == x.Backup }))]
			if was.Backup != x.Backup || was.Digest != x.Digest && was.Digest != "" && x.Digest != "" {
				all = append(all, weakness("other_backup", "instance", x.Subject.Instance, "before", was.Backup+" "+was.Point, "after", x.Backup+" "+x.Point)...)
			}
		}
	}
	return all
}

// parts are backups of which only a part was restored: what else they hold was not looked at.
func parts(r *record.Record) (all []record.Reason) {
	for _, x := range r.Restores {
		if x.Part == nil || slices.ContainsFunc(all, func(w record.Reason) bool { return w.Args["backup"] == x.Backup }) {
			continue
		}
		all = append(all, weakness("part", "backup", x.Backup, "only", x.Part.Only, "left", x.Part.Left)...)
	}
	return all
}
