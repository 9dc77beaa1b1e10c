package reports

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

var figure = regexp.MustCompile(`([\d.]+) (d|h|min|s)\b`)

// read turns a written length of time back into a figure.
func read(t *testing.T, s string) time.Duration {
	t.Helper()
	units := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "min": time.Minute, "s": time.Second}
	var sum time.Duration
	hits := figure.FindAllStringSubmatch(s, -1)
	require.NotEmpty(t, hits, "no length of time in %q", s)
	for _, m := range hits {
		f, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		sum += time.Duration(f*1e6) * units[m[2]] / 1e6
	}
	return sum.Round(time.Millisecond)
}

func find(d document, section, class string) *table {
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if s.ID == section && b.Table != nil && b.Table.Class == class {
				return b.Table
			}
		}
	}
	return nil
}

func row(tab *table, first string) []cell {
	if tab == nil {
		return nil
	}
	for _, r := range tab.Rows {
		if r[0].Text == first {
			return r
		}
	}
	return nil
}

func TestLimitLessMeasuredIsMarginAsWritten(t *testing.T) {
	checked := 0
	for _, sm := range samples(t) {
		tab := find(newDocument(sm.record, sm.verdict, Options{}), "objectives", "objectives")
		if tab == nil {
			continue
		}
		for _, r := range tab.Rows {
			limit, measured, margin := r[1].Text, r[2].Text, r[4].Text
			if margin == "–" || strings.Contains(measured, "not") && !strings.Contains(measured, "≥") {
				continue
			}
			checked++
			if strings.Contains(margin, "over by") {
				assert.Equal(t, read(t, measured)-read(t, limit), read(t, margin), "%s: %s", sm.name, r[0].Text)
				assert.Equal(t, "failed", r[5].Badge.Class)
			} else {
				assert.Equal(t, read(t, limit)-read(t, measured), read(t, margin), "%s: %s", sm.name, r[0].Text)
			}
		}
	}
	assert.Greater(t, checked, 15)
}

// A figure that crosses a limit by a hair must not be rounded onto the other side of it.
func TestNoLimitIsHeldByRounding(t *testing.T) {
	a := author{c: Messages(), l: English, r: &record.Record{}}
	over, under := 30*time.Minute+time.Microsecond, 30*time.Minute-time.Microsecond
	missed := record.Judged{
		Name:     "outage",
		Limit:    30 * time.Minute,
		Measured: &over,
		Lower:    &over,
		Margin:   ptr(-time.Microsecond),
		Status:   record.StatusFailed,
	}
	assert.Equal(t, "30 min 0.1 s", a.measured(missed))
	assert.Equal(t, "over by 0.1 s", a.margin(missed))
	assert.Equal(t, "> 100 %", a.bar(missed).Label)
	held := record.Judged{
		Name:     "outage",
		Limit:    30 * time.Minute,
		Measured: &under,
		Lower:    &under,
		Margin:   ptr(time.Microsecond),
		Status:   record.StatusPassed,
	}
	assert.Equal(t, "30 min 0.0 s", a.measured(held))
	assert.Equal(t, "0.0 s", a.margin(held))
	assert.Equal(t, "> 99 %", a.bar(held).Label)
	open := record.Judged{
		Name:   "restored",
		Limit:  time.Hour,
		Lower:  ptr(90 * time.Minute),
		Status: record.StatusFailed,
	}
	assert.Equal(t, "≥ 1 h 30 min 0.0 s, not recovered", a.measured(open))
	assert.Equal(t, "over by ≥ 30 min 0.0 s", a.margin(open))
}

func TestClocksAgreeWithObjectives(t *testing.T) {
	for _, sm := range []sample{samples(t)[0], samples(t)[1]} {
		d := newDocument(sm.record, sm.verdict, Options{})
		clocks, limits, free := find(
			d,
			"happened",
			"clocks",
		), find(
			d,
			"objectives",
			"objectives",
		), find(
			d,
			"objectives",
			"unlimited",
		)
		for clock, objective := range map[string]string{"T3": "Rollback started", "T7": "Restored and verified"} {
			assert.Equal(t, row(limits, objective)[2].Text, row(clocks, clock)[3].Text, "%s: %s", sm.name, objective)
			if sm.want == record.StatusPassed {
				assert.Contains(t, d.Sentence, "**"+row(clocks, clock)[3].Text+"**")
			}
		}
		for clock, objective := range map[string]string{"T1": "Detected", "T6": "Business back"} {
			assert.Equal(t, row(free, objective)[1].Text, row(clocks, clock)[3].Text, "%s: %s", sm.name, objective)
		}
	}
}

func TestTheOutageIsOneFigure(t *testing.T) {
	for _, sm := range samples(t) {
		o := sm.verdict.Outage
		if o == nil || o.Open || o.Count == 0 {
			continue
		}
		d := newDocument(sm.record, sm.verdict, Options{})
		written := row(find(d, "objectives", "objectives"), "Outage")[2].Text
		assert.Contains(t, d.Sentence, "**"+written+"**")
		var sum time.Duration
		rows := find(d, "happened", "reds").Rows
		for _, r := range rows {
			sum += read(t, r[3].Text)
		}
		one := sm.record.Pace().Period() // to which each is rounded up
		assert.InDelta(t, read(t, written), sum, float64(one)*float64(len(rows)-1), "%s: the stretches add up", sm.name)
		for _, s := range d.Sections {
			for _, b := range s.Blocks {
				if strings.HasPrefix(b.Paragraph, "Outage in total") {
					assert.Contains(t, b.Paragraph, "to "+written)
				}
			}
		}
	}
}

