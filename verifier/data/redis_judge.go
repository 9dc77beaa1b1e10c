package data

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// Judge implements verifier.Check.
func (c *redis) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("redis", before, after, c.judge)
}

func (c *redis) judge(_ *kept, now kept) verifier.Answer {
	switch {
	case now.Down != "":
		return verifier.Failed("nobody answers on %s: %s", c.On(), now.Down)
	case c.keys.Pattern != "":
		return c.matched(now)
	case c.keys.Key != "":
		return c.found(now)
	}
	return c.held(now)
}

func (c *redis) matched(now kept) verifier.Answer {
	k := c.keys
	switch {
	case now.Matched == nil:
		return verifier.Crashed("keys of %s were not counted", k.Pattern)
	case *now.Matched == 0:
		return verifier.Failed("there is no key of %s", k.Pattern)
	case k.AtLeast != nil && *now.Matched < *k.AtLeast:
		return verifier.Failed("there are %d keys of %s, fewer than %d", *now.Matched, k.Pattern, *k.AtLeast)
	case k.AtMost != nil && *now.Matched > *k.AtMost:
		return verifier.Failed("there are %d keys of %s, more than %d", *now.Matched, k.Pattern, *k.AtMost)
	}
	return verifier.Passed("there are %d keys of %s", *now.Matched, k.Pattern)
}

func (c *redis) found(now kept) verifier.Answer {
	k, f := c.keys, now.Found
	switch {
	case f == nil:
		return verifier.Crashed("key %s was not looked at", k.Key)
	case f.Type == "":
		return verifier.Failed("there is no key %s", k.Key)
	case k.Type != "" && f.Type != k.Type:
		return verifier.Failed("key %s is a %s, not a %s", k.Key, f.Type, k.Type)
	case (k.Equals != nil || k.MaxAge > 0) && f.Type != "string":
		return verifier.Failed("key %s is a %s, not a %s", k.Key, f.Type, "string")
	case k.Equals != nil && f.Value != *k.Equals:
		return verifier.Failed("key %s holds %q, not %q", k.Key, verifier.Line(f.Value, 100), *k.Equals)
	case k.TTL == "none" && f.TTL >= 0:
		return verifier.Failed("key %s has an expiry", k.Key)
	case k.TTL == "some" && f.TTL < 0:
		return verifier.Failed("key %s has no expiry", k.Key)
	}
	if k.MaxAge > 0 {
		return c.aged(now)
	}
	return verifier.Passed("key %s is as it should be", k.Key)
}

// aged holds the time in a key against now.
func (c *redis) aged(now kept) verifier.Answer {
	at, ok := timeIn(now.Found.Value)
	age := now.Asked.Sub(at)
	switch {
	case !ok:
		return verifier.Failed("key %s holds no time: %q", c.keys.Key, verifier.Line(now.Found.Value, 100))
	case age < -time.Minute:
		return verifier.Failed("key %s holds %s, which has not come yet", c.keys.Key, at.Format(time.RFC3339))
	case age > c.keys.MaxAge.Std():
		return verifier.Failed("key %s holds %s: more than %s ago", c.keys.Key, at.Format(time.RFC3339), c.keys.MaxAge.Std())
	}
	return verifier.Passed("key %s holds %s", c.keys.Key, at.Format(time.RFC3339))
}

// timeIn a value: RFC 3339, or seconds or milliseconds since 1970.
func timeIn(value string) (time.Time, bool) {
	value = strings.TrimSpace(value)
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at.UTC(), true
	}
	n, err := strconv.ParseFloat(value, 64)
	const milli = 1e11 // as seconds that is the year 5138
	switch {
	case err != nil || n < 1e8 || n > 1e14:
		return time.Time{}, false
	case n > milli:
		return time.UnixMilli(int64(n)).UTC(), true
	}
	return time.UnixMilli(int64(n * 1000)).UTC(), true
}

func (c *redis) held(now kept) verifier.Answer {
	var keys, looked int64
	types := map[string]int64{}
	for _, d := range now.Databases {
		if d.Wrong != "" {
			return verifier.Failed("database %d: a key of type %s cannot be read: %s", d.Number, d.Of, d.Wrong)
		}
		keys, looked = keys+d.Keys, looked+d.Looked
		for t, n := range d.Types {
			types[t] += n
		}
	}
	if keys == 0 || looked == 0 {
		return verifier.Failed("the server on %s holds not one key", c.On())
	}
	if wrong := c.lost(now); wrong != nil {
		return *wrong
	}
	var told []string
	for _, t := range slices.Sorted(maps.Keys(types)) {
		told = append(told, fmt.Sprintf("%s %d", t, types[t]))
	}
	a := verifier.Passed("%d keys in %d databases, of which %d were read by their types: %s", keys, len(now.Databases), looked, strings.Join(told, ", "))
	kinds := []string{"few_keys", "few_keys", "values", "values", "swapped_keys", "swapped_keys", "expiries", "expiries"}
	if now.Was == nil {
		kinds = append(kinds, "keys", "keys")
	}
	a.Beside = []record.Observation{observed("unlooked.keys", kinds...)}
	return a
}

// lost holds the keys that do not expire by themselves against those of the last proof; nil: nothing is wrong.
func (c *redis) lost(now kept) *verifier.Answer {
	for _, was := range now.Was {
		i := slices.IndexFunc(now.Databases, func(d keyspace) bool { return d.Number == was.Number })
		is := keyspace{}
		if i >= 0 {
			is = now.Databases[i]
		}
		had, has := was.Keys-was.Expiring, is.Keys-is.Expiring
		if had > 0 && float64(has) < float64(had)*(1-float64(c.keys.Shrink)/100) {
			a := verifier.Failed("database %d holds %d keys without an expiry and held %d in the proof %s: it may not lose so many", was.Number, has, had,
				now.From.Drill)
			return &a
		}
	}
	return nil
}
