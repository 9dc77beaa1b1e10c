package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

func TestDuration(t *testing.T) {
	for _, tc := range []struct {
		d      time.Duration
		r      Rounding
		en, zh string
	}{
		{0, Nearest, "0.0 s", "0.0 秒"},
		{3 * time.Millisecond, Up, "0.01 s", "0.01 秒"},
		{420 * time.Millisecond, Nearest, "0.42 s", "0.42 秒"},
		{999999 * time.Microsecond, Up, "1.00 s", "1.00 秒"},
		{4*time.Minute + 59*time.Second, Nearest, "4 min 59.0 s", "4 分 59.0 秒"},
		{59960 * time.Millisecond, Nearest, "1 min 0.0 s", "1 分 0.0 秒"},
		{59960 * time.Millisecond, Down, "59.9 s", "59.9 秒"},
		{2*time.Hour + time.Millisecond, Up, "2 h 0 min 0.1 s", "2 小时 0 分 0.1 秒"},
		{2*time.Hour + time.Millisecond, Down, "2 h 0 min 0.0 s", "2 小时 0 分 0.0 秒"},
		{26*time.Hour + 90*time.Second, Up, "26 h 1 min 30 s", "26 小时 1 分 30 秒"},
		{50 * time.Hour, Up, "2 d 2 h 0 min 0 s", "2 天 2 小时 0 分 0 秒"},
		{-1500 * time.Millisecond, Nearest, "−1.5 s", "−1.5 秒"},
	} {
		assert.Equal(t, tc.en, English.Duration(tc.d, tc.r))
		assert.Equal(t, tc.zh, Chinese.Duration(tc.d, tc.r))
	}
}

func TestLimit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 30 * time.Minute: "30 min", 2 * time.Hour: "2 h", 26 * time.Hour: "26 h", 90 * time.Second: "1 min 30 s",
		72 * time.Hour: "3 d", 250 * time.Millisecond: "0.25 s", 2*time.Hour + 5*time.Second: "2 h 5 s",
		-time.Minute: "−1 min",
	} {
		assert.Equal(t, want, English.Limit(d))
	}
}

func TestSizeAndRate(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 812: "812 B", 8_120_000: "8.1 MB", 1_901_222_333: "1.9 GB",
		268_000: "268 kB", 999_600: "1.00 MB"} {
		assert.Equal(t, want, English.Size(n))
	}
	assert.Equal(t, "8.6 MB/s", English.Rate(8_600_000, Down), "an exact figure is not moved")
	assert.Equal(t, "8.6 MB/s", English.Rate(8_600_000, Up))
	assert.Equal(t, "8.5 MB/s", English.Rate(8_599_999, Down))
	assert.Equal(t, "8.7 MB/秒", Chinese.Rate(8_600_100, Up))
	assert.Equal(t, "0.30 B/s", English.Rate(0.299, Up))
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 11, 20, 2, 0, 0, 0, time.FixedZone("", 8*3600))
	assert.Equal(t, "2026-11-20 02:00:00 +08:00", English.Time(at))
	assert.Equal(t, "–", English.Time(time.Time{}))
	assert.Equal(t, "104,170", English.Count(104170))
	assert.Equal(t, "-1,000", English.Count(-1000))
	assert.Equal(t, "12", English.Count(12))
}

func TestParseLanguage(t *testing.T) {
	for in, want := range map[string]Language{"zh": Chinese, "zh_CN.UTF-8": Chinese, "zh-Hans": Chinese,
		"en_GB": English, "EN": English} {
		got, ok := ParseLanguage(in)
		assert.True(t, ok, in)
		assert.Equal(t, want, got, in)
	}
	got, ok := ParseLanguage("de_DE")
	assert.False(t, ok)
	assert.Equal(t, English, got)
}

