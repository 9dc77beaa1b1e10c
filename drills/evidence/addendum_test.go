package evidence_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
)

// spoken is a quarter of which people said something afterwards, by keys with roles.
type spoken struct {
	*quarter
	ops, zhao, boss signing.Signer
	failed, passed  string
	retest          string // a drill that passed after the findings, and names none
	now             time.Time
}

func newSpoken(t testing.TB) *spoken {
	t.Helper()
	q := newQuarter(t)
	s := &spoken{quarter: q, ops: newKey(t), zhao: newKey(t), boss: newKey(t), failed: q.of("shop", 5), passed: q.of("shop", 8), now: end.Add(time.Hour)}
	q.trust = &signing.Trust{Keys: []signing.Trusted{{Name: "log", Verifier: q.key.Verifier(), Roles: []string{"log"}},
		{Name: "ops", Verifier: s.ops.Verifier(), Roles: []string{"operator", "reviewer"}},
		{Name: "Zhao Min", Verifier: s.zhao.Verifier(), Roles: []string{"reviewer"}}, {Name: "boss", Verifier: s.boss.Verifier(), Roles: []string{"management"}}}}
	return s
}

// says adds an addendum, an hour after the last.
func (s *spoken) says(by signing.Signer, x evidence.Addendum) *evidence.Addendum {
	s.t.Helper()
	s.now = s.now.Add(time.Hour)
	said, err := evidence.Add(context.Background(), s.home, x, evidence.Sealing{Tool: "0.1.0", Build: build, Now: s.now}, by)
	require.NoError(s.t, err)
	return said
}

func (s *spoken) finding() *evidence.Addendum {
	s.t.Helper()
	return s.says(s.zhao, evidence.Addendum{Kind: evidence.Finding, Drill: s.failed, Role: "reviewer", Text: "the image lacks its configuration 缺少配置文件",
		Severity: "high", Owner: "storage team", Due: "2026-10-15"})
}

// retried runs another drill of the series that names findings, and logs it.
func (s *spoken) retried(vector string, number int, names ...string) string {
	s.t.Helper()
	return s.retriedAs(replay.Drill{}, "shop", vector, number, names...)
}

func (s *spoken) retriedAs(how replay.Drill, series, vector string, number int, names ...string) string {
	s.t.Helper()
	s.now = s.now.Add(24 * time.Hour)
	d := replay.NewDrill(vector, series, number, s.now)
	d.Retest, d.Part = names, how.Part
	require.NoError(s.t, d.Write(vectors, s.home))
	s.now = s.now.Add(12 * time.Hour)
	require.NoError(s.t, evidence.LogDrill(s.home, d.ID, evidence.Sealing{Tool: "0.1.0", Build: build, Now: s.now}))
	return d.ID
}

