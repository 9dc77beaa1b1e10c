package database

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// Shares of a sample are of this many.
const Shares = 1 << 20

// SampleOf says which rows of a table are hashed, which has so many bytes, this primary key and these columns; nil: all. A copy's are those of
// the profile that it will be held against.
func (o ProfileOptions) SampleOf(database, table string, bytes int64, key, columns []string) *Sample {
	if o.Like != nil {
		for _, d := range o.Like.Databases {
			for _, one := range d.Tables {
				if d.Database != database || one.Name != table || one.Sample == nil {
					continue
				}
				same := *one.Sample
				if !slices.ContainsFunc(same.By, func(c string) bool { return !slices.Contains(columns, c) }) {
					return &same
				}
			}
		}
		return nil
	}
	if o.Whole <= 0 || bytes <= o.Whole {
		return nil
	}
	if len(key) == 0 {
		key = columns
	}
	parts := max(1, int64(float64(o.Whole)/float64(bytes)*Shares))
	return &Sample{Share: float64(parts) / Shares, Seed: o.Seed, By: key}
}

// Extreme writes values alike that compare alike.
func Extreme(v []byte) string {
	text := string(v)
	if strings.Contains(text, ".") && !strings.ContainsAny(text, ":e") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// Fingerprint stands for what must be the same and need not be shown.
func Fingerprint(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text))[:7+16] }
