package record

import "slices"

// goesOn: a drill that was sealed is over. Only the reaper may go on, with what was kept or what it finds when it could
// not know of the seal; what else it writes changes nothing.
func (b *Builder) goesOn(e Event) bool {
	_, known := b.at[e.Subject.Incident]
	return e.Kind == KindCleanup || e.Kind == KindTorn || e.Kind == KindFault && known // what the clean-up made of it
}

// cleaned follows each thing to its last state: what the harness could not
// remove and the reaper could is not left.
func (b *Builder) cleaned(e Event, c CleanupEvent) {
	k := &b.r.Cleanup
	settled := func(same func(CleanupEvent) bool) { k.Failed = slices.DeleteFunc(k.Failed, same) }
	same := func(o CleanupEvent) bool { return o.What == c.What && o.Name == c.Name && o.Entry == c.Entry }
	switch c.State {
	case CleanupUndone:
		settled(same)
		k.Undone += max(1, c.Count)
	case CleanupGone:
		settled(same)
	case CleanupFailed:
		settled(same)
		k.Failed, k.T8 = append(k.Failed, c), nil
	case CleanupIncomplete:
		settled(func(o CleanupEvent) bool { return o.State == CleanupIncomplete })
		k.Failed, k.T8 = append(k.Failed, c), nil
	case CleanupUnproved:
		k.Unproved, k.T8 = c.Error, nil
	case CleanupKept:
		if len(c.Left) == 0 && c.Name != "" {
			c.Left = []string{c.Name}
		}
		k.Kept, k.DiskLost = append(k.Kept, c.Left...), append(k.DiskLost, c.DiskLost...)
	case CleanupProved:
		settled(func(o CleanupEvent) bool { return o.State == CleanupIncomplete })
		k.T8, k.Unproved = new(At(e.Elapsed)), ""
	}
	k.By = e.Actor
}
