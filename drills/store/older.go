package store

import (
	"cmp"
	"strings"
	"time"
)

// Older is the order of List: by the time that a manifest declares, else by the time of writing, then by name.
func Older(a, b Point) int {
	return cmp.Or(when(a).Compare(when(b)), strings.Compare(a.ID, b.ID))
}

func when(p Point) time.Time {
	if !p.ConsistentTo.IsZero() {
		return p.ConsistentTo
	}
	return p.Taken
}
