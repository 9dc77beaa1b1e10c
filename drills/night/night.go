// Package night is a run of a catalogue: the list of the check runs that were to prove its backups, and what came of each. Like a
// drill it is written down as it happens, in a journal of its own whose lines are chained by digests; what is said of a night is
// computed from that. A check run is judged by its own journal and by nothing else: a night repeats the verdict and names that
// journal's digest.
package night

import (
	"cmp"
	"slices"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// Header opens a night: everything that was fixed before its first check run.
type Header struct {
	Version   int         `json:"version"`
	Night     string      `json:"night"` // time-sortable id
	Catalogue string      `json:"catalogue"`
	File      string      `json:"file"` // of the catalogue, absolute: one of the same name in another folder speaks of other backups
	Title     record.Text `json:"title,omitempty"`
	Digest    string      `json:"catalogue_digest"` // sha256:… of the file
	Tool      string      `json:"tool"`             // lifeboat's version, for people
	Build     string      `json:"build,omitempty"`  // which lifeboat it was: another build of the same version may judge otherwise
	Host      string      `json:"host"`
	Started   time.Time   `json:"started"`
	Slot      *time.Time  `json:"slot,omitempty"` // when it was planned to begin; nil: nobody said
	Seed      int64       `json:"seed"`           // of the lots that chose restore points
	Shard     string      `json:"shard,omitempty"`
	Planned   []Planned   `json:"planned"`
}

// Planned is one proof that a night is to make.
type Planned struct {
	Backup   string   `json:"backup"`                 // the entry's name
	Point    string   `json:"point,omitempty"`        // that was chosen by the night; empty: by the backup's pick
	Older    bool     `json:"older,omitempty"`        // not the newest of its backup: no limit of age holds for it
	UpTo     string   `json:"up_to,omitempty"`        // record.UpToRead: it is only read
	Which    string   `json:"which_points,omitempty"` // which ones the catalogue asks for; empty: the one under pick
	Scenario string   `json:"scenario_digest,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	Controls []string `json:"controls,omitempty"`
	Skipped  string   `json:"skipped,omitempty"`  // why it is not run: a name of the catalogue of messages
	Rests    *Proof   `json:"rests_on,omitempty"` // of what is unchanged since: the earlier proof that speaks for it
}

// Unchanged is why a proof is not made that rests on an earlier one.
const Unchanged = "unchanged"

// LeftOut tells whether nothing is said of it.
func (p Planned) LeftOut() bool { return p.Skipped != "" && p.Rests == nil }

// key of what is proved once in a night.
func (p Planned) key() string { return p.Backup + "\x00" + p.Point }

// Proof is what came of one check run.
type Proof struct {
	Planned
	Drill   string           `json:"drill,omitempty"` // empty: it was never started
	Number  int              `json:"number,omitempty"`
	Series  string           `json:"series,omitempty"`
	Journal string           `json:"journal,omitempty"` // digest of the drill's journal, which says all the rest
	Status  record.Status    `json:"status"`
	Why     *record.Reason   `json:"why,omitempty"`   // the first reason of its verdict
	Said    *record.Said     `json:"said,omitempty"`  // where that quotes a check: what it said, in its parts
	Error   string           `json:"error,omitempty"` // why it was never started
	Read    bool             `json:"read,omitempty"`  // it was only to be read, and nothing was found: no proof, and no failure
	Part    *record.Part     `json:"part,omitempty"`  // what of its backup was restored; nil: all of it, or nothing
	Left    int              `json:"left,omitempty"`  // things that could not be cleaned up
	Rungs   []objective.Rung `json:"rungs,omitempty"`
	Points  []Point          `json:"restore_points,omitempty"`
	Started time.Time        `json:"started,omitzero"`
	Took    time.Duration    `json:"took_ns,omitempty"`
	// How long the slowest of its machines took to be back, restore and boot; 0: not measured. Limit is that of it, 0: none
	Recovery  time.Duration `json:"recovery_ns,omitempty"`
	Limit     time.Duration `json:"recovery_limit_ns,omitempty"`
	Restoring time.Duration `json:"restoring_ns,omitempty"` // the part in which its backup was read
	Bytes     int64         `json:"restored_bytes,omitempty"`
	Held      int64         `json:"held_bytes,omitempty"` // the most memory that it took; 0: not known
	Disk      int64         `json:"disk_bytes,omitempty"` // the most that it took of the engine's disk; 0: not known
	Admitted  *Admission    `json:"admitted,omitempty"`   // what it was begun with
}

// Point is a restore point that was put to the test.
type Point struct {
	Backup string `json:"backup"`
	Point  string `json:"point"`
	Digest string `json:"digest,omitempty"`
	Size   int64  `json:"size_bytes,omitempty"`
}

// Done tells whether it need not be made again when a night goes on: its drill said something of the backup.
func (p Proof) Done() bool {
	return slices.Contains([]record.Status{record.StatusPassed, record.StatusFailed, record.StatusInconclusive}, p.Status)
}

// ProofOf is what a judged drill proves.
func ProofOf(p Planned, r *record.Record, v record.Verdict) Proof {
	got := Proof{Planned: p, Drill: r.Header.Drill, Number: r.Header.Number, Series: r.Header.Series, Journal: r.Journal.Digest,
		Status: v.Status, Read: objective.WellRead(r, v), Left: len(r.Cleanup.Failed), Rungs: objective.Ladder(r), Started: r.Header.Started,
		Took: r.Ended, Held: r.Held(), Disk: r.Disk()}
	if len(v.Reasons) > 0 {
		got.Why = &v.Reasons[0]
		if got.Why.ID == "objective.not_measured" && len(v.Unmeasured) > 0 { // which says what is missing
			got.Why = &v.Unmeasured[0]
		}
	}
	for _, c := range r.Checks {
		if got.Why != nil && c.Said != nil && c.Name == got.Why.Args["check"] && c.Message == got.Why.Args["message"] {
			got.Said = c.Said
		}
	}
	for _, o := range v.Objectives {
		if o.Name == "boot" && o.Measured != nil {
			got.Recovery, got.Limit = *o.Measured, o.Limit
		}
	}
	for _, x := range r.Restores {
		if x.Backup == p.Backup && x.Bad() == "" {
			got.Restoring, got.Bytes = x.Ended-x.Started, x.Bytes
			if x.Part != nil {
				got.Part = x.Part
			}
		}
	}
	for _, x := range r.RestorePoints {
		if x.Backup == p.Backup {
			got.Points = append(got.Points, Point{x.Backup, x.Point, x.Digest, x.Size})
		}
	}
	return got
}

// Night is what its journal says of it.
type Night struct {
	Header
	Ended  time.Time `json:"ended,omitzero"` // zero: its journal has no end
	Head   string    `json:"head"`           // digest of the journal's last line, hence of the chain
	Proofs []Proof   `json:"proofs"`         // in the order of the plan; what was not run has the status not-run
	Torn   int       `json:"torn,omitempty"` // bytes of a line that a crash cut off
}

// Sealed tells whether it came to its end.
func (n *Night) Sealed() bool { return !n.Ended.IsZero() }

// Status is the worst of its proofs: a night passes only when it was sealed and everything that was planned and not left out passed.
func (n *Night) Status() record.Status {
	worst := record.StatusPassed
	asked := 0
	for _, p := range n.Proofs {
		if p.LeftOut() || p.Read && p.Left == 0 {
			continue
		}
		asked++
		s := p.Status
		if s != record.StatusPassed && s != record.StatusFailed || s == record.StatusPassed && p.Left > 0 {
			s = record.StatusInconclusive
		}
		worst = record.Worse(worst, s)
	}
	if !n.Sealed() || asked == 0 {
		worst = record.Worse(worst, record.StatusInconclusive)
	}
	return worst
}

// Open lists what is still to be proved: what was not left out, and whose proof is not there, or by now older than every. So is an
// earlier one on which it rests.
func (n *Night) Open(every time.Duration, now time.Time) []Planned {
	var all []Planned
	for i, p := range n.Planned {
		done := false
		if i < len(n.Proofs) { // a night that has just begun has none
			age := now.Sub(n.Proofs[i].Started)
			done = n.Proofs[i].Done() && age >= 0 && age <= every
		} else {
			done = p.Rests != nil
		}
		if !p.LeftOut() && !done {
			p.Skipped, p.Rests = "", nil
			all = append(all, p)
		}
	}
	return all
}

// Partial tells whether backups of the catalogue were left out, or proved in part alone.
func (n *Night) Partial() bool {
	return slices.ContainsFunc(n.Proofs, func(p Proof) bool { return p.LeftOut() || p.InPart() })
}

// InPart tells whether a part of its backup is proved, and nothing of the rest.
func (p Proof) InPart() bool { return p.Part != nil && p.Status == record.StatusPassed }

// Count of the proofs of a status.
func (n *Night) Count(s record.Status) int {
	count := 0
	for _, p := range n.Proofs {
		if p.Status == s {
			count++
		}
	}
	return count
}

// Longest sorts what is to be proved by how long it took in the nights before, the longest first; what was never proved comes before
// all, since nobody knows.
func Longest(planned []Planned, before []*Night) {
	took := Took(before)
	slices.SortStableFunc(planned, func(a, b Planned) int {
		x, known := took[a.Backup]
		y, also := took[b.Backup]
		if known != also {
			return map[bool]int{true: 1, false: -1}[known]
		}
		return cmp.Compare(y, x)
	})
}

// Took is how long the check run of each backup took when it was made last; what was only read is not among them.
func Took(before []*Night) map[string]time.Duration {
	took := map[string]time.Duration{}
	for _, n := range before { // a later one counts
		for _, p := range n.Proofs {
			if p.Done() && p.UpTo == "" {
				took[p.Backup] = p.Took
			}
		}
	}
	return took
}
