package evidence

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/signing"
)

// soon is how long after it was said an addendum is logged without a word: both are one act.
const soon = time.Hour

// addenda checks what was said of drills after they were sealed.
func (a *auditing) addenda(ctx context.Context) {
	drills := map[string]Leaf{}
	seen := map[string]bool{}
	all := a.inOrder()
	for _, l := range all {
		if l.Kind == KindDrill {
			drills[l.ID] = l
		}
	}
	holds := a.Bundle.spoken(all)
	for _, l := range all {
		switch {
		case l.Kind != KindAddendum || !holds(l) || !id.MatchString(l.ID):
		case seen[l.ID]:
			a.wrong("leaf_twice", "drill", l.ID, "index", strconv.FormatInt(l.Index, 10))
		default:
			seen[l.ID] = true
			a.addendum(ctx, l, drills)
		}
	}
}

// addendum checks one. drills are those of the log, as far as it is shown.
func (a *auditing) addendum(ctx context.Context, l Leaf, drills map[string]Leaf) {
	name := "addenda/" + l.ID + "/" + addendumName
	if _, there := a.files[name]; !there {
		a.wrong("addendum_missing", "addendum", l.ID, "drill", l.Drill)
		return
	}
	raw, ok := a.read(name, mostEnvelope)
	if !ok {
		return
	}
	if is := digest(raw); is != l.Manifest {
		a.wrong("addendum_changed", "addendum", l.ID, "drill", l.Drill)
		return
	}
	said, payload, err := parseAddendum(raw)
	if err != nil {
		a.wrong("addendum_odd", "addendum", l.ID, "drill", l.Drill, "why", err.Error())
		return
	}
	x := said.Predicate
	for _, c := range []struct{ what, log, says string }{
		{"addendum", l.ID, x.ID}, {"drill", l.Drill, x.Drill}, {"series", l.Series, x.Series}, {"number", strconv.Itoa(l.Number), strconv.Itoa(x.Number)},
		{"time", l.Started.String(), x.At.String()}, {"digest", l.Head, strings.TrimPrefix(digest(payload), "sha256:")},
	} {
		if c.log != c.says {
			a.wrong("addendum_says", "addendum", l.ID, "what", c.what, "says", c.log, "is", c.says)
		}
	}
	a.about(l, said, drills)
	r := AddendumResult{Addendum: x, Index: l.Index, Logged: l.Logged}
	if by := a.author(ctx, l, x, raw); by != nil {
		r.By = by.Name
		if x.Kind == SignOff || x.Kind == Approval {
			one := *by
			one.Roles = []string{x.Role}
			a.said[x.Drill] = append(a.said[x.Drill], one)
		}
	}
	a.Addenda = append(a.Addenda, r)
}

// about holds an addendum against the drill that it speaks of, and its time against the log.
func (a *auditing) about(l Leaf, said *addendumStatement, drills map[string]Leaf) {
	d, logged := drills[l.Drill]
	switch {
	case !logged && (!a.Bundle.Whole() || a.Bundle.First == 0), logged && d.Index > l.Index:
		a.wrong("addendum_early", "addendum", l.ID, "drill", l.Drill)
	case !logged:
		a.notice("addendum_elsewhere", "addendum", l.ID, "drill", ascii(l.Drill))
	case len(said.Subject) == 0 || "sha256:"+said.Subject[0].Digest["sha256"] != d.Manifest || d.Series != l.Series:
		a.wrong("addendum_other", "addendum", l.ID, "drill", l.Drill)
	case l.Started.Before(d.Logged):
		a.wrong("addendum_backdated", "addendum", l.ID, "at", l.Started.Format(time.RFC3339), "logged", d.Logged.Format(time.RFC3339))
	}
	switch after := l.Logged.Sub(l.Started); {
	case after > late:
		a.wrong("addendum_backdated", "addendum", l.ID, "at", l.Started.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
	case after > soon:
		a.notice("addendum_late", "addendum", l.ID, "at", l.Started.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
	}
}

// author is the trusted key that signed an addendum, in a role that it has; nil: nobody who is believed.
func (a *auditing) author(ctx context.Context, l Leaf, x Addendum, raw []byte) *signing.Trusted {
	e, payload, err := signing.ParseEnvelope(raw)
	if err == nil && len(e.Signatures) != 1 {
		err = fmt.Errorf("it has %d signatures, and one author", len(e.Signatures))
	}
	if err != nil {
		a.wrong("addendum_odd", "addendum", l.ID, "drill", l.Drill, "why", err.Error())
		return nil
	}
	if a.Trust == nil {
		return nil
	}
	by, unknown, err := a.Trust.Signers(ctx, e, payload)
	switch {
	case err != nil:
		a.wrong("addendum_forged", "addendum", l.ID, "drill", l.Drill, "why", err.Error())
	case len(unknown) > 0:
		a.wrong("addendum_untrusted", "addendum", l.ID, "drill", l.Drill, "key", ascii(unknown[0]))
	case x.Key != by[0].ID():
		a.wrong("addendum_forged", "addendum", l.ID, "drill", l.Drill, "why", "it names the key "+ascii(x.Key)+" and is signed by "+by[0].ID())
	case len(by[0].Roles) > 0 && !slices.Contains(by[0].Roles, x.Role):
		a.wrong("addendum_role", "addendum", l.ID, "drill", l.Drill, "role", ascii(x.Role), "by", by[0].Name)
	default:
		return &by[0]
	}
	return nil
}

// together are those who signed a statement and those who signed it off, each key once with every role in which it did.
func together(signed, said []signing.Trusted) (all []signing.Trusted) {
	at := map[string]int{}
	for _, k := range slices.Concat(signed, said) {
		i, there := at[k.ID()]
		if !there {
			i = len(all)
			at[k.ID()], all = i, append(all, signing.Trusted{Name: k.Name, Public: k.Public, Verifier: k.Verifier})
		}
		all[i].Roles = append(all[i].Roles, k.Roles...)
	}
	return all
}

// operates is the role of whoever runs drills.
const operates = "operator"

// duties computes whether who ran a drill also stands for it in another role. That is no manipulation, and where a pipeline does both it is
// as it must be; a reader is told.
func (a *auditing) duties(drill string, h record.Header, signed []signing.Trusted) {
	ran := map[string]bool{}
	for _, k := range signed {
		ran[k.ID()] = len(k.Roles) == 0 || slices.Contains(k.Roles, operates)
	}
	people := map[string]bool{}
	for role, who := range h.People {
		for _, name := range strings.FieldsFunc(who, func(r rune) bool { return strings.ContainsRune(",;、，；", r) }) {
			if role == "operators" || role == operates || role == "commander" {
				people[strings.ToLower(strings.TrimSpace(name))] = true
			}
		}
	}
	for _, k := range a.said[drill] {
		if k.Roles[0] == operates {
			ran[k.ID()] = true
		}
	}
	for _, k := range a.said[drill] {
		if k.Roles[0] != operates && (ran[k.ID()] || people[strings.ToLower(strings.TrimSpace(k.Name))]) {
			a.notice("self_approval", "drill", drill, "by", k.Name, "role", k.Roles[0])
		}
	}
}
