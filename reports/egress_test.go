package reports

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// A table of attempts stays readable, and counts them all.
func TestAttemptsAreFolded(t *testing.T) {
	a := author{c: Messages(), l: English, r: &record.Record{}}
	for i := range 400 {
		a.r.Egress = append(a.r.Egress, record.EgressFact{Subject: record.Subject{Instance: "app"},
			Egress: record.Egress{Protocol: "dns", Target: fmt.Sprint(i), Count: 2}})
	}
	a.r.Egress = append(a.r.Egress, record.EgressFact{Egress: record.Egress{Protocol: "udp", Target: "x", Count: 1}})
	rows := a.egressRows()
	assert.Len(t, rows, egressRows+2)
	assert.Equal(t, "390 further targets", rows[egressRows].Target)
	sum := 0
	for _, r := range rows {
		sum += r.Count
	}
	assert.Equal(t, 801, sum)
}
