package system

import (
	"fmt"
	"maps"
	"slices"
)

// compare lists what differs between two states, in the words of a finding.
func compare(before, after snapshot) []string {
	diff := differ("", " is missing after the rollback: it was there before the upgrade",
		" is new: it was not there before the upgrade", before.Files, after.Files)
	for _, p := range before.Absent {
		if !slices.Contains(after.Absent, p) && len(after.Files) > 0 && !after.holds(p) {
			diff = append(diff, p+" was absent before the upgrade and was not read after the rollback")
		}
	}
	diff = append(diff, differ("package ", " is missing after the rollback",
		" is new: it was not installed before the upgrade",
		before.Packages, after.Packages)...)
	if before.Kernel != after.Kernel {
		diff = append(diff, fmt.Sprintf("kernel: %s before the upgrade, %s after the rollback", before.Kernel, after.Kernel))
	}
	return diff
}

func differ(what, gone, fresh string, before, after map[string]string) []string {
	var diff []string
	all := maps.Clone(before)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, had := before[name]
		is, has := after[name]
		switch {
		case !has:
			diff = append(diff, what+name+gone)
		case !had:
			diff = append(diff, what+name+fresh)
		case was != is:
			diff = append(diff, fmt.Sprintf("%s%s differs: %s before the upgrade, %s after the rollback", what, name,
				short(was), short(is)))
		}
	}
	return diff
}

// short keeps as much of a digest as a person compares.
func short(v string) string {
	if sumPattern.MatchString(v) {
		return "sha256 " + v[:16] + "…"
	}
	return v
}

// mostDiff lines are shown; the number of the others is told.
const mostDiff = 50

func shown(diff []string) []string {
	if len(diff) <= mostDiff {
		return diff
	}
	return append(slices.Clone(diff[:mostDiff]), fmt.Sprintf("… and %d more", len(diff)-mostDiff))
}