// What people said after the period of its drills is in the bundle of that period; a statement of each is one to in-toto's module.
func TestAddenda(t *testing.T) {
	t.Parallel()
	s := newSpoken(t)
	s.finding()
	s.says(s.boss, evidence.Addendum{Kind: evidence.Approval, Drill: s.passed, Role: "management", Ticket: "CHG-1042"})
	s.says(s.zhao, evidence.Addendum{Kind: evidence.RootCause, Drill: s.failed, Role: "reviewer", Text: "the upgrade package drops pg_hba.conf"})
	bundle := s.exported()
	got := s.verified(bundle)
	require.Empty(t, got.Wrong)
	assert.Equal(t, []string{"no_checkpoint", "no_programme"}, idsOf(got.Notices))
	require.Len(t, got.Addenda, 3)
	assert.Equal(t, []string{"Zhao Min", "boss", "Zhao Min"}, []string{got.Addenda[0].By, got.Addenda[1].By, got.Addenda[2].By})
	require.Len(t, got.Findings, 1)
	assert.Equal(t, evidence.FindingOpen, got.Findings[0].State)
	raw := s.read(bundle, "addenda", got.Addenda[0].ID, "addendum.json")
	_, payload, err := signing.ParseEnvelope(raw)
	require.NoError(t, err)
	var st intoto.Statement
	require.NoError(t, protojson.Unmarshal(payload, &st))
	require.NoError(t, st.Validate())
	record := sum(string(s.read(bundle, "drills", s.failed, "record.json")))
	assert.Equal(t, record, st.GetSubject()[1].GetDigest()["sha256"], "it names the digest of the record")

	one := s.verified(s.exported(func(r *evidence.ExportRequest) { r.Bundle = evidence.Bundle{Chosen: []string{s.failed}} }))
	assert.Empty(t, one.Wrong)
	assert.Len(t, one.Addenda, 2)
	later := s.verified(s.exported(func(r *evidence.ExportRequest) { r.From, r.To = end, end.AddDate(0, 3, 0) }))
	assert.Empty(t, later.Wrong)
	assert.Len(t, later.Addenda, 3, "they were said in this period")
	assert.Contains(t, idsOf(later.Notices), "addendum_elsewhere")
	s.trust = nil
	assert.Empty(t, s.verified(bundle).Addenda[0].By)
}

// A finding is closed by a later drill of its series that names it and passed, and by nothing else.
func TestFindings(t *testing.T) {
	t.Parallel()
	s := newSpoken(t)
	f := s.finding()
	assert.Equal(t, 1, f.Number)
	state := func() string {
		got := s.verified(s.exported(func(r *evidence.ExportRequest) { r.To = end.AddDate(1, 0, 0) }))
		require.Empty(t, got.Wrong)
		require.Len(t, got.Findings, 1)
		return got.Findings[0].State
	}
	assert.ErrorContains(t, evidence.KnownFindings(s.home, "shop", []string{"F1", "F2"}), `no finding "F2" of series "shop": it has F1`)
	s.retried("rollback-failed", 9, "F1")
	assert.Equal(t, evidence.FindingOpen, state(), "the drill that tried it again failed")
	s.retried("everything-held", 10)
	assert.Equal(t, evidence.FindingOpen, state(), "the drill that passed does not name it")
	s.retriedAs(replay.Drill{}, "nightly", "check-run", 10, "F1")
	assert.Equal(t, evidence.FindingOpen, state(), "the drill that passed and names it is of another series, whose F1 is another")
	s.retriedAs(replay.Drill{Part: true}, "shop", "everything-held", 11, "F1")
	assert.Equal(t, evidence.FindingOpen, state(), "the drill that passed restored a part, and what was found was found of the whole")
	s.now = s.now.AddDate(0, 1, 0)
	s.retried("everything-held", 12)
	assert.Equal(t, evidence.FindingOverdue, state())
	closed := s.retried("everything-held", 13, "F1")
	assert.Equal(t, evidence.FindingClosed, state())
	got := s.verified(s.exported()) // its own quarter: the drill that closed it is not in there, and its record in the log is
	assert.Equal(t, evidence.FindingClosed, got.Findings[0].State)
	assert.Equal(t, closed, got.Findings[0].Retests[2])
	assert.Contains(t, idsOf(s.verified(s.exported(func(r *evidence.ExportRequest) { r.From, r.To = s.now.AddDate(0, 0, -5), end.AddDate(1, 0, 0) })).Notices),
		"retest_elsewhere")
}

