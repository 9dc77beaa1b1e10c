package evidence

import (
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
		numbers := slices.Sorted(maps.Keys(by[series]))
		first := results[series].First // of those that began in the period: others may have been logged before it
		if a.Bundle.First == 0 {
			first = 1 // from the beginning of the log
		}
		for n := first; first > 0 && n < numbers[len(numbers)-1]; n++ {
			if _, there := by[series][n]; !there {
				a.missing(series, n)
			}
		}
		if results[series].Drills > 0 {
			a.Series = append(a.Series, *results[series])
		}
	}
}

// missing says that a number has no drill; of one that was under way when the bundle was made its maker says so.
func (a *auditing) missing(series string, n int) {
	i := slices.IndexFunc(a.Bundle.Open, func(o Open) bool { return o.Series == series && o.Number == n })
	if i < 0 {
		a.wrong("number_missing", "series", series, "number", strconv.Itoa(n))
		return
	}
	a.notice("number_open", "series", series, "number", strconv.Itoa(n), "drill", ascii(a.Bundle.Open[i].Drill))
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
