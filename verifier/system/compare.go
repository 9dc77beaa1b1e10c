package system

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compare lists what differs between two states, in the words of a finding.
func compare(before, after snapshot) []string {
	diff := differ("%s", func(name string) string { return lost(name, before, after) }, fresh, before.Files, after.Files)
	for _, p := range before.Absent {
		if !slices.Contains(after.Absent, p) && len(after.Files) > 0 && !after.holds(p) {
			diff = append(diff, fmt.Sprintf("%s was absent before the upgrade and was not read after the rollback", p))
		}
	}
	uninstalled := func(name string) string { return fmt.Sprintf("%s is missing after the rollback", name) }
	installed := func(name string) string {
		return fmt.Sprintf("%s is new: it was not installed before the upgrade", name)
	}
	diff = append(diff, differ("package %s", uninstalled, installed, before.Packages, after.Packages)...)
	if before.Kernel != after.Kernel {
		diff = append(diff, fmt.Sprintf("kernel: %s before the upgrade, %s after the rollback", before.Kernel, after.Kernel))
	}
	return append(diff, compareParts(before, after)...)
}

// compareParts is compare for what the parts list.
func compareParts(before, after snapshot) []string {
	diff := compareModules(before.Modules, after.Modules)
	diff = append(diff, differ("module file %s", missing, fresh, before.ModuleFiles, after.ModuleFiles)...)
	diff = append(diff, compareUnits(before.Units, after.Units)...)
	diff = append(diff, differ("unit file %s", missing, fresh, before.UnitFiles, after.UnitFiles)...)
	diff = append(diff, differ("mount %s", missing, fresh, before.Mounts, after.Mounts)...)
	return append(diff, compareLogins(before.Logins, after.Logins)...)
}

// compareLogins names the state of a user who is not there at the other time.
func compareLogins(before, after map[string]string) []string {
	gone := func(user string) string {
		return fmt.Sprintf("%s is missing after the rollback: before the upgrade it was %s", user, before[strings.TrimPrefix(user, logIn)])
	}
	come := func(user string) string {
		return fmt.Sprintf("%s is new after the rollback: %s", user, after[strings.TrimPrefix(user, logIn)])
	}
	return differ("log-in of %s", gone, come, before, after)
}

const logIn = "log-in of "

// compareModules: what is loaded in addition is told only of third parties; the kernel loads its own on demand.
func compareModules(before, after map[string]string) []string {
	var diff []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[name]; !still {
			diff = append(diff, fmt.Sprintf("module %s (%s) is not loaded after the rollback: it was before the upgrade",
				name, before[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, had := before[name]; !had && after[name] == foreign {
			diff = append(diff, fmt.Sprintf("module %s (%s) is loaded after the rollback: it was not before the upgrade",
				name, after[name]))
		}
	}
	return diff
}

// compareUnits names the state of both times; a unit that is not listed is inactive.
func compareUnits(before, after map[string]string) []string {
	all := maps.Clone(before)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, after)
	state := func(of map[string]string, name string) string {
		if s, ok := of[name]; ok {
			return s
		}
		return "inactive"
	}
	var diff []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if was, is := state(before, name), state(after, name); was != is {
			diff = append(diff, fmt.Sprintf("unit %s: %s before the upgrade, %s after the rollback", name, was, is))
		}
	}
	return diff
}

func missing(name string) string {
	return fmt.Sprintf("%s is missing after the rollback: it was there before the upgrade", name)
}

func fresh(name string) string {
	return fmt.Sprintf("%s is new: it was not there before the upgrade", name)
}

// lost says why a file is missing, where the image tells that the machine was booted from meanwhile.
func lost(name string, before, after snapshot) string {
	image := after.Image
	if image == nil || before.Image != nil && before.Image.Generation == image.Generation {
		return missing(name)
	}
	if at, ok := before.Written[name]; ok && !image.Taken.IsZero() && at > image.Taken.Unix() {
		return fmt.Sprintf("%s is missing after the rollback: the image was taken before it was written", name)
	}
	return fmt.Sprintf("%s is missing after the rollback: it was there before the upgrade, and %s, from which the machine was booted, "+
		"does not bring it", name, image.Backup)
}

// differ compares facts by their names; what is a form for a name.
func differ(what string, gone, come func(name string) string, before, after map[string]string) []string {
	var diff []string
	all := maps.Clone(before)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, after)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		was, had := before[key]
		is, has := after[key]
		switch name := fmt.Sprintf(what, key); {
		case !has:
			diff = append(diff, gone(name))
		case !had:
			diff = append(diff, come(name))
		case was != is:
			diff = append(diff, fmt.Sprintf("%s differs: %s before the upgrade, %s after the rollback", name, short(was), short(is)))
		}
	}
	return diff
}

// short keeps as much of a digest as a person compares.
func short(v string) string {
	if sumPattern.MatchString(v) {
		return "sha256 " + v[:16] + "…"
	}
	if target, ok := strings.CutPrefix(v, linkTo); ok {
		return fmt.Sprintf("link to %s", target)
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
