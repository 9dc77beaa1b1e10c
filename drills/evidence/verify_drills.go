package evidence

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
	"lifeboat/internal/timestamp"
)

// id of drills and nights: what they are called becomes a folder.
var id = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,99}$`)

// late is how long after its end a drill may be entered into the log without a word: a crash is found at the next start.
const late = 48 * time.Hour

// inOrder are the records that the bundle shows.
func (a *auditing) inOrder() []Leaf {
	return slices.SortedFunc(maps.Values(a.leaves), func(x, y Leaf) int { return cmp.Compare(x.Index, y.Index) })
}

// contents checks each drill of the bundle.
func (a *auditing) contents(ctx context.Context) {
	all := a.inOrder()
	for _, chosen := range a.Bundle.Chosen {
		if !slices.ContainsFunc(all, func(l Leaf) bool { return l.ID == chosen }) {
			a.wrong("chosen_missing", "drill", ascii(chosen))
		}
	}
	var drills []*drillCheck
	seen := map[string]bool{}
	for _, l := range all {
		switch {
		case l.Kind == KindDrill && seen[l.ID]:
			a.wrong("leaf_twice", "drill", ascii(l.ID), "index", strconv.FormatInt(l.Index, 10))
		case !id.MatchString(l.ID) || !slices.Contains(kinds, l.Kind) || l.Number < 0:
			a.wrong("leaf_odd", "drill", ascii(l.ID), "index", strconv.FormatInt(l.Index, 10))
		case l.Kind == KindDrill && a.Bundle.holds(l):
			if c := a.drill(l); c != nil {
				drills = append(drills, c)
			}
		}
		seen[l.ID] = true
		if l.Kind == KindDrill && a.Bundle.Whole() && l.Started.Before(a.Bundle.From) && !l.Logged.Before(a.Bundle.From) {
			a.notice("drill_earlier", "drill", ascii(l.ID), "series", l.Series, "number", strconv.Itoa(l.Number), "verdict", string(l.Verdict),
				"started", l.Started.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
		}
		if l.Started.After(l.Logged) {
			a.notice("leaf_future", "drill", l.ID, "at", l.Started.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
		}
	}
	turns := inTurn(len(drills))
	atOnce(len(drills), func(i int) { // what was found is entered in the order of the log; what was read for it is not kept
		drills[i].look(a.content, a.VerifyRequest)
		turns.take(i, func() {
			a.looked(ctx, drills[i])
			if drills[i] = nil; a.Progress != nil {
				a.Progress(i+1, len(drills))
			}
		})
	})
}

// drillCheck is a drill whose files are to be looked at: by itself, beside others.
type drillCheck struct {
	Leaf
	m        *Manifest
	raw      []byte // the manifest
	err      error  // its folder cannot be opened
	j        judged
	problems []record.Reason
	now      *judged // its journal as it is now, where it is longer than what was sealed
	rendered bool    // its reports are what this lifeboat writes
}

func (c *drillCheck) look(bundle fs.FS, r VerifyRequest) {
	dir, err := fs.Sub(bundle, "drills/"+c.ID)
	if err != nil {
		c.err = err
		return
	}
	if open, ok := dir.(io.Closer); ok {
		defer open.Close() //nolint:errcheck // it was only read
	}
	c.j, c.problems = held(dir, c.m, r.Build)
	if len(wrong(c.problems)) == 0 && c.j.record != nil && r.Reports != nil {
		c.render(dir, r)
	}
	if info, err := fs.Stat(dir, journalName); err != nil || info.Size() <= c.m.Journal.Bytes || c.m.Unreadable != "" {
		return
	}
	if raw, err := readIn(dir, journalName, mostJournal); err == nil {
		now := judge(raw)
		c.now = &now
	}
}

// drill checks what is said of one drill; what is to be looked at further is returned.
func (a *auditing) drill(l Leaf) *drillCheck {
	folder := "drills/" + l.ID + "/"
	if _, there := a.files[folder+manifestName]; !there {
		a.disown(folder)
		a.wrong("drill_missing", "drill", l.ID, "series", l.Series, "number", strconv.Itoa(l.Number), "verdict", string(l.Verdict))
		return nil
	}
	raw, ok := a.read(folder+manifestName, mostManifest)
	if !ok {
		return nil
	}
	m := &Manifest{}
	if is := digest(raw); is != l.Manifest {
		a.wrong("manifest_changed", "drill", l.ID, "was", l.Manifest, "is", is)
		a.disown(folder)
		return nil
	}
	if err := canonical.Unmarshal(raw, m); err != nil {
		a.wrong("part_unreadable", "file", folder+manifestName, "why", err.Error())
		return nil
	}
	a.says(l, m)
	if !a.named(folder, m) {
		a.disown(folder)
		return nil
	}
	return &drillCheck{Leaf: l, m: m, raw: raw}
}

// looked enters what was found of a drill.
func (a *auditing) looked(ctx context.Context, c *drillCheck) {
	l, m, j := c.Leaf, c.m, c.j
	folder := "drills/" + l.ID + "/"
	if c.err != nil {
		a.wrong("part_unreadable", "file", folder, "why", c.err.Error())
		return
	}
	for _, p := range c.problems {
		if notices[p.ID] {
			a.Notices = append(a.Notices, p)
		} else {
			a.Wrong = append(a.Wrong, p)
		}
	}
	d := DrillResult{Leaf: l, Scenario: j.header.Scenario, Service: j.header.Service, Tool: m.Tool, Slot: j.header.Planned, Subjects: m.Subjects, By: []string{},
		Rendered: c.rendered}
	d.By, d.Stamps = a.envelope(ctx, folder+envelopeName, m, c.raw, j)
	if j.record != nil {
		if a.Show != nil {
			d.Shown = a.Show(l, j.record, j.verdict)
		}
		if ended := l.Started.Add(j.record.Ended); l.Logged.Sub(ended) > late {
			a.notice("logged_late", "drill", l.ID, "ended", ended.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
		}
	}
	a.later(c)
	a.Drills = append(a.Drills, d)
}

// disown takes what lies in a folder off the list: what is wrong with it was told.
func (a *auditing) disown(folder string) {
	maps.DeleteFunc(a.files, func(name string, _ int64) bool { return strings.HasPrefix(name, folder) })
}

// says holds a manifest against its record in the log.
func (a *auditing) says(l Leaf, m *Manifest) {
	if m.Format != format {
		a.wrong("format", "file", "drills/"+l.ID+"/"+manifestName, "format", strconv.Itoa(m.Format))
	}
	for _, c := range []struct{ what, log, says string }{
		{"drill", l.ID, m.Drill}, {"series", l.Series, m.Series}, {"number", strconv.Itoa(l.Number), strconv.Itoa(m.Number)},
		{"started", l.Started.String(), m.Started.String()}, {"status", string(l.Status), string(m.Status)},
		{"verdict", string(l.Verdict), string(m.Verdict)}, {"journal", l.Head, m.Journal.Head}, {"retest", fmt.Sprint(l.Retest), fmt.Sprint(m.Retest)},
		{"part", strconv.FormatBool(l.Part), strconv.FormatBool(m.Part)},
	} {
		if c.log != c.says {
			a.wrong("leaf_says", "drill", l.ID, "what", c.what, "says", c.log, "is", c.says)
		}
	}
}

// named takes the files of a manifest off the list, if they are named as files of a drill are.
func (a *auditing) named(folder string, m *Manifest) bool {
	seen := map[string]string{}
	good := true
	for _, f := range m.Files {
		twin, twice := seen[looks(f.Path)]
		switch {
		case badName(f.Path) != "" || roleOf(f.Path) != f.Role || f.Role == "" || f.Size < 0:
			a.wrong("manifest_name", "drill", m.Drill, "file", ascii(f.Path))
			good = false
		case twice:
			a.wrong("look_alike", "file", ascii(folder+f.Path), "like", twin)
			good = false
		}
		seen[looks(f.Path)] = f.Path
		delete(a.files, folder+f.Path)
	}
	for _, must := range []string{journalName, verdictName} {
		if seen[looks(must)] != must {
			a.wrong("manifest_lacks", "drill", m.Drill, "file", must)
			good = false
		}
	}
	return good
}

// later says what was written into the journal after the seal: it is no part of what is proved.
func (a *auditing) later(c *drillCheck) {
	switch {
	case c.now == nil:
	case c.now.err != nil:
		a.wrong("journal_later", "drill", c.ID, "why", c.now.err.Error())
	default:
		a.notice("later", "drill", c.ID, "count", strconv.FormatInt(c.now.journal.Events-c.m.Journal.Events, 10), "status", string(c.now.verdict.Status))
	}
}

// envelope checks who signed a drill. Without a trusted key nobody did.
func (a *auditing) envelope(ctx context.Context, name string, m *Manifest, manifest []byte, j judged) (by []string, stamps []timestamp.Stamp) {
	by = []string{}
	var signed []signing.Trusted
	if _, there := a.files[name]; there {
		raw, ok := a.read(name, mostEnvelope)
		if !ok {
			return by, nil
		}
		e, payload, err := signing.ParseEnvelope(raw)
		switch {
		case err != nil:
			a.wrong("part_unreadable", "file", name, "why", err.Error())
			return by, nil
		case len(e.Signatures) == 0:
			a.wrong("envelope_unsigned", "drill", m.Drill)
			return by, nil
		case !a.same(m, manifest, j, e, payload):
			return by, nil
		}
		stamps = a.signatures(m, e)
		if a.Trust != nil {
			var unknown []string
			if signed, unknown, err = a.Trust.Signers(ctx, e, payload); err != nil {
				a.wrong("envelope_forged", "drill", m.Drill, "why", err.Error())
			}
			for _, key := range unknown {
				a.wrong("envelope_untrusted", "drill", m.Drill, "key", ascii(key))
			}
		}
	}
	for _, k := range signed {
		by = append(by, strings.TrimSpace(fmt.Sprintf("%s %s", k.Name, strings.Join(k.Roles, "+"))))
	}
	a.duties(m.Drill, j.header, signed)
	if a.Trust != nil {
		for _, role := range a.Trust.Lacking(together(signed, a.said[m.Drill])) {
			a.wrong("role_lacking", "drill", m.Drill, "role", role)
		}
	}
	return by, stamps
}

// same tells whether what was signed is what the drill says.
func (a *auditing) same(m *Manifest, manifest []byte, j judged, e *signing.Envelope, payload []byte) bool {
	var s statement
	if err := canonical.Unmarshal(payload, &s); err != nil || e.PayloadType != payloadType {
		a.wrong("statement_odd", "drill", m.Drill, "why", fmt.Sprintf("%s %v", e.PayloadType, err))
		return false
	}
	want := statementOf(m, manifest, j)
	if m.Build != a.Build || a.Build == "" { // another build may find more, or less, to be listed
		want.Predicate.PassedTests, want.Predicate.FailedTests = s.Predicate.PassedTests, s.Predicate.FailedTests
	}
	said, err := canonical.Marshal(want)
	if err != nil || string(said) != string(payload) {
		a.wrong("statement_differs", "drill", m.Drill, "says", s.Predicate.Lifeboat.Drill+" "+string(s.Predicate.Lifeboat.Verdict))
		return false
	}
	return true
}
