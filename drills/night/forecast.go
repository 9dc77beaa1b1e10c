package night

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// What a forecast says.
const (
	ForecastFew      = "few"      // not enough data: fewer than fewestProofs, or of less than shortestSpan
	ForecastLevel    = "level"    // not enough data: the times may grow, or not
	ForecastStep     = "step"     // not enough data: they jumped once, which is no growth
	ForecastFalling  = "falling"  // they do not grow
	ForecastFar      = "far"      // at this growth the limit holds for longer than farthest
	ForecastExceeds  = "exceeds"  // at this growth the limit is exceeded, and when
	ForecastExceeded = "exceeded" // it is exceeded by now
	ForecastNoLimit  = "no-limit" // they grow, and there is none
)

const (
	fewestProofs = 8
	shortestSpan = 14 * 24 * time.Hour
	farthest     = 365 * 24 * time.Hour
)

// Sample is how long a backup took to be back, once.
type Sample struct {
	At   time.Time
	Took time.Duration
}

// Forecast is what becomes of the time in which a backup is back, at the growth that was seen.
type Forecast struct {
	Says     string        `json:"says"`
	Proofs   int           `json:"proofs"`
	Limit    time.Duration `json:"limit_ns,omitempty"`
	Now      time.Duration `json:"now_ns,omitempty"`          // by the line through the samples, at the latest of them
	Growth   time.Duration `json:"growth_ns_per_day"`         // and between what, of 95 in 100
	Least    time.Duration `json:"least_growth_ns_per_day"`   //
	Most     time.Duration `json:"most_growth_ns_per_day"`    //
	Exceeds  time.Time     `json:"exceeds,omitzero"`          // when the line reaches the limit, at that growth
	Earliest time.Time     `json:"exceeds_earliest,omitzero"` // at the most growth
	Latest   time.Time     `json:"exceeds_latest,omitzero"`   // at the least
}

// Foresee tells when a limit will be exceeded. Its line is that of Theil and Sen, which nights on a busy host do not bend: the median of
// the slopes between all pairs. The interval is Sen's (1968, by Kendall's variance). Limit 0 is none.
func Foresee(samples []Sample, limit time.Duration) Forecast {
	f := Forecast{Says: ForecastFew, Proofs: len(samples), Limit: limit}
	if len(samples) == 0 {
		return f
	}
	samples = slices.SortedFunc(slices.Values(samples), func(a, b Sample) int { return a.At.Compare(b.At) })
	first, last := samples[0].At, samples[len(samples)-1].At
	f.Now = samples[len(samples)-1].Took
	if len(samples) < fewestProofs || last.Sub(first) < shortestSpan {
		return f
	}
	days, took := plotted(samples)
	slope, least, most := theilSen(days, took)
	rest := make([]float64, len(took))
	for i := range took {
		rest[i] = took[i] - slope*days[i]
	}
	base, middle := median(rest), median(days)
	level := func(day float64) float64 { return base + slope*day }
	span := days[len(days)-1]
	f.Now, f.Growth, f.Least, f.Most = time.Duration(level(span)), time.Duration(slope), time.Duration(least), time.Duration(most)
	off := 0.0
	for _, r := range rest {
		off += math.Abs(r - base)
	}
	switch {
	case limit > 0 && f.Now > limit:
		f.Says = ForecastExceeded
	case most < 0:
		f.Says = ForecastFalling
	case least <= 0:
		f.Says = ForecastLevel
	case jump(took) < off:
		f.Says = ForecastStep
	case limit == 0:
		f.Says = ForecastNoLimit
	default:
		reached := func(slope float64) time.Time { // all lines go through the middle of what was seen
			day := middle + (float64(limit)-level(middle))/slope
			return first.Add(time.Duration(min(day, span+36500) * 24 * float64(time.Hour)))
		}
		f.Exceeds, f.Earliest, f.Latest = reached(slope), reached(most), reached(least)
		if f.Says = ForecastExceeds; f.Earliest.After(last.Add(farthest)) {
			f.Says = ForecastFar
		}
	}
	return f
}

// Slope is the growth of the samples a day by the line of Foresee, and between what it lies in 95 of 100 cases where there are four at least.
func Slope(samples []Sample) (slope, least, most time.Duration) {
	a, b, c := theilSen(plotted(samples))
	return time.Duration(a), time.Duration(b), time.Duration(c)
}

// plotted are days since the first sample, and nanoseconds.
func plotted(samples []Sample) (days, took []float64) {
	for _, s := range samples {
		days, took = append(days, s.At.Sub(samples[0].At).Hours()/24), append(took, float64(s.Took))
	}
	return days, took
}

// theilSen gives the median slope, and the interval in which it lies in 95 of 100 cases.
func theilSen(x, y []float64) (slope, least, most float64) {
	var slopes []float64
	for i := range x {
		for k := i + 1; k < len(x); k++ {
			if x[k] > x[i] {
				slopes = append(slopes, (y[k]-y[i])/(x[k]-x[i]))
			}
		}
	}
	slices.Sort(slopes)
	n, all := float64(len(x)), float64(len(slopes))
	half := 1.96 * math.Sqrt(n*(n-1)*(2*n+5)/18)
	at := func(rank float64) float64 { return slopes[int(min(max(rank, 0), all-1))] }
	return median(slopes), at(math.Floor((all - half) / 2)), at(math.Ceil((all + half) / 2))
}

// jump is how far the values are off two levels, one up to some value and one from there on, at best.
func jump(y []float64) float64 {
	best := math.Inf(1)
	for k := 1; k < len(y); k++ {
		sum := 0.0
		for _, part := range [][]float64{y[:k], y[k:]} {
			m := median(part)
			for _, v := range part {
				sum += math.Abs(v - m)
			}
		}
		best = min(best, sum)
	}
	return best
}

func median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Foreseen is the forecast of a backup: of the newest restore point of each night, on the host that proved it last. What took too long
// counts, whatever became of its verdict.
func Foreseen(backup string, nights []*Night) Forecast {
	var samples []Sample
	var limit time.Duration
	host := ""
	for _, n := range nights {
		for _, p := range n.Proofs {
			if p.Backup != backup || p.Skipped != "" || p.Older || p.Recovery == 0 {
				continue
			}
			if n.Host != host {
				host, samples = n.Host, nil
			}
			samples, limit = append(samples, Sample{p.Started, p.Recovery}), p.Limit
		}
	}
	return Foresee(samples, limit)
}

// Trend is what becomes of the time of one backup of a catalogue.
type Trend struct {
	Catalogue string   `json:"catalogue"`
	File      string   `json:"file"`
	Backup    string   `json:"backup"`
	Time      Forecast `json:"recovery_time"`
}

// Trends are those of every backup that the latest night of its catalogue planned, by catalogue and in the order of its list. Nights of
// whatever catalogues, the oldest first.
func Trends(nights []*Night) []Trend {
	type of struct{ catalogue, file string }
	each := map[of][]*Night{}
	for _, n := range nights {
		k := of{n.Catalogue, n.File}
		each[k] = append(each[k], n)
	}
	var all []Trend
	for k, its := range each {
		seen := map[string]bool{}
		for _, p := range its[len(its)-1].Planned {
			if !seen[p.Backup] {
				seen[p.Backup] = true
				all = append(all, Trend{k.catalogue, k.file, p.Backup, Foreseen(p.Backup, its)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Trend) int {
		return cmp.Or(strings.Compare(a.Catalogue, b.Catalogue), strings.Compare(a.File, b.File))
	})
	return all
}
