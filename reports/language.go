package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// Language of a report.
type Language string

// The languages that have a catalogue.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Languages lists them; the first is the default.
func Languages() []Language { return []Language{English, Chinese} }

// ParseLanguage understands en, zh and locale names such as zh_CN.UTF-8.
// Anything else is English and not ok.
func ParseLanguage(s string) (l Language, ok bool) {
	tag, _, _ := strings.Cut(strings.ToLower(s), "_")
	tag, _, _ = strings.Cut(tag, "-")
	tag, _, _ = strings.Cut(tag, ".")
	for _, l := range Languages() {
		if string(l) == tag {
			return l, true
		}
	}
	return English, false
}

// Rounding says which way a figure may be wrong: an upper bound is rounded up
// and a lower bound down, so that no limit is held by rounding.
type Rounding int

// The roundings.
const (
	Nearest Rounding = iota
	Up
	Down
)

// unitNames of durations by language: day, hour, minute, second.
var unitNames = map[Language][4]string{
	English: {"d", "h", "min", "s"},
	Chinese: {"天", "小时", "分", "秒"},
}

// Duration writes a measured time with its last digit: "4 min 59.0 s",
// "4 分 59.0 秒", "0.42 s". From a day on it writes whole seconds.
func (l Language) Duration(d time.Duration, r Rounding) string {
	return l.durationTo(d, resolution(d), r)
}

// resolution is the step to which a duration of this length is written.
func resolution(d time.Duration) time.Duration {
	switch d = d.Abs(); {
	case d > 0 && d < time.Second:
		return 10 * time.Millisecond
	case d < 24*time.Hour:
		return 100 * time.Millisecond
	default:
		return time.Second
	}
}

// Bound writes the upper or the lower bound of a time that is known to lie between two.
func (l Language) Bound(s record.Span, r Rounding) string {
	d := s.Upper
	if r == Down {
		d = s.Lower
	}
	return l.durationTo(d, stepOf(s, 0), r)
}

// Against writes the upper bound of a time that is held to a limit, and by how much it is over, "" where it is not: both to
// one step, so that rounding crosses no limit and they add up.
func (l Language) Against(s record.Span, limit time.Duration) (took, over string) {
	step := stepOf(s, limit)
	if s.Upper > limit {
		over = l.durationTo(s.Upper-limit, step, Up)
	}
	return l.durationTo(s.Upper, step, Up), over
}

// stepOf is to what the bounds of a time are written: no finer than what is not known of it, and so that rounding crosses
// no limit.
func stepOf(s record.Span, limit time.Duration) time.Duration {
	step := resolution(s.Upper)
	for _, coarser := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute} {
		if coarser <= s.Upper-s.Lower && limit%coarser == 0 {
			step = max(step, coarser)
		}
	}
	return step
}

func (l Language) durationTo(d, step time.Duration, r Rounding) string {
	if d < 0 {
		if r == Up {
			r = Down
		} else if r == Down {
			r = Up
		}
		return "−" + l.durationTo(-d, step, r)
	}
	d = roundTo(d, step, r)
	digits := max(0, int(math.Round(-math.Log10(step.Seconds()))))
	return l.join(d, func(s time.Duration) string { return strconv.FormatFloat(s.Seconds(), 'f', digits, 64) },
		step >= time.Minute)
}

// roundTo rounds a positive duration to a step.
func roundTo(d, step time.Duration, r Rounding) time.Duration {
	switch r {
	case Up:
		return (d + step - 1) / step * step
	case Down:
		return d / step * step
	default:
		return d.Round(step)
	}
}

// Limit writes a chosen time exactly and without empty parts: "30 min", "2 h", "1 min 30 s".
func (l Language) Limit(d time.Duration) string {
	if d < 0 {
		return "−" + l.Limit(-d)
	}
	return l.join(d, func(s time.Duration) string { return strconv.FormatFloat(s.Seconds(), 'f', -1, 64) }, true)
}

// join writes days (from two on), hours, minutes and seconds.
func (l Language) join(d time.Duration, seconds func(time.Duration) string, trim bool) string {
	names, ok := unitNames[l]
	if !ok {
		names = unitNames[English]
	}
	var parts []string
	add := func(n time.Duration, unit string) {
		if n > 0 || (len(parts) > 0 && !trim) {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit))
		}
	}
	if d >= 48*time.Hour {
		add(d/(24*time.Hour), names[0])
		d %= 24 * time.Hour
	}
	add(d/time.Hour, names[1])
	add(d%time.Hour/time.Minute, names[2])
	if s := d % time.Minute; s > 0 || !trim || len(parts) == 0 {
		parts = append(parts, seconds(s)+" "+names[3])
	}
	return strings.Join(parts, " ")
}

// Size writes bytes in decimal units: "1.9 GB", "812 B".
func (l Language) Size(n int64) string { return scaled(float64(n), Nearest) + "B" }

// Rate writes bytes per second: "8.6 MB/s", "8.6 MB/秒". A needed rate is rounded up, a measured one down.
func (l Language) Rate(perSecond float64, r Rounding) string {
	if l == Chinese {
		return scaled(perSecond, r) + "B/秒"
	}
	return scaled(perSecond, r) + "B/s"
}

// scaled writes a number with two significant digits and its decimal prefix.
func scaled(n float64, r Rounding) string {
	prefix := ""
	for _, p := range []string{"k", "M", "G", "T", "P"} {
		if math.Abs(n) < 999.5 {
			break
		}
		n, prefix = n/1000, p
	}
	digits := 0
	switch abs := math.Abs(n); {
	case prefix == "" && n == math.Trunc(n):
	case abs > 0 && abs < 1:
		digits = 2
	case abs < 100:
		digits = 1
	}
	pow := math.Pow(10, float64(digits))
	switch r { // a hair of tolerance: 8.6 must not become 8.7 by the binary form of 8.6
	case Up:
		n = math.Ceil(n*pow-1e-9) / pow
	case Down:
		n = math.Floor(n*pow+1e-9) / pow
	}
	return strconv.FormatFloat(n, 'f', digits, 64) + " " + prefix
}

// Count writes a whole number with thousands set apart: 104,170.
func (l Language) Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Time writes a moment for people, always with its zone: "2026-11-20 02:00:00 +08:00".
func (l Language) Time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

// Clock writes the time of day to a tenth of a second: "02:01:02.3".
func (l Language) Clock(t time.Time) string {
	return t.Round(100 * time.Millisecond).Format("15:04:05.0")
}

// ClockTo writes the time of day no finer than a step, rounded up or down as its bound is: "02:01:02.3", "02:01:02", "02:01".
func (l Language) ClockTo(t time.Time, step time.Duration, r Rounding) string {
	at := t.Truncate(step)
	if r == Up && at.Before(t) {
		at = at.Add(step)
	}
	switch {
	case step >= time.Minute:
		return at.Format("15:04")
	case step >= time.Second:
		return at.Format("15:04:05")
	}
	return at.Format("15:04:05.0")
}
