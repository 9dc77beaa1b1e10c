package objective

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func (s *story) events(t testing.TB) []record.Event {
	t.Helper()
	lines := slices.Clone(s.lines)
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	lines = append([]line{{0, record.ActorLifeboat, record.KindOpened, record.Subject{}, s.h}}, lines...)
	var events []record.Event
	for i, l := range lines {
		raw, err := json.Marshal(l.data)
		require.NoError(t, err)
		events = append(events, record.Event{Seq: int64(i + 1), Elapsed: l.at, Wall: start.Add(l.at), Actor: l.actor,
			Kind: l.kind, Subject: l.subject, Data: raw})
	}
	return events
}

func (s *story) record(t testing.TB) *record.Record {
	t.Helper()
	r, err := record.Build(s.events(t))
	require.NoError(t, err)
	return r
}

// judge judges the story and checks that the verdict speaks only in messages of the table.
func (s *story) judge(t testing.TB) record.Verdict {
	t.Helper()
	v := Judge(s.record(t))
	spoken(t, v)
	return v
}

func spoken(t testing.TB, v record.Verdict) {
	t.Helper()
	check := func(id string, use Use, a map[string]string) {
		i := slices.IndexFunc(Messages, func(m Message) bool { return m.ID == id })
		if !assert.GreaterOrEqual(t, i, 0, "%q is not in the table", id) {
			return
		}
		names := []string{}
		for k := range a {
			names = append(names, k)
		}
		assert.ElementsMatch(t, Messages[i].Args, names, "arguments of %s", id)
		assert.Contains(t, Messages[i].Uses, use, "use of %s", id)
	}
	require.NotEmpty(t, v.Reasons)
	for _, r := range v.Reasons {
		check(r.ID, UseReason, r.Args)
	}
	for _, f := range v.Findings {
		check(f.ID, UseFinding, f.Args)
	}
	for _, n := range v.Unmeasured {
		check(n.ID, UseNote, n.Args)
	}
	for _, n := range v.Weak {
		check(n.ID, UseWeak, n.Args)
	}
	for _, o := range v.Observations {
		check(o.ID, UseObservation, o.Args)
	}
	for _, o := range v.Objectives {
		if o.Note != nil {
			check(o.Note.ID, UseNote, o.Note.Args)
		}
	}
}

func ids(v record.Verdict) []string {
	var list []string
	for _, r := range v.Reasons {
		list = append(list, r.ID)
	}
	return list
}

func judged(t testing.TB, v record.Verdict, name string) record.Judged {
	t.Helper()
	for _, o := range v.Objectives {
		if o.Name == name {
			return o
		}
	}
	require.Fail(t, "objective is not in the verdict", name)
	return record.Judged{}
}

// What a red stretch showed is said once: where one check failed and nothing else was seen, its name is the first error, too.
func TestARedStretchIsToldOnce(t *testing.T) {
	facts := func(last string, names ...string) *record.RedFacts {
		f := &record.RedFacts{Last: last}
		for _, n := range names {
			f.Failed = append(f.Failed, record.FailedCheck{Name: n, Count: 3})
		}
		return f
	}
	for name, tc := range map[string]struct {
		why             string
		facts           *record.RedFacts
		first, last, is string
	}{
		"one check, nothing else": {"log in", facts("", "log in"), "", "", "log in ×3"},
		"the same at the end":     {"log in", facts("log in", "log in"), "", "", "log in ×3"},
		"another one at the end":  {"log in", facts("log in: timeout", "log in"), "log in", "log in: timeout", "log in ×3"},
		"with an error":           {"log in: timeout", facts("", "log in"), "log in: timeout", "", "log in ×3"},
		"one of two":              {"log in", facts("", "log in", "pay"), "log in", "", "log in ×3, pay ×3"},
		"a journal of old":        {"log in", nil, "log in", "", ""},
	} {
		a := told(record.Stretch{Why: tc.why, Facts: tc.facts}, args{})
		assert.Equal(t, args{"why": tc.first, "last": tc.last, "checks": tc.is}, a, name)
	}
}