// Thresholds count those who signed the statement and those who signed it off, each in one place; who ran a drill and approves it is told.
func TestDuties(t *testing.T) {
	t.Parallel()
	s := newSpoken(t)
	s.trust.Require = map[string]int{"operator": 1, "reviewer": 1, "management": 1}
	chosen := func() *evidence.Result {
		return s.verified(s.exported(func(r *evidence.ExportRequest) { r.Bundle = evidence.Bundle{Chosen: []string{s.passed}} }))
	}
	lacking := func() (roles []string) {
		for _, w := range chosen().Wrong {
			require.Equal(t, "audit.role_lacking", w.ID)
			roles = append(roles, w.Args["role"])
		}
		return roles
	}
	_, err := evidence.Sign(context.Background(), s.home, s.passed, build, s.ops, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"management (0 of 1)", "reviewer (0 of 1)"}, lacking())
	s.says(s.boss, evidence.Addendum{Kind: evidence.Approval, Drill: s.passed, Role: "management"})
	s.says(s.ops, evidence.Addendum{Kind: evidence.SignOff, Drill: s.passed, Role: "reviewer"})
	assert.Equal(t, []string{"reviewer (0 of 1)"}, lacking(), "a key fills one place, whatever it says")
	assert.Contains(t, idsOf(chosen().Notices), "self_approval")
	s.says(s.zhao, evidence.Addendum{Kind: evidence.SignOff, Drill: s.passed, Role: "reviewer"})
	assert.Empty(t, lacking())
	assert.True(t, chosen().Verified(), "a deviation is told, and refuses nothing")
}

// What cannot be taken back is looked at before: everything that is wrong is said, and a secret is never signed.
func TestAddendumRefuses(t *testing.T) {
	t.Parallel()
	s := newSpoken(t)
	for want, x := range map[string]evidence.Addendum{
		"choose one of sign-off, approval":       {Kind: "closed", Role: "reviewer"},
		"role is missing":                        {Kind: evidence.SignOff},
		"keys that sign logs":                    {Kind: evidence.SignOff, Role: "log"},
		"text is missing":                        {Kind: evidence.Correction, Role: "reviewer"},
		"ticket belongs to an approval":          {Kind: evidence.SignOff, Role: "reviewer", Ticket: "CHG-1"},
		"belong to a finding":                    {Kind: evidence.SignOff, Role: "reviewer", Owner: "somebody"},
		`severity "dire"`:                        {Kind: evidence.Finding, Role: "reviewer", Text: "x", Severity: "dire", Owner: "a", Due: "2026-10-01"},
		"owner is missing":                       {Kind: evidence.Finding, Role: "reviewer", Text: "x", Severity: "low", Due: "2026-10-01"},
		`due "soon"`:                             {Kind: evidence.Finding, Role: "reviewer", Text: "x", Severity: "low", Owner: "a", Due: "soon"},
		"control characters":                     {Kind: evidence.Correction, Role: "reviewer", Text: "\x1b[2J"},
		"a password in an address":               {Kind: evidence.Correction, Role: "reviewer", Text: "see postgres://shop:hunter2@db/shop"},
		"a private key":                          {Kind: evidence.Correction, Role: "reviewer", Text: "-----BEGIN OPENSSH PRIVATE KEY-----"},
		"at most 4000 characters":                {Kind: evidence.Correction, Role: "reviewer", Text: strings.Repeat("长", 4001)},
		"20260101-000000000-none: it is not sea": {Kind: evidence.SignOff, Role: "reviewer", Drill: "20260101-000000000-none"},
	} {
		if x.Drill == "" {
			x.Drill = s.failed
		}
		_, err := evidence.Add(context.Background(), s.home, x, evidence.Sealing{Now: s.now}, s.zhao)
		assert.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.home, "drills", s.failed, "record.json"), []byte("{}"), 0o600))
	_, err := evidence.Add(context.Background(), s.home, evidence.Addendum{Kind: evidence.SignOff, Role: "reviewer", Drill: s.failed},
		evidence.Sealing{Now: s.now, Build: build}, s.zhao)
	assert.ErrorContains(t, err, "is not what was sealed")
	_, err = os.ReadDir(filepath.Join(s.home, "addenda"))
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing was written")
}

