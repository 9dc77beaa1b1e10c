package data

import (
	"strconv"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/verifier/database"
)

// uncovered says what of a copy its partial profile says nothing of.
func uncovered(d database.ProfiledDatabase, scope string) record.Observation {
	named, more := d.Outside, ""
	if n := len(named) - mostDifferences; n > 0 {
		named, more = named[:mostDifferences], strconv.Itoa(n)
	}
	return observed("profile.part", "database", d.Database, "scope", scope, "tables", strings.Join(named, ", "), "more", more)
}
