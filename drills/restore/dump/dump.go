// Package dump is what loaders of dumps share: reading a backup without its compression, feeding it to a program in the
// machine or putting it on its volume, giving up what stands still, and telling whose fault a failure is. What a dump
// means is its loader's.
package dump

import (
	"fmt"
	"strings"
)

// Damage says what is wrong with a dump.
type Damage struct{ Reason string }

func (e *Damage) Error() string { return e.Reason }

// Few names the first five, and how many more there are.
func Few(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
