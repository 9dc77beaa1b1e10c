package evidence

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
	"lifeboat/internal/translog"
)

// checkpoint finds out whose word the log has.
func (a *auditing) checkpoint() (tlog.Tree, bool) {
	raw, ok := a.read(checkpointName, mostEnvelope)
	if !ok {
		return tlog.Tree{}, false
	}
	c, err := translog.PeekCheckpoint(raw)
	if err != nil {
		a.wrong("part_unreadable", "file", checkpointName, "why", err.Error())
		return tlog.Tree{}, false
	}
	a.Size, a.Root = c.N, c.Hash.String()
	if c.Origin != a.Bundle.Origin {
		a.wrong("origin", "was", a.Bundle.Origin, "is", c.Origin)
	}
	switch {
	case a.Trust == nil:
		a.notice("no_trust")
	case !bytes.Contains(raw, []byte("\n\n")):
		a.wrong("checkpoint_unsigned")
	default:
		a.signers(raw, c.Origin)
	}
	return c.Tree, true
}

// signers enters the trusted keys that signed the checkpoint.
func (a *auditing) signers(raw []byte, origin string) {
	var known []note.Verifier
	by := map[uint32]signing.Trusted{}
	for _, k := range a.Trust.In(signing.RoleLog) {
		v, err := k.Note(origin)
		if err != nil {
			a.wrong("part_unreadable", "file", checkpointName, "why", err.Error())
			return
		}
		known, by[v.KeyHash()] = append(known, v), k
	}
	n, err := note.Open(raw, note.VerifierList(known...))
	if err != nil {
		a.wrong("checkpoint_untrusted", "why", err.Error())
		return
	}
	for _, s := range n.Sigs {
		a.Signers = append(a.Signers, signing.Names([]signing.Trusted{by[s.Hash]}))
	}
}

// records reads the log's records that the bundle shows, each with the proof that it is in the tree of the checkpoint.
func (a *auditing) records(head tlog.Tree) {
	var p proofs
	raw, ok := a.read(leavesName, mostJournal)
	if !ok || !a.parse(proofsName, mostJournal, &p) {
		return
	}
	if p.Size != head.N {
		a.wrong("part_unreadable", "file", proofsName, "why", fmt.Sprintf("it is of a log of %d records", p.Size))
	}
	if len(raw) > 0 && raw[len(raw)-1] != '\n' {
		a.wrong("part_unreadable", "file", leavesName, "why", "its last line has no end")
	}
	paths := map[int64][]tlog.Hash{}
	for _, i := range p.Inclusion {
		paths[i.Index] = i.Path
	}
	last := int64(-1)
	for n, line := range bytes.Split(bytes.TrimSuffix(raw, []byte{'\n'}), []byte{'\n'}) {
		if len(raw) == 0 {
			break
		}
		var l Leaf
		at := fmt.Sprintf("%s:%d", leavesName, n+1)
		if err := canonical.Unmarshal(line, &l); err != nil {
			a.wrong("part_unreadable", "file", at, "why", err.Error())
			continue
		}
		path, proved := paths[l.Index]
		delete(paths, l.Index)
		switch {
		case l.Format != format:
			a.wrong("format", "file", at, "format", strconv.Itoa(l.Format))
		case l.Index <= last:
			a.wrong("leaf_order", "index", strconv.FormatInt(l.Index, 10), "drill", l.ID)
		case !proved || tlog.CheckRecord(path, head.N, head.Hash, l.Index, tlog.RecordHash(line)) != nil:
			a.wrong("leaf_unproved", "index", strconv.FormatInt(l.Index, 10), "drill", l.ID)
		}
		if before, ok := a.leaves[last]; ok && l.Index == last+1 && l.Logged.Before(before.Logged) {
			a.wrong("leaf_backdated", "index", strconv.FormatInt(l.Index, 10), "drill", l.ID, "at", l.Logged.Format(time.RFC3339), "before",
				before.Logged.Format(time.RFC3339))
		}
		last = max(last, l.Index)
		a.leaves[l.Index] = l
	}
	for index := range paths {
		a.wrong("leaf_missing", "index", strconv.FormatInt(index, 10))
	}
	a.whole(head.N)
	if a.Checkpoint != nil {
		a.consistent(head, p)
	}
}

// whole: of a period no record is left out, from its first to the log's end, or it is said how many are.
func (a *auditing) whole(size int64) {
	if !a.Bundle.Whole() {
		return
	}
	before, shown := a.leaves[a.Bundle.First-1]
	if a.Bundle.First < 0 || a.Bundle.First != 0 && (!shown || !before.Logged.Before(a.Bundle.From)) {
		a.wrong("first_late", "index", strconv.FormatInt(a.Bundle.First, 10), "from", a.Bundle.From.Format(time.RFC3339))
	}
	there := map[int64]bool{size: true}
	for i := range a.leaves {
		if i < size {
			there[i] = true
		}
	}
	for _, gap := range gaps(a.Bundle.First, there) {
		if len(a.Bundle.Series) == 0 {
			a.wrong("leaf_missing", "index", gap.String())
		}
		a.Withheld += gap.to - gap.from + 1
	}
	if a.Withheld > 0 && len(a.Bundle.Series) > 0 {
		a.notice("withheld", "count", strconv.FormatInt(a.Withheld, 10), "series", strings.Join(a.Bundle.Series, ", "))
	}
}

// older says that an older checkpoint was asked for and cannot be held against anything.
func (a *auditing) older(head tlog.Tree) {
	if a.Checkpoint == nil {
		a.notice("no_checkpoint")
	}
	if head.N == 0 {
		a.notice("log_empty")
	}
}

// consistent holds the log against a checkpoint that was kept from before.
func (a *auditing) consistent(head tlog.Tree, p proofs) {
	c, err := translog.PeekCheckpoint(a.Checkpoint)
	if err != nil {
		a.wrong("part_unreadable", "file", "--checkpoint", "why", err.Error())
		return
	}
	size := strconv.FormatInt(c.N, 10)
	switch {
	case c.Origin != a.Bundle.Origin:
		a.wrong("origin", "was", c.Origin, "is", a.Bundle.Origin)
	case c.N > head.N:
		a.wrong("log_shorter", "was", size, "is", strconv.FormatInt(head.N, 10))
	case c.N == head.N && c.Hash != head.Hash:
		a.wrong("log_rewritten", "size", size)
	case c.N == head.N || c.N == 0:
		a.Since = c.N
	default:
		i := slices.IndexFunc(p.Consistency, func(x consistency) bool { return x.From == c.N })
		switch {
		case i < 0:
			a.wrong("consistency_missing", "size", size)
		case tlog.CheckTree(p.Consistency[i].Path, head.N, head.Hash, c.N, c.Hash) != nil:
			a.wrong("log_rewritten", "size", size)
		default:
			a.Since = c.N
		}
	}
}
