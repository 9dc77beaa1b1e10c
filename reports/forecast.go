package reports

import (
	"strconv"
	"time"

	"lifeboat/drills/night"
)

// forecast says how long a backup takes to be back, and when that will be longer than it may; "" where nothing was measured.
func (a nightAuthor) forecast(f night.Forecast) string {
	if f.Now <= 0 {
		return ""
	}
	growth := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }
	day := func(at time.Time) string { return at.Format(time.DateOnly) }
	return a.say("forecast."+f.Says, "now", a.l.Duration(f.Now, Nearest), "limit", a.l.Limit(f.Limit), "proofs", strconv.Itoa(f.Proofs),
		"growth", growth(f.Growth), "least", growth(f.Least), "most", growth(f.Most),
		"day", day(f.Exceeds), "earliest", day(f.Earliest), "latest", day(f.Latest))
}
