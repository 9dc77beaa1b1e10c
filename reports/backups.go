package reports

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/record"
)

func (a author) backups() section {
	s := a.section("backups")
	for _, p := range a.r.RestorePoints {
		pairs := []pair{
			{a.say("backup.point"), a.restorePoint(p)},
			{a.say("backup.consistent"), a.consistent(p)},
			{a.say("backup.size"), text(a.l.Size(p.Size))},
			{a.say("backup.digest"), code(dash(p.Digest))},
			{a.say("backup.verified"), a.verified(p)},
		}
		for i := range a.r.Restores {
			if f := &a.r.Restores[i]; f.Backup == p.Backup {
				pairs = append(pairs, pair{a.say("backup.restore_" + during(f.During)), a.restore(f)})
			}
		}
		for _, c := range a.inPlace(p.Backup) {
			pairs = append(pairs, pair{a.say("backup.read_in_place"), c})
		}
		if need, ok := a.throughput(p.Backup); ok {
			pairs = append(pairs, pair{a.say("backup.throughput"), text(need)})
		}
		s.Blocks = append(s.Blocks, block{Caption: p.Backup, Pairs: pairs})
	}
	if len(a.r.Boots) > 0 {
		s.Blocks = append(s.Blocks, a.boots())
	}
	return s
}

// restorePoint names it, and says what of its store makes it doubtful that it is the newest.
func (a author) restorePoint(p record.RestorePoint) cell {
	small := []string{a.say("backup.kind", "store", p.Store, "restore", p.Restore)}
	for _, o := range p.Beside {
		small = append(small, a.c.Observation(a.l, o))
	}
	return textOf(dash(p.Point), strings.Join(small, " · "))
}

func during(s string) string {
	if s == record.PhaseRollback {
		return s
	}
	return record.PhaseRestore
}

func (a author) consistent(p record.RestorePoint) cell {
	if p.ConsistentTo.IsZero() {
		small := ""
		if p.Made != "" {
			small = a.say("backup.made", "made", p.Made)
		}
		return marked(badge{Class: "neutral", Symbol: "–", Word: a.say("objective.not_measured")}, small)
	}
	return textOf(
		a.l.Time(p.ConsistentTo),
		a.say("backup.source", "source", p.ConsistentSource, "age", positive(p.Age)),
	)
}

func (a author) verified(p record.RestorePoint) cell {
	d := p.Promise
	if d == nil {
		return marked(badge{Class: "neutral", Symbol: "–", Word: a.say("backup.not_promised")}, "")
	}
	small := a.promised(d)
	switch {
	case d.VerifiedBy != record.VerifiedByNobody:
		return marked(badge{Class: "passed", Symbol: "✓", Word: a.say("backup.as_promised")}, small)
	case p.Digest == "":
		return marked(badge{Class: "neutral", Symbol: "–", Word: a.say("backup.not_read")}, small)
	}
	return cell{Badge: &badge{Class: "failed", Symbol: "✗", Word: a.say("backup.mismatch")}, Small: d.String() + " · " + small}
}

// promised says of a digest which algorithm it is of, who promised it and who verified it.
func (a author) promised(d *record.Digest) string {
	algorithm := d.Algorithm
	if d.Weak() {
		algorithm = a.say("backup.weak", "algorithm", algorithm)
	}
	parts := []string{algorithm}
	if d.PromisedBy != "" { // an old journal does not say
		parts = append(parts, a.say("backup.promised_by."+string(d.PromisedBy), "file", d.File))
	}
	return strings.Join(append(parts, a.say("backup.verified_by."+cmp.Or(string(d.VerifiedBy), "nobody"))), " · ")
}

func (a author) restore(f *record.RestoreFact) cell {
	took := f.Ended - f.Started
	if f.Bad() != "" {
		return a.notRestored(f)
	}
	b := a.badge("outcome", string(record.OutcomeDone))
	text := a.say("backup.took", "bytes", fmt.Sprint(f.Bytes), "took", a.l.Duration(took, Up), "rate", rateOf(f))
	var small []string
	small = append(small, f.Subject.Instance)
	if f.Verifying > 0 {
		small = append(small, a.say("backup.verifying", "verifying", a.l.Duration(f.Verifying, Up)))
	}
	if f.Throttle > 0 {
		small = append(small, a.say("backup.throttled", "rate", fmt.Sprint(f.Throttle)))
	}
	for _, n := range f.Notes {
		small = append(small, a.note(f, n))
	}
	return cell{Badge: &b, Text: text, Small: strings.Join(nonEmpty(small...), " · ")}
}

// notRestored says why a restore went wrong.
func (a author) notRestored(f *record.RestoreFact) cell {
	b := a.badge("outcome", string(record.OutcomeFailed))
	what := a.say("backup.bad", "why", f.BackupBad)
	switch {
	case f.ImageBad != "":
		what = a.say("backup.image_lacks", "what", f.ImageBad)
	case f.Lack != nil:
		what = a.say("backup.lack", "lack", f.Lack.Kind, "what", f.Lack.What)
	case f.Missing != nil && f.Missing.Store != "":
		what = a.say("backup.unasked", "why", f.Missing.Store)
	case f.Missing != nil && f.Missing.Name == "":
		what = a.say("backup.none")
	case f.Missing != nil:
		what = a.say("backup.missing", "name", f.Missing.Name, "why", f.Missing.Why)
	case f.Misfit != nil:
		what = a.say("backup.misfit", "what", f.Misfit.What, "has", f.Misfit.Has, "wants", f.Misfit.Wants)
	case f.Kind != nil:
		what = a.say("backup.kind_is", "kind", f.Kind.Name, "said", f.Kind.Said, "why", f.Kind.Why)
	}
	if f.BackupBad == "" {
		b = a.badge("status", "inconclusive")
	}
	return cell{Badge: &b, Text: what, Small: f.Subject.Instance}
}

