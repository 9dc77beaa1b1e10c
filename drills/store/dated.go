package store

import (
	"regexp"
	"time"
)

// inName finds a date, and perhaps a time of day, in a name: 20260131, 2026-01-31, 2026_01_31T020000, 2026-01-31-02-00.
var inName = regexp.MustCompile(`(?:^|[^0-9])(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])` +
	`(?:[-_.T ]?([01]\d|2[0-3])[-_.:h]?([0-5]\d)(?:[-_.:m]?([0-5]\d))?)?(?:[^0-9]|$)`)

// Dated reads the date in a point's name, to the precision that it has; false where there is none.
func Dated(name string) (time.Time, bool) {
	m := inName.FindStringSubmatch(name)
	if m == nil {
		return time.Time{}, false
	}
	text := m[1] + m[2] + m[3]
	for _, part := range m[4:] {
		if part == "" {
			part = "00"
		}
		text += part
	}
	at, err := time.Parse("20060102150405", text)
	return at, err == nil
}

// Later finds among points the one whose name has the latest date, if that is later than the date in the name of p.
func Later(p Point, among []Point) (Point, bool) {
	at, ok := Dated(p.ID)
	if !ok {
		return Point{}, false
	}
	found, later := Point{}, false
	for _, o := range among {
		if t, dated := Dated(o.ID); dated && o.Unusable == "" && t.After(at) {
			found, at, later = o, t, true
		}
	}
	return found, later
}
