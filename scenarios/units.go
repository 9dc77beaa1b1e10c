package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a host need not have the zones
)

// Duration is a length of time of a scenario, never negative, at a resolution
// of nanoseconds. It is written with its unit: 500ms, 5s, 30m, 1h30m, 7d.
type Duration time.Duration

// Size is a number of bytes, written with its unit: 512MiB, 2GB.
type Size int64

// Rate is bytes per second, written with its unit: 20MB/s.
type Rate int64

// PerSecond is how often something happens, written 20/s.
type PerSecond float64

// Percent is a share in hundredths: 5 is 5 %. It is written 5% and lies between 0 and 100.
type Percent float64

// Examples in the hints; also what the schema shows.
const (
	hintDuration  = "give a number with a unit, such as 500ms, 30s, 5m, 2h or 7d"
	hintSize      = "give a number with a unit, such as 512MiB or 2GB"
	hintRate      = "give bytes per second with their unit, such as 20MB/s"
	hintPerSecond = "give a number per second, such as 20/s"
	hintPulse     = "give a number per second, such as 10/s, or {every: 5s}: one user"
	hintPercent   = "give a share between 0% and 100%, such as 5%"
)

// sizeUnits is sorted so that no unit hides a longer one that ends alike.
var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// ParseDuration reads a length of time with its unit. Days (d) come first: 1d12h.
func ParseDuration(text string) (Duration, error) {
	bad := fmt.Errorf("%q is not a length of time", text)
	rest, days := text, 0.0
	if head, tail, ok := strings.Cut(text, "d"); ok {
		n, err := number(head)
		if err != nil || n > 100_000 {
			return 0, bad
		}
		rest, days = tail, n
		rest = cmp.Or(rest, "0s")
	}
	if rest == "" || strings.ContainsAny(rest, "+-") || strings.TrimLeft(rest, "0123456789.") == "" {
		return 0, bad
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, bad
	}
	total := days*float64(24*time.Hour) + float64(d)
	if total > float64(math.MaxInt64/2) {
		return 0, bad
	}
	return Duration(time.Duration(days*float64(24*time.Hour)) + d), nil
}

// ParseSize reads a number of bytes with its unit.
func ParseSize(text string) (Size, error) {
	for _, u := range sizeUnits {
		head, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := number(strings.TrimSuffix(head, " "))
		if err != nil || n*u.bytes > math.MaxInt64/2 {
			break
		}
		return Size(math.Round(n * u.bytes)), nil
	}
	return 0, fmt.Errorf("%q is not a size", text)
}

// ParseRate reads bytes per second.
func ParseRate(text string) (Rate, error) {
	head, ok := strings.CutSuffix(text, "/s")
	if ok {
		if n, err := ParseSize(head); err == nil {
			return Rate(n), nil
		}
	}
	return 0, fmt.Errorf("%q is not a rate in bytes", text)
}

// ParsePerSecond reads how often something happens.
func ParsePerSecond(text string) (PerSecond, error) {
	head, ok := strings.CutSuffix(text, "/s")
	if ok {
		if n, err := number(head); err == nil {
			return PerSecond(n), nil
		}
	}
	return 0, fmt.Errorf("%q is not a number per second", text)
}

// ParsePercent reads a share between 0% and 100%.
func ParsePercent(text string) (Percent, error) {
	head, ok := strings.CutSuffix(text, "%")
	if ok {
		if n, err := number(strings.TrimSuffix(head, " ")); err == nil && n <= 100 {
			return Percent(n), nil
		}
	}
	return 0, fmt.Errorf("%q is not a share", text)
}

// number reads a plain decimal number that is not negative.
func number(text string) (float64, error) {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return strconv.ParseFloat(text, 64)
}

// Std is the same length of time in the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes 30m, not 30m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Bytes is the size as a plain number.
func (s Size) Bytes() int64 { return int64(s) }

// String writes the size in the largest unit that divides it.
func (s Size) String() string {
	best, short := strconv.FormatInt(int64(s), 10)+"B", math.MaxInt
	for _, u := range sizeUnits {
		if text := strconv.FormatFloat(float64(s)/u.bytes, 'f', -1, 64); s >= Size(u.bytes) && len(text) < short {
			best, short = text+u.name, len(text)
		}
	}
	return best
}

// BytesPerSecond is the rate as a plain number; 0 means without a limit.
func (r Rate) BytesPerSecond() int64 { return int64(r) }

// String writes 20MB/s.
func (r Rate) String() string { return Size(r).String() + "/s" }

// Interval is the time between two occurrences; 0 where there are none.
func (p PerSecond) Interval() time.Duration {
	if p <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / float64(p))
}

// Given tells whether the scenario says how the flow is asked.
func (p Pulse) Given() bool { return p != Pulse{} }

// Period is the time from one begin to the next; 0 where the drill finds it out.
func (p Pulse) Period() time.Duration {
	if p.Every > 0 {
		return p.Every.Std()
	}
	return p.Rate.Interval()
}

// String writes 10/s, or every 5s by one user.
func (p Pulse) String() string {
	if p.Every > 0 {
		return "every " + p.Every.String() + " by one user"
	}
	return p.Rate.String()
}

// String writes 20/s.
func (p PerSecond) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "/s" }

// Share is the percentage as a fraction between 0 and 1.
func (p Percent) Share() float64 { return float64(p) / 100 }

// String writes 5%.
func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }

// MarshalText writes the value with its unit.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalText writes the value with its unit.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText writes the value with its unit.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText writes the value with its unit.
func (p PerSecond) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalText writes the value with its unit.
func (p Pulse) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalText writes the value with its unit.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// WidestZone is more than any two clocks on Earth differ by: zones go from UTC−12 to UTC+14, and what is read in the
// wrong one is wrong by at most that against UTC.
const WidestZone = 14 * time.Hour

// LoadZone finds a time zone by its IANA name. The host's own zone has no name here: a record must mean the same
// everywhere.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("a time zone has a name")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("find time zone %s: %w", name, err)
	}
	return zone, nil
}
