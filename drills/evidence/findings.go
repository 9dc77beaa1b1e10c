package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// findings tells what became of each: only a later drill of its series that was to try it again, and passed, closes one.
func (a *auditing) findings() {
	all := a.inOrder()
	var now time.Time
	if len(all) > 0 {
		now = all[len(all)-1].Logged
	}
	numbers := map[string]map[int]string{}
	for _, x := range a.Addenda {
		if x.Kind != Finding {
			continue
		}
		if numbers[x.Series] == nil {
			numbers[x.Series] = map[int]string{}
		}
		if other, twice := numbers[x.Series][x.Number]; twice || x.Number < 1 {
			a.wrong("finding_twice", "series", x.Series, "finding", FindingName(x.Number), "addendum", x.ID, "other", other)
		}
		numbers[x.Series][x.Number] = x.ID
		a.Findings = append(a.Findings, x.became(all, now))
	}
	for _, l := range all { // of one that lies in an earlier bundle nothing is wrong
		if l.Kind == KindAddendum && l.Number > 0 && numbers[l.Series] != nil && numbers[l.Series][l.Number] == "" {
			numbers[l.Series][l.Number] = l.ID
		}
	}
	a.findingGaps(numbers)
	for _, l := range all {
		for _, name := range l.Retest {
			n, err := strconv.Atoi(strings.TrimPrefix(name, "F"))
			if by := numbers[l.Series]; l.Kind == KindDrill && a.Bundle.holds(l) && (err != nil || by[n] == "") {
				a.notice("retest_elsewhere", "drill", l.ID, "finding", ascii(name), "series", l.Series)
			}
		}
	}
}

// findingGaps: a number that is missing between two that are there was withheld.
func (a *auditing) findingGaps(numbers map[string]map[int]string) {
	if !a.Bundle.Whole() {
		return
	}
	for _, series := range slices.Sorted(maps.Keys(numbers)) {
		there, first := map[int]bool{}, math.MaxInt
		for n := range numbers[series] {
			there[n], first = true, min(first, n)
		}
		if a.Bundle.First == 0 {
			first = 1
		}
		for _, gap := range gaps(first, there) {
			a.wrong("finding_missing", "series", series, "finding", "F"+gap.String())
		}
	}
}

// KnownFindings says which names are no findings of a series in this home: a drill that is to try them again would try nothing.
func KnownFindings(home, series string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	l, err := OpenLog(home)
	if err != nil {
		return err
	}
	var known []string
	for _, leaf := range l.Leaves {
		if leaf.Kind == KindAddendum && leaf.Number > 0 && leaf.Series == series {
			known = append(known, FindingName(leaf.Number))
		}
	}
	var errs []error
	for _, name := range names {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("there is no finding %q of series %q: it has %s", name, series, cmp.Or(strings.Join(known, ", "), "none")))
		}
	}
	return errors.Join(errs...)
}

// became follows a finding through the log. What was found of the whole is not tried again by a part.
func (x AddendumResult) became(all []Leaf, now time.Time) FindingResult {
	f := FindingResult{AddendumResult: x, State: FindingOpen}
	part := slices.ContainsFunc(all, func(l Leaf) bool { return l.Kind == KindDrill && l.ID == x.Drill && l.Part })
	if due, err := time.Parse(time.DateOnly, x.Due); err == nil && now.After(due.AddDate(0, 0, 1)) {
		f.State = FindingOverdue
	}
	for _, l := range all {
		if l.Kind != KindDrill || l.Series != x.Series || l.Index < x.Index || !l.Started.After(x.At) || !slices.Contains(l.Retest, FindingName(x.Number)) {
			continue
		}
		f.Retests = append(f.Retests, l.ID)
		if l.Verdict == record.StatusPassed && (!l.Part || part) {
			f.State = FindingClosed
			break
		}
	}
	return f
}
