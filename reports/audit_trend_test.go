package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// A direction is told only where the figures show one: of one host, of one basis, over weeks.
func TestTrends(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	drill := func(n, everyDays int, took time.Duration, host string) evidence.DrillResult {
		j := record.Judged{Name: "restored", Limit: 2 * time.Hour, Status: record.StatusPassed, Basis: record.BasisMeasured}
		if took > 0 {
			j.Measured = &took
		}
		return evidence.DrillResult{Leaf: evidence.Leaf{Series: "shop", Number: n, Started: begin.AddDate(0, 0, n*everyDays)}, Service: "checkout",
			Shown: &evidence.Shown{Host: host, Objectives: []record.Judged{j}}}
	}
	of := func(everyDays int, minutes ...float64) (all []evidence.DrillResult) {
		for i, m := range minutes {
			all = append(all, drill(i, everyDays, time.Duration(m*float64(time.Minute)), "a"))
		}
		return all
	}
	moved := append(of(30, 60, 50, 40, 30), drill(4, 30, 20*time.Minute, "b"), drill(5, 30, 22*time.Minute, "b"))
	twice := of(30, 10, 11, 12, 13)
	longer := 50 * time.Minute
	twice[1].Shown.Objectives = append(twice[1].Shown.Objectives,
		record.Judged{Name: "restored", Limit: 2 * time.Hour, Status: record.StatusPassed, Basis: record.BasisMeasured, Measured: &longer})
	for name, c := range map[string]struct {
		drills []evidence.DrillResult
		want   string
	}{
		"one quarter":                       {of(90, 10), "NOT ENOUGH DATA: it takes 3 figures over 14 d"},
		"two quarters":                      {of(90, 10, 20), "NOT ENOUGH DATA: it takes 3 figures"},
		"three quarters":                    {of(90, 10, 11, 12), "whether it grows: NOT ENOUGH DATA (+60.0 to +60.0 s in 90 days)"},
		"four quarters":                     {of(90, 10, 11, 12, 13), "rising: +60.0 s in 90 days (+60.0 to +60.0)"},
		"four, and not measured in between": {of(90, 10, 0, 11, 0, 12, 13), "rising: +33.0 s in 90 days (+30.0 to +60.0)"},
		"four that fall":                    {of(90, 13, 12, 11, 10), "falling: -60.0 s in 90 days"},
		"four that go up and down":          {of(90, 10, 14, 9, 12), "whether it grows: NOT ENOUGH DATA (-300.0 to +240.0 s"},
		"many within days":                  {of(1, 10, 11, 12, 13, 14, 15), "NOT ENOUGH DATA: it takes 3 figures over"},
		"on another host since":             {moved, "NOT ENOUGH DATA: it takes 3 figures"},
		"of two incidents the longer":       {twice, "whether it grows: NOT ENOUGH DATA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &evidence.Result{Bundle: evidence.Bundle{From: begin, To: begin.AddDate(2, 0, 0)}, Drills: c.drills}
			page := audited(t, "markdown", r, English)
			assert.Contains(t, page, c.want)
			assert.Contains(t, audited(t, "html", r, Chinese), "历次演练趋势")
		})
	}
}