// rateOf is the measured throughput in bytes per second, as an argument of a sentence; empty where nothing was.
func rateOf(f *record.RestoreFact) string {
	took := f.Ended - f.Started
	if took <= 0 || f.Bytes <= 0 || f.Digest == "" { // not read as a whole: booted where it lies
		return ""
	}
	return fmt.Sprintf("%.3f", float64(f.Bytes)/took.Seconds())
}

// Throughput says how fast a restore of a backup must be for an objective to hold.
type Throughput struct {
	Backup    string
	Bytes     int64         // of the backup, as stored
	Limit     time.Duration // of the objective "restored"
	Elsewhere time.Duration // what everything but this restore took between T0 and T7 (at least, where T7 never came)
	Needed    float64       // bytes per second; 0: nothing is left of the limit, no storage is fast enough
	Measured  float64       // bytes per second; of the slowest restore during a rollback
}

// NeededThroughput is arithmetic on the record: limit − everything else that
// T0 to T7 took, divided into the bytes. It is not ok where the backup was not
// restored in a rollback or no objective "restored" was set.
func NeededThroughput(r *record.Record, backup string) (need Throughput, ok bool) {
	need.Backup = backup
	for _, o := range r.Header.Objectives {
		if o.Name == "restored" {
			need.Limit = o.Limit
		}
	}
	slowest := -1.0
	for i := range r.Restores {
		f := &r.Restores[i]
		took := (f.Ended - f.Started).Seconds()
		if f.Backup != backup || f.During != record.PhaseRollback || f.Bad() != "" || took <= 0 ||
			f.Digest == "" {
			continue
		}
		in := incidentAt(r, f)
		if in == nil || in.T0 == nil {
			continue
		}
		if rate := float64(f.Bytes) / took; slowest < 0 || rate < slowest {
			slowest, need.Measured, need.Bytes = rate, rate, f.Bytes
			need.Elsewhere = max(0, f.Started-in.T0.Early)
			if in.T7 != nil {
				need.Elsewhere = max(0, in.T7.Late-in.T0.Early-(f.Ended-f.Started))
			}
		}
	}
	if slowest < 0 || need.Limit <= 0 {
		return need, false
	}
	if left := need.Limit - need.Elsewhere; left > 0 {
		need.Needed = float64(need.Bytes) / left.Seconds()
	}
	return need, true
}

// incidentAt finds the incident that a restore belongs to: by its number, else the last that began before it.
func incidentAt(r *record.Record, f *record.RestoreFact) *record.Incident {
	var found *record.Incident
	for i := range r.Incidents {
		in := &r.Incidents[i]
		if in.ID == f.Subject.Incident && f.Subject.Incident != 0 {
			return in
		}
		if in.T0 != nil && in.T0.Early <= f.Started {
			found = in
		}
	}
	return found
}

// throughput prefers the judge's own figures, so that a page never holds two answers.
func (a author) throughput(backup string) (string, bool) {
	for _, r := range a.judgedThroughput() {
		if r.Args["backup"] == backup {
			return a.c.Sentence(a.l, r), true
		}
	}
	need, ok := NeededThroughput(a.r, backup)
	if !ok {
		return "", false
	}
	key := "backup.needs"
	if need.Needed == 0 {
		key = "backup.needs_time"
	}
	return a.say(key, "needed", fmt.Sprintf("%.3f", need.Needed), "measured", fmt.Sprintf("%.3f", need.Measured),
		"limit", need.Limit.String(), "elsewhere", a.l.Duration(need.Elsewhere, Up)), true
}

func (a author) judgedThroughput() []record.Reason {
	var list []record.Reason
	for _, o := range a.v.Observations {
		if o.ID == "restore.throughput" {
			list = append(list, record.Reason{ID: o.ID, Args: o.Args})
		}
	}
	for _, f := range a.v.Findings {
		if f.ID == "restore.too_slow" {
			list = append(list, record.Reason{ID: f.ID, Args: f.Args})
		}
	}
	return list
}

func (a author) boots() block {
	t := &table{Class: "boots", Columns: a.columns("--nn-", "instance", "boot", "began", "took", "image")}
	booted := map[record.Subject]bool{}
	for _, b := range a.r.Boots {
		gen := a.say("boot.first")
		if b.Subject.Generation > 1 {
			gen = a.say("boot.again", "generation", fmt.Sprint(b.Subject.Generation))
		}
		same := record.Subject{Instance: b.Subject.Instance, Generation: b.Subject.Generation}
		if booted[same] {
			gen = a.say("boot.same")
		}
		booted[same] = true
		basis := ""
		if b.Basis != record.BasisMeasured && b.Basis != "" {
			basis = a.c.Named(a.l, "basis", string(b.Basis))
		}
		took := textOf(a.l.Duration(max(0, b.Ready-b.Started), Up), basis)
		if b.Unseen {
			took = text("–")
		}
		t.Rows = append(t.Rows, []cell{text(b.Subject.Instance), text(gen), text(a.l.Clock(a.wall(b.Started))), took,
			{Text: b.Image, Code: true, Small: a.bootFacts(a.factsOf(b))}})
	}
	return block{Caption: a.say("caption.boots"), Table: t, Detail: true}
}
