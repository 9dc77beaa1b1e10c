package record

import (
	"errors"
	"slices"
)

// afterSeal: a drill that was sealed is over. Only the reaper may go on, with
// what was kept or what it finds when it could not know of the seal.
func (b *builder) afterSeal(e Event) error {
	switch {
	case e.Actor != ActorReaper:
		return errors.New("it comes after the seal")
	case e.Kind == KindCleanup:
		return as(e, func(c CleanupEvent) { b.cleaned(e, c) })
	case e.Kind == KindFault:
		if _, known := b.at[e.Subject.Incident]; known { // what the clean-up made of it
			return b.incidentEvent(e)
		}
	case e.Kind == KindTorn:
		b.r.Journal.Torn++
	}
	return nil
}

// cleaned follows each thing to its last state: what the harness could not
// remove and the reaper could is not left.
func (b *builder) cleaned(e Event, c CleanupEvent) {
	k := &b.r.Cleanup
	settled := func(same func(CleanupEvent) bool) { k.Failed = slices.DeleteFunc(k.Failed, same) }
	same := func(o CleanupEvent) bool { return o.What == c.What && o.Name == c.Name && o.Entry == c.Entry }
	switch c.State {
	case "undone":
		settled(same)
		k.Undone += max(1, c.Count)
	case "gone":
		settled(same)
	case "failed":
		settled(same)
		k.Failed, k.T8 = append(k.Failed, c), nil
	case "incomplete":
		settled(func(o CleanupEvent) bool { return o.State == "incomplete" })
		k.Failed, k.T8 = append(k.Failed, c), nil
	case "unproved":
		k.Unproved, k.T8 = c.Error, nil
	case "kept":
		if len(c.Left) == 0 && c.Name != "" {
			c.Left = []string{c.Name}
		}
		k.Kept, k.DiskLost = append(k.Kept, c.Left...), append(k.DiskLost, c.DiskLost...)
	case "proved":
		settled(func(o CleanupEvent) bool { return o.State == "incomplete" })
		at := At(e.Elapsed)
		k.T8, k.Unproved = &at, ""
	}
	k.By = e.Actor
}
