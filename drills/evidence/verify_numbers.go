package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"lifeboat/drills/record"
)

// numbers: of a period each number of a series is there once.
func (a *auditing) numbers() {
	if !a.Bundle.Whole() {
		a.notice("chosen")
		return
	}
	by := map[string]map[int]Leaf{}
	results := map[string]*SeriesResult{}
	alikes := map[string]string{}
	for _, l := range a.inOrder() {
		if l.Kind != KindDrill || l.Number == 0 {
			continue
		}
		if by[l.Series] == nil {
			by[l.Series], results[l.Series] = map[int]Leaf{}, &SeriesResult{Series: l.Series}
			if twin, ok := alikes[looks(l.Series)]; ok {
				a.wrong("look_alike", "file", ascii(l.Series), "like", ascii(twin))
			}
			alikes[looks(l.Series)] = l.Series
		}
		if other, twice := by[l.Series][l.Number]; twice {
			a.wrong("number_twice", "series", l.Series, "number", strconv.Itoa(l.Number), "drill", l.ID, "other", other.ID)
		}
		by[l.Series][l.Number] = l
		if a.Bundle.holds(l) {
			results[l.Series].count(l)
		}
	}
	for _, series := range slices.Sorted(maps.Keys(by)) {
		there := map[int]bool{}
		for n := range by[series] {
			there[n] = true
		}
		first := results[series].First // of those that began in the period: others may have been logged before it
		if a.Bundle.First == 0 {
			first = 1 // from the beginning of the log
		}
		if first > 0 {
			a.underWay(series, first, there)
			for _, gap := range gaps(first, there) {
				a.wrong("number_missing", "series", series, "number", gap.String())
			}
		}
		if results[series].Drills > 0 {
			a.Series = append(a.Series, *results[series])
		}
	}
}

// underWay are the drills that had a number and no end when the bundle was made, says who made it.
func (a *auditing) underWay(series string, first int, there map[int]bool) {
	last := 0
	for n := range there {
		last = max(last, n)
	}
	for _, o := range a.Bundle.Open {
		if o.Series == series && o.Number >= first && o.Number < last && !there[o.Number] {
			there[o.Number] = true
			a.notice("number_open", "series", series, "number", strconv.Itoa(o.Number), "drill", ascii(o.Drill))
		}
	}
}

// stretch is of numbers that are missing. However far away a number is that somebody made up, there is one before it.
type stretch[N int | int64] struct{ from, to N }

func (s stretch[N]) String() string {
	if s.from == s.to {
		return fmt.Sprint(s.from)
	}
	return fmt.Sprintf("%d to %d", s.from, s.to)
}

// gaps are the stretches that are missing from the first number on, before the last one that is there.
func gaps[N int | int64](first N, there map[N]bool) (missing []stretch[N]) {
	for _, n := range slices.Sorted(maps.Keys(there)) {
		if n > first {
			missing = append(missing, stretch[N]{first, n - 1})
		}
		first = max(first, n+1)
	}
	return missing
}

func (s *SeriesResult) count(l Leaf) {
	if s.Drills++; s.First == 0 || l.Number < s.First {
		s.First = l.Number
	}
	s.Last = max(s.Last, l.Number)
	switch l.Verdict {
	case record.StatusPassed:
		s.Passed++
	case record.StatusFailed:
		s.Failed++
	default:
		s.Other++
	}
}