// ofAddenda are manipulations of what people said: with the bundle alone, or with the home, the key of the log, and the key of a person.
var ofAddenda = map[string]struct {
	home bool
	do   func(s *spoken, f *forged)
	want string
}{
	"an addendum taken out": {false, func(_ *spoken, f *forged) { f.gone("addenda/" + f.second) }, "addendum_missing"},
	"with its record": {false, func(_ *spoken, f *forged) {
		f.gone("addenda/" + f.second)
		f.edit("log/leaves.ndjson", withoutLine(f.second))
	}, "leaf_missing"},
	"its words": {false, func(s *spoken, f *forged) { s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.Severity = "low" }) }, "addendum_changed"},
	"a second signature": {false, func(s *spoken, f *forged) {
		f.edit("addenda/"+f.second+"/addendum.json", swap(`"signatures":[`, `"signatures":[{"keyid":"x","sig":"AAAA"},`))
	}, "addendum_changed"},
	"one addendum in another's place": {false, func(s *spoken, f *forged) {
		f.write("addenda/"+f.second+"/addendum.json", f.read(f.path("addenda/"+f.night+"/addendum.json")))
	}, "addendum_changed"},
	"a finding closed by a record of the log": {false, func(s *spoken, f *forged) {
		f.edit("log/leaves.ndjson", swap(`"number":9,`, `"number":9,"retest":["F1"],`))
	}, "leaf_unproved"},
	"a file more beside it": {false, func(_ *spoken, f *forged) { f.write("addenda/"+f.second+"/note.txt", []byte("x")) }, "extra_file"},
	"a finding dropped from home and log": {true, func(s *spoken, f *forged) {
		f.gone("addenda/" + f.second)
	}, "log_shorter"},
	"the first finding dropped, and another kept": {true, func(s *spoken, f *forged) { f.gone("addenda/" + f.second) }, "finding_missing"},
	"a role that the key has not":                 {true, func(s *spoken, f *forged) { s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.Role = "management" }) }, "addendum_role"},
	"signed by a stranger":                        {true, func(s *spoken, f *forged) { s.rewrite(f, s.stranger, func(*evidence.Addendum) {}) }, "addendum_untrusted"},
	"signed by another who is trusted":            {true, func(s *spoken, f *forged) { s.rewrite(f, s.boss, func(*evidence.Addendum) {}) }, "addendum_forged"},
	"under another's key id": {true, func(s *spoken, f *forged) {
		f.edit("addenda/"+f.second+"/addendum.json", swap(s.zhao.Verifier().ID(), s.boss.Verifier().ID()))
	}, "addendum_forged"},
	"dated before the drill was sealed": {true, func(s *spoken, f *forged) {
		s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.At = begin })
	}, "addendum_backdated"},
	"dated three days before it was logged": {true, func(s *spoken, f *forged) {
		s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.At = x.At.AddDate(0, 0, -3) })
	}, "addendum_backdated"},
	"a finding that says that it is closed": {true, func(s *spoken, f *forged) {
		s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.Kind = "closed" })
	}, "log_shorter"},
	"a finding under a number that is taken": {true, func(s *spoken, f *forged) {
		s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.Number = 2 })
	}, "finding_twice"},
	"said of another drill": {true, func(s *spoken, f *forged) { s.rewrite(f, s.zhao, func(x *evidence.Addendum) { x.Drill = s.passed }) }, "addendum_other"},
	"a retest that the drill did not name": {true, func(s *spoken, f *forged) {
		f.object(f.manifest(s.retest), func(m map[string]any) { m["retest"] = []any{"F1"} })
	}, "manifest_says"},
}

