package mariadbbackup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// chain orders the parts of a backup: the full one, and the increments that lead to the newest. Those that are not needed for that are left over.
func chain(all []*part) (ordered, left []*part, err error) {
	var full []*part
	for _, p := range all {
		if p.full() {
			full = append(full, p)
		}
	}
	slices.SortFunc(all, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.last, b.last), strings.Compare(a.began(), b.began()))
	})
	switch {
	case len(full) == 0:
		return nil, nil, damage("the full backup is missing: %s goes on from place %d of the log, and nothing that is there begins at 0", all[0].name(), all[0].from)
	case len(full) > 1:
		return nil, nil, damage("it holds two full backups, %s and %s: which of them the increments go on from is not known (keep each with its "+
			"own increments in a folder of its own)", full[0].name(), full[1].name())
	}
	at := all[len(all)-1]
	if at.full() && len(all) > 1 {
		return nil, nil, damage("%s is of another chain: its log ends at %d, and that of the full backup at %d", all[0].name(), all[0].last, at.last)
	}
	for {
		ordered = append([]*part{at}, ordered...)
		if at.full() {
			break
		}
		before := previous(all, at)
		if before == nil {
			return nil, nil, gap(all, at)
		}
		at = before
	}
	for _, p := range all {
		if slices.Contains(ordered, p) {
			continue
		}
		if previous(all, p) == nil {
			return nil, nil, gap(all, p)
		}
		left = append(left, p)
	}
	return ordered, left, inTime(ordered)
}

// previous is the part that another goes on from: the newest that ends where that begins.
func previous(all []*part, of *part) (found *part) {
	for _, p := range all {
		if p != of && p.to == of.from && p.last < of.last {
			found = p // they are in their order
		}
	}
	return found
}

// gap says which increment is missing before one.
func gap(all []*part, of *part) error {
	var below, above *part
	for _, p := range all {
		switch {
		case p == of || p.last > of.last:
		case p.to < of.from:
			below = p
		case above == nil:
			above = p
		}
	}
	if above != nil && above.to > of.from {
		return damage("%s overlaps %s: it goes on from place %d of the log, and that one ends at %d: it is of another chain", of.name(), above.name(), of.from,
			above.to)
	}
	behind := "the full backup"
	if below != nil {
		behind = below.name()
	}
	return damage("an increment is missing between %s and %s: the one ends at place %d of the log, and the other goes on from %d", behind, of.name(),
		to(below), of.from)
}

func to(p *part) uint64 {
	if p == nil {
		return 0
	}
	return p.to
}

// inTime tells whether each part was begun behind the one that it goes on from, and by the same server.
func inTime(ordered []*part) error {
	for i := 1; i < len(ordered); i++ {
		before, p := ordered[i-1], ordered[i]
		if a, b := before.began(), p.began(); a != "" && b != "" && b < a {
			return damage("%s is of another chain: it was begun at %s, and %s before it at %s", p.name(), b, before.name(), a)
		}
		if a, b := before.conf["innodb_page_size"], p.conf["innodb_page_size"]; a != b {
			return damage("%s is of another server: its pages have %s bytes, and those of %s %s", p.name(), b, before.name(), a)
		}
	}
	return nil
}

// told names the members of a chain.
func told(ordered []*part) string {
	var all []string
	for _, p := range ordered {
		all = append(all, fmt.Sprintf("%s (%d to %d)", p.name(), p.from, p.to))
	}
	return strings.Join(all, ", ")
}
