package reports

import (
	"strconv"
	"time"

	"lifeboat/drills/evidence"
)

// begun is when a drill or night began, and when it was to begin where somebody said so.
func (p auditor) begun(l evidence.Leaf, slot *time.Time) cell {
	if slot == nil {
		return text(p.l.Time(l.Started))
	}
	return textOf(p.l.Time(l.Started), p.say("audit.planned_for", "slot", p.slot(slot, l.Started)))
}

// slotOf is a slot in a cell of its own.
func (p auditor) slotOf(slot *time.Time, l evidence.Leaf) cell {
	if slot == nil {
		return text(p.say("evidence.unknown"))
	}
	return text(p.l.Time(slot.In(l.Started.Location())))
}

// slots say of how many drills and nights it is known when they were to begin, and how late the latest was: a completeness statement says what it
// cannot see, too.
func (p auditor) slots() block {
	all, known, late := 0, 0, time.Duration(0)
	count := func(l evidence.Leaf, slot *time.Time) {
		if all++; slot != nil {
			known, late = known+1, max(late, l.Started.Sub(*slot).Round(time.Second))
		}
	}
	for _, x := range p.a.Drills {
		count(x.Leaf, x.Slot)
	}
	for _, x := range p.a.Nights {
		count(x.Leaf, x.Slot)
	}
	by := ""
	if late > 0 {
		by = p.l.Limit(late)
	}
	return block{Paragraph: p.say("audit.slots", "known", strconv.Itoa(known), "all", strconv.Itoa(all), "by", by)}
}
