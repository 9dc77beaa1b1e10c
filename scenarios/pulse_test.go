package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A slow pulse is not refused for the rule that nobody wrote.
func TestUsualRule(t *testing.T) {
	for pulse, want := range map[Pulse]string{
		{}:                    defaultRule,
		{Rate: 10}:            defaultRule,
		{Every: second}:       defaultRule,
		{Every: 5 * second}:   "flow.failed > 5% for 10s",
		{Rate: PerSecond(.2)}: "flow.failed > 5% for 10s",
	} {
		flow := Flow{Pulse: pulse}
		got := (&Scenario{Flow: &flow}).usualRule()
		assert.Equal(t, want, got)
		rule, err := ParseRule(got)
		require.NoError(t, err)
		assert.Empty(t, rule.unseen(flow))
	}
}
