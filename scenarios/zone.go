package scenarios

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // a host need not have the zones
)

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