func TestProbesAreRateTimesTime(t *testing.T) {
	for _, sm := range samples(t) {
		p := sm.record.Pulse
		if p == nil {
			continue
		}
		all := p.Totals.Good + p.Totals.Bad + p.Totals.Unproven + p.Totals.Dropped
		want := sm.record.Header.PulseRate * (p.To.Late - p.From.Early).Seconds()
		assert.InDelta(t, want, all, want/100+2, sm.name)
	}
}

func TestDataLossIsT0LessTheConsistencyTime(t *testing.T) {
	sm := samples(t)[0]
	d := newDocument(sm.record, sm.verdict, Options{})
	t0 := sm.record.Header.Started.Add(sm.record.Incidents[0].T0.Late)
	loss := read(t, row(find(d, "objectives", "objectives"), "Data at risk (RPO) (shop-db)")[2].Text)
	var stated time.Time
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			for _, p := range b.Pairs {
				if s.ID == "backups" && b.Caption == "shop-db" && p.Name == "consistent to" {
					var err error
					stated, err = time.Parse("2006-01-02 15:04:05 -07:00", p.Text.Text)
					require.NoError(t, err)
				}
			}
		}
	}
	assert.Equal(t, t0.Sub(stated), loss)
}

func TestChecksAreCounted(t *testing.T) {
	for _, sm := range samples(t) {
		d := newDocument(sm.record, sm.verdict, Options{})
		tab := find(d, "checks", "checks")
		if tab == nil {
			continue
		}
		good := 0
		for _, r := range tab.Rows {
			if b := r[len(r)-1].Badge; b != nil && b.Class == "passed" {
				good++
			}
		}
		for _, s := range d.Sections {
			if s.ID == "checks" {
				assert.Equal(t, strconv.Itoa(good)+" of "+strconv.Itoa(len(tab.Rows))+" passed at the end", s.Note, sm.name)
			}
		}
	}
}

func TestNeededThroughput(t *testing.T) {
	sm := samples(t)[0]
	need, ok := NeededThroughput(sm.record, "shop-db")
	require.True(t, ok)
	// Of 2 h, T0 to T7 took 304.95 s, 222 s of them the restore: 7117.05 s are left for 1,901,222,333 bytes.
	assert.InDelta(t, 1_901_222_333/7117.05, need.Needed, 1)
	assert.InDelta(t, 1_901_222_333/222.0, need.Measured, 1)
	assert.Equal(t, 82950*time.Millisecond, need.Elsewhere)

	_, ok = NeededThroughput(sm.record, "shop-app")
	assert.False(t, ok, "it was not restored in the rollback")

	sm.record.Header.Objectives[1].Limit = 80 * time.Second
	need, ok = NeededThroughput(sm.record, "shop-db")
	require.True(t, ok)
	assert.Zero(t, need.Needed, "nothing is left of the limit")
	a := author{c: Messages(), l: English, r: sm.record}
	words, _ := a.throughput("shop-db")
	assert.Contains(t, words, "no storage is fast enough: 1 min 23.0 s of the limit of 1 min 20 s went elsewhere")
}

func TestAFlickeringBusinessStaysReadable(t *testing.T) {
	sm := samples(t)[0]
	for i := range 500 {
		from := 62*time.Second + time.Duration(i)*500*time.Millisecond
		sm.record.Pulse.Reds = append(sm.record.Pulse.Reds,
			record.Stretch{Window: record.Window{From: record.At(from), To: record.At(from + 100*time.Millisecond)}})
	}
	d := newDocument(sm.record, sm.verdict, Options{})
	assert.Len(t, find(d, "happened", "reds").Rows, mostStretches)
	page := render(t, format(t, "markdown"), sm, English)
	assert.Contains(t, page, "… and 462 more")
	assert.Less(t, len(render(t, format(t, "html"), sm, English)), 400_000)
}

// A report says "as before" only where a check held what it saw against what was seen before.
func TestAsBeforeIsSaidOfWhatWasCompared(t *testing.T) {
	said := map[Language]string{English: "verified as before", Chinese: "经验证恢复至升级前状态"}
	for _, sm := range samples(t) {
		compared := slices.ContainsFunc(sm.record.Checks, func(c record.CheckResult) bool { return c.Compared })
		for l, words := range said {
			sentence := newDocument(sm.record, sm.verdict, Options{Language: l}).Sentence
			if !strings.Contains(sentence, words) {
				continue
			}
			assert.True(t, compared, sm.name)
			for i := range sm.record.Checks {
				sm.record.Checks[i].Compared = false
			}
			assert.NotContains(t, newDocument(sm.record, sm.verdict, Options{Language: l}).Sentence, words, sm.name)
			for i, c := range sm.record.Checks {
				sm.record.Checks[i].Compared = c.When == "after" && c.Layer == record.LayerSystem
			}
		}
	}
}