// rewrite writes the first finding anew, signed by whoever has that key.
func (s *spoken) rewrite(f *forged, by signing.Signer, change func(*evidence.Addendum)) {
	f.t.Helper()
	name := "addenda/" + f.second + "/addendum.json"
	e := &signing.Envelope{}
	require.NoError(f.t, json.Unmarshal(f.read(f.path(name)), e))
	was, err := base64.StdEncoding.DecodeString(e.Payload)
	require.NoError(f.t, err)
	var st map[string]any
	require.NoError(f.t, json.Unmarshal(was, &st))
	raw, err := json.Marshal(st["predicate"])
	require.NoError(f.t, err)
	var x evidence.Addendum
	require.NoError(f.t, json.Unmarshal(raw, &x))
	change(&x)
	st["predicate"] = x
	payload, err := canonical.Marshal(st)
	require.NoError(f.t, err)
	forged, err := signing.Seal(context.Background(), nil, e.PayloadType, payload, by)
	require.NoError(f.t, err)
	raw, err = json.Marshal(forged)
	require.NoError(f.t, err)
	f.write(name, append(raw, '\n'))
}

// TestManipulatedAddenda: each is found, in words.
func TestManipulatedAddenda(t *testing.T) {
	t.Parallel()
	s := newSpoken(t)
	finding := s.finding()
	other := s.finding()
	s.retest = s.retried("everything-held", 9)
	all := func(r *evidence.ExportRequest) { r.To = end.AddDate(1, 0, 0) }
	pristine := s.exported(all)
	older := s.read(pristine, "log", "checkpoint")
	got := s.verified(pristine, older)
	require.Empty(t, got.Wrong)
	require.Equal(t, evidence.FindingOpen, got.Findings[0].State)
	for name, c := range ofAddenda {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *s.quarter
			own.t = t
			f := &forged{quarter: &own, dir: t.TempDir(), second: finding.ID, night: other.ID, older: older}
			if !c.home {
				require.NoError(t, os.CopyFS(f.dir, os.DirFS(pristine)))
				c.do(s, f)
				found(t, s.trust, f, c.want)
				return
			}
			own.home = f.dir
			require.NoError(t, os.CopyFS(own.home, os.DirFS(s.home)))
			c.do(s, f)
			f.edit("log/entries.ndjson", func(log string) string { return log[:strings.Index(log, `"id":"`+finding.ID)] })
			f.edit("log/entries.ndjson", func(log string) string { return log[:strings.LastIndex(log, "\n")+1] })
			f.gone("log/checkpoints", "addenda/"+finding.ID+"/evidence", "addenda/"+other.ID+"/evidence", f.in(s.retest, "evidence/leaf.json"))
			now := evidence.Sealing{Tool: "0.1.0", Build: build, Now: s.now}
			err := evidence.LogAddenda(own.home, now)
			assert.Equal(t, c.want == "log_shorter" && name != "a finding dropped from home and log", err != nil, "%v", err)
			require.NoError(t, evidence.LogDrill(own.home, s.retest, now))
			found(t, s.trust, &forged{quarter: &own, dir: own.exported(all), older: older}, c.want)
		})
	}
}

// What was said of a drill is read in its order, of other drills nothing is, and one that was changed is not read.
func TestSaid(t *testing.T) {
	q := newQuarter(t)
	drill := strings.TrimPrefix(q.ids[0], "night ")
	none, err := evidence.Said(t.TempDir(), drill)
	require.NoError(t, err)
	assert.Empty(t, none)
	for _, kind := range []string{evidence.RootCause, evidence.SignOff} {
		_, err := evidence.Add(t.Context(), q.home, evidence.Addendum{Kind: kind, Drill: drill, Role: "reviewer", Text: kind}, evidence.Sealing{Build: build, Now: end}, q.key)
		require.NoError(t, err)
	}
	said, err := evidence.Said(q.home, drill)
	require.NoError(t, err)
	require.Len(t, said, 2)
	assert.Equal(t, []string{evidence.RootCause, evidence.SignOff}, []string{said[0].Kind, said[1].Kind})
	path := filepath.Join(q.home, "addenda", said[0].ID, "addendum.json")
	require.NoError(t, os.WriteFile(path, append(q.read(path), ' '), 0o600))
	_, err = evidence.Said(q.home, drill)
	assert.ErrorContains(t, err, "not the one that was logged")
}
