package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// The range of the instances' addresses stands beside what was rehearsed.
func TestNetworkInTheReport(t *testing.T) {
	for l, want := range map[Language][]string{"en": {"10.20.7.64/26, of 10.20.0.0/16 as the scenario says", "10.1.2.0/26"},
		"zh": {"10.20.7.64/26（取自场景指定的 10.20.0.0/16）", "10.1.2.0/26"}} {
		for i, n := range []record.Network{{Range: "10.20.7.64/26", Declared: "10.20.0.0/16"}, {Range: "10.1.2.0/26"}} {
			s := passed()
			finish(s.record)
			s.record.Network = &n
			var b bytes.Buffer
			require.NoError(t, Markdown(&b, s.record, objective.Judge(s.record), Options{Language: l}))
			assert.Contains(t, b.String(), want[i])
		}
	}
}
