package reports

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
)

// A direction is told of so many figures over so long at least. Three are shown, but their interval is no wider however they lie: it tells nothing.
const (
	fewestTrend  = 3
	fewestSlope  = 4
	shortestTime = 14 * 24 * time.Hour
	trendOver    = 90 // days
)

// course is how one drill held one of its objectives, time after time.
type course struct {
	service, series, objective string
	limit                      time.Duration // the latest
	basis                      record.Basis
	host                       string
	samples                    []night.Sample
}

// courses are those of every series and each of its objectives with a limit. As with a night's forecast, those of another host do not count, nor those
// of another basis; what took too long does, whatever became of the verdict.
func courses(drills []evidence.DrillResult) (all []*course) {
	drills = slices.SortedStableFunc(slices.Values(drills), func(a, b evidence.DrillResult) int { return a.Started.Compare(b.Started) })
	for _, d := range drills {
		if d.Shown == nil {
			continue
		}
		worst := map[string]*record.Judged{} // of several incidents the longest
		var names []string
		for i := range d.Shown.Objectives {
			j := &d.Shown.Objectives[i]
			if j.Unlimited || j.Status == record.StatusNotRun {
				continue
			}
			was := worst[j.Name]
			if was == nil {
				names = append(names, j.Name)
			}
			if was == nil || j.Measured == nil || was.Measured != nil && *j.Measured > *was.Measured {
				worst[j.Name] = j
			}
		}
		for _, name := range names {
			at := slices.IndexFunc(all, func(c *course) bool { return c.series == d.Series && c.objective == name })
			if at < 0 {
				at = len(all)
				all = append(all, &course{service: serviceOf(d), series: d.Series, objective: name})
			}
			all[at].add(d, worst[name])
		}
	}
	slices.SortStableFunc(all, func(a, b *course) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.series, b.series))
	})
	return all
}

func (c *course) add(d evidence.DrillResult, j *record.Judged) {
	c.limit = j.Limit
	if j.Measured == nil { // it did not come to its end, or nobody saw it
		return
	}
	if host := d.Shown.Host; c.host != host || c.basis != j.Basis {
		c.host, c.basis, c.samples = host, j.Basis, nil
	}
	c.samples = append(c.samples, night.Sample{At: d.Started, Took: *j.Measured})
}

// trends are what becomes of each objective from drill to drill.
func (p auditor) trends() section {
	t := &table{Class: "audit-trends", Columns: p.columns("--nnnn", "series", "objective", "limit", "measured_times", "first", "last", "trend")}
	for _, c := range courses(p.a.Drills) {
		figure := func(s night.Sample) cell {
			return textOf(p.l.Duration(s.Took, Up), s.At.Format(time.DateOnly))
		}
		first, last := text("–"), text("–")
		if n := len(c.samples); n > 0 {
			first, last = figure(c.samples[0]), figure(c.samples[n-1])
		}
		service := c.service
		if service == c.series {
			service = ""
		}
		t.Rows = append(t.Rows, []cell{textOf(c.series, service), text(p.c.Named(p.l, "objective", c.objective)), text(p.l.Limit(c.limit)),
			text(strconv.Itoa(len(c.samples))), first, last, text(p.trend(c.samples))})
	}
	if len(t.Rows) == 0 {
		return section{}
	}
	s := p.titled("trends", block{Table: t})
	s.Note = p.say("note.trends")
	return s
}

// trend says where the figures go, or that nobody can know.
func (p auditor) trend(of []night.Sample) string {
	n := len(of)
	if n < fewestTrend || of[n-1].At.Sub(of[0].At) < shortestTime {
		return p.say("trend.few", "count", strconv.Itoa(n), "fewest", strconv.Itoa(fewestTrend), "span", p.l.Limit(shortestTime))
	}
	slope, least, most := night.Slope(of)
	key := "trend.level"
	switch {
	case n < fewestSlope:
	case least > 0:
		key = "trend.rising"
	case most < 0:
		key = "trend.falling"
	}
	over := func(d time.Duration) string {
		s := strconv.FormatFloat((d * trendOver).Seconds(), 'f', 1, 64)
		if d > 0 {
			s = "+" + s
		}
		return s
	}
	return p.say(key, "growth", over(slope), "least", over(least), "most", over(most), "days", strconv.Itoa(trendOver))
}
