package objective

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// Hundreds of attempts are one finding for each kind, with a count and examples; a single one keeps its words.
func TestAttemptsAreCountedByKind(t *testing.T) {
	t.Parallel()
	s := good("fault")
	tried := func(e record.Egress) { s.add(50*sec, record.KindEgress, inst("app", 1), e) }
	for i := range 400 {
		tried(record.Egress{Protocol: "dns", Target: fmt.Sprintf("%03d.example", i), Count: 2})
		tried(record.Egress{Protocol: "tcp", Target: fmt.Sprintf("192.0.2.7:%d", 1+i), Count: 1, Expected: true})
	}
	tried(record.Egress{Protocol: "udp", Target: "192.0.2.8:123", Host: "time.example", Count: 7})
	v := s.judge(t)
	found := map[string]map[string]string{}
	for _, f := range v.Findings {
		if strings.HasPrefix(f.ID, "egress.") {
			require.NotContains(t, found, f.ID)
			found[f.ID] = f.Args
		}
	}
	assert.Equal(t, map[string]map[string]string{
		"egress.unexpected_many": {"instance": "app", "protocol": "dns", "targets": "400", "count": "800",
			"examples": "000.example, 001.example, 002.example"},
		"egress.unexpected": {"instance": "app", "protocol": "udp", "target": "192.0.2.8:123", "host": "time.example",
			"count": "7"},
	}, found)
	seen := 0
	for _, o := range v.Observations {
		if strings.HasPrefix(o.ID, "egress.") {
			seen++
			assert.Equal(t, "egress.expected_many", o.ID)
			assert.Equal(t, "400", o.Args["count"])
		}
	}
	assert.Equal(t, 1, seen)
}
