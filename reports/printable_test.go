package reports

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whatever a scenario or a restored system wrote, no report steers its reader.
func TestNoReportSteersItsReader(t *testing.T) {
	const evil = "a\x1b[31mred\u202eevil\x07\x00\u2066\u009b<script>"
	for _, sm := range samples(t) {
		r := *sm.record
		r.Header.Service, r.Header.Series, r.Header.Scenario = evil, evil, evil
		sm.record = &r
		for _, f := range Formats() {
			if f.Name == "json" {
				continue // encodes what it must; programs read it
			}
			got := render(t, f, sm, English)
			for _, bad := range []string{"\x1b", "\u202e", "\u2066", "\x07", "\x00", "\u009b"} {
				assert.False(t, strings.Contains(got, bad), "%s of %s holds %q", f.Name, sm.name, bad)
			}
		}
	}
}