// A bound is written no finer than what is not known of it.
func TestBound(t *testing.T) {
	for _, tc := range []struct {
		lower, upper     time.Duration
		down, up, limits string // limits: the upper bound beside a limit of 90 s
	}{
		{12834 * time.Millisecond, 12834 * time.Millisecond, "12.8 s", "12.9 s", "12.9 s"},
		{320 * time.Millisecond, 520 * time.Millisecond, "0.3 s", "0.6 s", "0.6 s"},
		{11801 * time.Millisecond, 12834 * time.Millisecond, "11 s", "13 s", "13 s"},
		{70 * time.Second, 89100 * time.Millisecond, "1 min 10 s", "1 min 30 s", "1 min 30 s"},
		{10 * time.Second, 74 * time.Second, "0 s", "2 min", "1 min 20 s"},
		{10*time.Hour + 30*time.Second, 24*time.Hour + time.Second, "10 h", "24 h 1 min", "24 h 0 min 10 s"},
	} {
		s := record.Span{Lower: tc.lower, Upper: tc.upper}
		assert.Equal(t, tc.down, English.Bound(s, Down))
		assert.Equal(t, tc.up, English.Bound(s, Up))
		assert.Equal(t, tc.limits, English.durationTo(s.Upper, stepOf(s, 90*time.Second), Up))
	}
}

// A reason's figures are those of its objective, as the table has them, and stay on their side of the limit.
func TestFiguresOfAReason(t *testing.T) {
	upper, lower := 31*time.Second+234*time.Millisecond, 30*time.Second+100*time.Millisecond
	margin := 30*time.Second - upper
	j := record.Judged{Name: "outage", Limit: 30 * time.Second, Measured: &upper, Lower: &lower, Upper: &upper, Margin: &margin,
		Status: record.StatusFailed}
	missed := record.Reason{ID: "objective.missed", Status: record.StatusFailed, Args: map[string]string{"objective": "outage",
		"limit": "30s", "measured": upper.String(), "over": (-margin).String(), "scope": ""}}
	r := &record.Record{}
	d := newDocument(r, record.Verdict{Status: record.StatusFailed, Objectives: []record.Judged{j}, Reasons: []record.Reason{missed}}, Options{})
	cells := find(d, "objectives", "objectives").Rows[0]
	assert.Equal(t, []string{"32 s", "over by 2 s"}, []string{cells[2].Text, cells[4].Text})
	assert.Contains(t, d.Sentence, "took 32 s, over the limit of 30 s by 2 s")
}

// A time of day is written no finer than it is known either, and on the side of its bound.
func TestTimeOfDayOfABound(t *testing.T) {
	started := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	a := author{c: Messages(), l: English, r: &record.Record{Header: record.Header{Started: started}}}
	for _, tc := range []struct {
		early, late time.Duration
		down, up    string
	}{
		{104250 * time.Millisecond, 104250 * time.Millisecond, "02:01:44.3", "02:01:44.3"},
		{61950 * time.Millisecond, 62010 * time.Millisecond, "02:01:01.9", "02:01:02.1"},
		{61950 * time.Millisecond, 66980 * time.Millisecond, "02:01:01", "02:01:07"},
		{61 * time.Second, 85 * time.Second, "02:01:00", "02:01:30"},
		{10 * time.Second, 121 * time.Second, "02:00", "02:03"},
	} {
		m := record.Moment{Early: tc.early, Late: tc.late}
		assert.Equal(t, []string{tc.down, tc.up}, []string{a.clock(m, Down), a.clock(m, Up)})
	}
}

// What the live view shows of an objective adds up, and is not finer than the pulse can know.
func TestAgainstALimit(t *testing.T) {
	s := record.Span{Lower: 151600 * time.Millisecond, Upper: 156601 * time.Millisecond}
	took, over := English.Against(s, 2*time.Minute)
	assert.Equal(t, []string{"2 min 37 s", "37 s"}, []string{took, over})
	took, over = English.Against(record.Span{Lower: 119960 * time.Millisecond, Upper: 120040 * time.Millisecond}, 2*time.Minute)
	assert.Equal(t, []string{"2 min 0.1 s", "0.1 s"}, []string{took, over}, "what is over is not rounded away")
	_, over = English.Against(s, 3*time.Minute)
	assert.Empty(t, over)
}
