package drills

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// besideFile is the profile that lies beside a restore point, or why it cannot be had.
type besideFile struct {
	raw    []byte
	digest string
	err    error
}

// readProfiles reads what lies beside the restore points that some check holds a copy against. What is wrong with it is no word on
// the backup: the check says so.
func (p *Plan) readProfiles(ctx context.Context, hide func(string) string) error {
	for _, c := range p.Checks {
		r, ok := c.Check.(verifier.Referring)
		if !ok || !r.Refers() {
			continue
		}
		for _, in := range p.loadings(p.askedOf(c)) {
			if err := p.Backups[p.dataOf(c, in)].readProfile(ctx, hide); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *BackupPlan) readProfile(ctx context.Context, hide func(string) string) error {
	if b == nil || b.Missing != nil || b.profile.digest != "" {
		return nil
	}
	with, ok := b.Store.(store.Beside)
	if !ok {
		return nil
	}
	raw, err := with.Beside(ctx, b.Point, sidecars.Profile)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, store.ErrNoPoint):
	case err != nil:
		b.profile.err = errors.New(hide(err.Error()))
	default:
		sum := sha256.Sum256(raw)
		b.profile = besideFile{raw: raw, digest: "sha256:" + hex.EncodeToString(sum[:])}
		if m, err := tree.ReadManifest(bytes.NewReader(raw)); err == nil && b.Point.ConsistentTo.IsZero() && !m.Taken.After(b.Point.Taken) {
			b.Point.ConsistentTo, b.Point.ConsistentBy = m.Taken, "its manifest"
		}
		if p, err := database.ReadProfile(raw); err == nil && p.Shared && b.Point.ConsistentTo.IsZero() &&
			!p.Taken.After(b.Point.Taken) { // pg_dump began later; one that is younger than the file is of another dump, and makes none young
			b.Point.ConsistentTo, b.Point.ConsistentBy = p.Taken, "the snapshot of its profile"
		}
	}
	return nil
}

// askedOf is the instance that a check asks; "": none.
func (p *Plan) askedOf(c CheckPlan) string {
	if on, ok := c.Check.(interface{ On() string }); ok {
		return p.instanceOf(on.On())
	}
	return ""
}

// dataOf names the backup whose content a check looks at in an instance: what was loaded, else what was booted.
func (p *Plan) dataOf(c CheckPlan, in scenarios.Instance) string {
	of, _ := c.Check.(verifier.OfTrees)
	return cmp.Or(p.loaded(in, of != nil), in.Boot)
}

// dataOf names the backup whose content a check looks at now.
func (s site) dataOf(c CheckPlan) string { return s.plan.dataOf(c, s.standing(s.plan.askedOf(c))) }

// checkPlan finds a check by its name.
func (p *Plan) checkPlan(name string) CheckPlan {
	i := slices.IndexFunc(p.Checks, func(c CheckPlan) bool { return c.Spec.Name == name })
	if i < 0 {
		return CheckPlan{}
	}
	return p.Checks[i]
}

// Beside implements verifier.References.
func (t *target) Beside(check string) (raw []byte, digest string, err error) {
	bp := t.plan.Backups[t.dataOf(t.plan.checkPlan(check))]
	if bp == nil {
		return nil, "", nil
	}
	return bp.profile.raw, bp.profile.digest, bp.profile.err
}

// Held implements verifier.References.
func (t *target) Held(on string) bool {
	return slices.ContainsFunc(t.plan.Checks, func(c CheckPlan) bool {
		_, refers := c.Check.(verifier.Referring)
		asked, ok := c.Check.(interface{ On() string })
		return refers && ok && t.plan.instanceOf(asked.On()) == t.plan.instanceOf(on)
	})
}

// Hide implements verifier.References.
func (t *target) Hide(f verifier.Facts) verifier.Facts {
	return verifier.Facts(t.Known.Hide(t.HideJSON(string(f))))
}

