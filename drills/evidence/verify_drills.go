package evidence

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
	"lifeboat/internal/userfile"
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
	for _, chosen := range a.Bundle.Chosen {
		if !slices.ContainsFunc(a.inOrder(), func(l Leaf) bool { return l.ID == chosen }) {
			a.wrong("chosen_missing", "drill", ascii(chosen))
		}
	}
	seen := map[string]bool{}
	for _, l := range a.inOrder() {
		switch {
		case l.Kind == KindDrill && seen[l.ID]:
			a.wrong("leaf_twice", "drill", ascii(l.ID), "index", strconv.FormatInt(l.Index, 10))
		case !id.MatchString(l.ID) || !slices.Contains(kinds, l.Kind):
			a.wrong("leaf_odd", "drill", ascii(l.ID), "index", strconv.FormatInt(l.Index, 10))
		case l.Kind == KindDrill && a.Bundle.holds(l):
			a.drill(ctx, l)
		}
		seen[l.ID] = true
		if l.Started.After(l.Logged) {
			a.notice("leaf_future", "drill", l.ID, "at", l.Started.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
		}
	}
}

// drill checks everything that lies in the bundle of one drill.
func (a *auditing) drill(ctx context.Context, l Leaf) {
	folder := "drills/" + l.ID + "/"
	if _, there := a.files[folder+manifestName]; !there {
		a.disown(folder)
		a.wrong("drill_missing", "drill", l.ID, "series", l.Series, "number", strconv.Itoa(l.Number), "verdict", string(l.Verdict))
		return
	}
	raw, ok := a.read(folder+manifestName, mostManifest)
	if !ok {
		return
	}
	m := &Manifest{}
	if is := digest(raw); is != l.Manifest {
		a.wrong("manifest_changed", "drill", l.ID, "was", l.Manifest, "is", is)
		a.disown(folder)
		return
	}
	if err := canonical.Unmarshal(raw, m); err != nil {
		a.wrong("part_unreadable", "file", folder+manifestName, "why", err.Error())
		return
	}
	a.says(l, m)
	if !a.named(folder, m) {
		a.disown(folder)
		return
	}
	dir, err := a.root.OpenRoot(filepath.FromSlash(strings.TrimSuffix(folder, "/")))
	if err != nil {
		a.wrong("part_unreadable", "file", folder, "why", err.Error())
		return
	}
	defer dir.Close() //nolint:errcheck // it was only read
	j, problems := held(dir, m, a.Build)
	for _, p := range problems {
		if notices[p.ID] {
			a.Notices = append(a.Notices, p)
		} else {
			a.Wrong = append(a.Wrong, p)
		}
	}
	d := DrillResult{Leaf: l, Scenario: j.header.Scenario, Service: j.header.Service, Tool: m.Tool, Subjects: m.Subjects, By: []string{},
		Record: j.record, Judgment: j.verdict}
	d.By = a.envelope(ctx, folder+envelopeName, m, raw, j)
	if j.record != nil {
		if ended := l.Started.Add(j.record.Ended); l.Logged.Sub(ended) > late {
			a.notice("logged_late", "drill", l.ID, "ended", ended.Format(time.RFC3339), "logged", l.Logged.Format(time.RFC3339))
		}
	}
	a.later(dir, m)
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
func (a *auditing) later(dir *os.Root, m *Manifest) {
	raw, err := userfile.ReadIn(dir, journalName, mostJournal)
	if err != nil || int64(len(raw)) <= m.Journal.Bytes || m.Unreadable != "" {
		return
	}
	now := judge(raw)
	if now.err != nil {
		a.wrong("journal_later", "drill", m.Drill, "why", now.err.Error())
		return
	}
	a.notice("later", "drill", m.Drill, "count", strconv.FormatInt(now.journal.Events-m.Journal.Events, 10), "status", string(now.verdict.Status))
}

// envelope checks who signed a drill. Without a trusted key nobody did.
func (a *auditing) envelope(ctx context.Context, name string, m *Manifest, manifest []byte, j judged) []string {
	by := []string{}
	var signed []signing.Trusted
	if _, there := a.files[name]; there {
		raw, ok := a.read(name, mostEnvelope)
		if !ok {
			return by
		}
		e, payload, err := signing.ParseEnvelope(raw)
		switch {
		case err != nil:
			a.wrong("part_unreadable", "file", name, "why", err.Error())
			return by
		case len(e.Signatures) == 0:
			a.wrong("envelope_unsigned", "drill", m.Drill)
			return by
		case !a.same(m, manifest, j, e, payload):
			return by
		}
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
	return by
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

// numbers: of a period each number of a series is there once.
func (a *auditing) numbers() {
	if !a.Bundle.Whole() {
		a.notice("chosen")
		return
	}
	by := map[string]map[int]Leaf{}
	results := map[string]*SeriesResult{}
	alikes := map[string]string{}
	for _, l := range a.inOrder() {
		if l.Kind != KindDrill || l.Number == 0 {
			continue
		}
		if by[l.Series] == nil {
			by[l.Series], results[l.Series] = map[int]Leaf{}, &SeriesResult{Series: l.Series}
			if twin, ok := alikes[looks(l.Series)]; ok {
				a.wrong("look_alike", "file", ascii(l.Series), "like", ascii(twin))
			}
			alikes[looks(l.Series)] = l.Series
		}
		if other, twice := by[l.Series][l.Number]; twice {
			a.wrong("number_twice", "series", l.Series, "number", strconv.Itoa(l.Number), "drill", l.ID, "other", other.ID)
		}
		by[l.Series][l.Number] = l
		if a.Bundle.holds(l) {
			results[l.Series].count(l)
		}
	}
	for _, series := range slices.Sorted(maps.Keys(by)) {
		numbers := slices.Sorted(maps.Keys(by[series]))
		first := results[series].First // of those that began in the period: others may have been logged before it
		if a.Bundle.First == 0 {
			first = 1 // from the beginning of the log
		}
		for n := first; first > 0 && n < numbers[len(numbers)-1]; n++ {
			if _, there := by[series][n]; !there {
				a.missing(series, n)
			}
		}
		if results[series].Drills > 0 {
			a.Series = append(a.Series, *results[series])
		}
	}
}

// missing says that a number has no drill; of one that was under way when the bundle was made its maker says so.
func (a *auditing) missing(series string, n int) {
	i := slices.IndexFunc(a.Bundle.Open, func(o Open) bool { return o.Series == series && o.Number == n })
	if i < 0 {
		a.wrong("number_missing", "series", series, "number", strconv.Itoa(n))
		return
	}
	a.notice("number_open", "series", series, "number", strconv.Itoa(n), "drill", ascii(a.Bundle.Open[i].Drill))
}

func (s *SeriesResult) count(l Leaf) {
	if s.Drills++; s.First == 0 || l.Number < s.First {
		s.First = l.Number
	}
	s.Last = max(s.Last, l.Number)
	switch l.Verdict {
	case record.StatusPassed:
		s.Passed++
	case record.StatusFailed:
		s.Failed++
	default:
		s.Other++
	}
}
