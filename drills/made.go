package drills

import (
	"strings"
	"time"

	"lifeboat/scenarios"
)

// madeAt reads when a backup says that it was made: the time as it stands there, and where the zone of it is known from
// the backup itself or the scenario, that moment. An hour that a clock went through twice is the earlier one: a backup
// must not look younger than it may be.
func madeAt(text, zone string) (made string, at time.Time) {
	made, own, _ := strings.Cut(text, " ")
	clock, own, _ := strings.Cut(own, " ")
	made += " " + clock
	if _, err := time.Parse(time.DateTime, made); err != nil {
		return "", time.Time{}
	}
	if own == "UTC" || own == "GMT" { // any other abbreviation is that of several zones
		zone = own
	}
	in, err := scenarios.LoadZone(zone)
	if err != nil {
		return made, time.Time{}
	}
	at, _ = time.ParseInLocation(time.DateTime, made, in)
	if earlier := at.Add(-time.Hour); earlier.In(in).Format(time.DateTime) == made {
		at = earlier
	}
	return made, at.UTC()
}