// Last implements verifier.References: it goes through the drills of this series that have a lower number, the latest first, for the
// one of the youngest restore point.
func (t *target) Last(check string) (*verifier.Proof, error) {
	events, err := t.journal.Events()
	if err != nil {
		return nil, err
	}
	r, err := record.Build(events)
	if err != nil {
		return nil, err
	}
	now := lastPoint(r, t.dataOf(t.plan.checkPlan(check)))
	dirs, err := List(filepath.Dir(filepath.Dir(t.dir)))
	if err != nil {
		return nil, err
	}
	before := map[int]string{}
	for _, dir := range dirs {
		if h := headerOf(dir); h.Series == r.Header.Series && h.Number < r.Header.Number {
			before[h.Number] = dir
		}
	}
	var best *verifier.Proof
	var of record.RestorePoint
	for number := r.Header.Number - 1; number > max(0, r.Header.Number-1-lookedBack); number-- {
		p, was := proofOf(before[number], check, now)
		switch {
		case p == nil:
		case !p.Another: // nothing is closer
			return p, nil
		case best == nil || younger(was, of): // a night proves old ones too, against which half of what came since might be lost
			best, of = p, was
		}
	}
	return best, nil
}

// lookedBack is how many drills of the series, which may be of old restore points, are gone through for the one to be held against.
const lookedBack = 100

func lastPoint(r *record.Record, backup string) (found record.RestorePoint) {
	for _, p := range r.RestorePoints {
		if p.Backup == backup {
			found = p
		}
	}
	return found
}

// proofOf is what a check saw in a drill that passed; nil where it did not pass, where the check said nothing, where what it saw was
// taken away, and where its restore point is younger than the one that stands now, which may well hold less.
func proofOf(dir, check string, now record.RestorePoint) (p *verifier.Proof, was record.RestorePoint) {
	r, v, err := Judge(dir)
	if err != nil || v.Status != record.StatusPassed {
		return nil, was
	}
	was = lastPoint(r, now.Backup)
	if was.Digest == "" || younger(was, now) {
		return nil, was
	}
	for _, c := range slices.Backward(r.Checks) {
		if c.Name != check || c.Status != record.CheckPassed {
			continue
		}
		facts, err := wholeFacts(dir, c)
		journal, _, unread := digestFile(filepath.Join(dir, journalName))
		if err != nil || unread != nil {
			return nil, was
		}
		return &verifier.Proof{Drill: r.Header.Drill, Journal: journal, Facts: facts, Point: was.Point,
			Another: was.Digest != now.Digest || was.Point != now.Point}, was
	}
	return nil, was
}

// younger tells whether one restore point is known to be younger than another: by the moments that they are consistent to, else
// by what they say of themselves, else by their names.
func younger(a, b record.RestorePoint) bool {
	switch {
	case a.Digest == b.Digest:
		return false
	case !a.ConsistentTo.IsZero() && !b.ConsistentTo.IsZero():
		return a.ConsistentTo.After(b.ConsistentTo)
	case a.Made != "" && b.Made != "":
		return a.Made > b.Made
	}
	at, known := store.Dated(a.Point)
	other, dated := store.Dated(b.Point)
	return known && dated && at.After(other)
}

// headerOf reads the first line of a drill's journal, and none of the others; zero where it cannot be read.
func headerOf(dir string) (h record.Header) {
	f, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		return h
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil {
		return h
	}
	if events, err := record.Read(bytes.NewReader(line)); err == nil && len(events) == 1 {
		if data, err := record.Decode(events[0]); err == nil {
			h, _ = data.(record.Header)
		}
	}
	return h
}

// wholeFacts are what a check observed: from the journal or, where that holds their beginning only, from raw/ by their digest.
func wholeFacts(dir string, c record.CheckResult) (verifier.Facts, error) {
	if c.FactsDigest == "" {
		return verifier.Facts(c.Facts), nil
	}
	path := filepath.Join(dir, "raw", "facts", strings.TrimPrefix(c.FactsDigest, "sha256:")+".json")
	digest, _, err := digestFile(path)
	if err != nil {
		return nil, err
	}
	if digest != c.FactsDigest {
		return nil, fmt.Errorf("%s holds %s", path, digest)
	}
	return os.ReadFile(path)
}
