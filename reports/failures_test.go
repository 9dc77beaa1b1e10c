package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// What an instance printed last, and whom it met, is in the report of an upgrade whose new version did not come up.
func TestLastWordsInTheReport(t *testing.T) {
	for l, want := range map[Language][]string{"en": {"did not come up", "it had spoken to", "db (shop-db)"},
		"zh": {"未能启动", "启动期间访问过", "db (shop-db)"}} {
		s := failed()
		finish(s.record)
		s.record.Failures = []record.FailureFact{{Subject: record.Subject{Instance: "app", Incident: 1},
			BootFailure: record.BootFailure{During: record.PhaseUpgrade, Image: "app:2", Why: "it ended with exit code 1",
				Lines: []string{"migrating", "pq: relation orders does not exist"}, Met: []string{"db (shop-db)"}}}}
		var b bytes.Buffer
		require.NoError(t, Markdown(&b, s.record, objective.Judge(s.record), Options{Language: l}))
		for _, text := range append(want, "pq: relation orders does not exist") {
			assert.Contains(t, b.String(), text)
		}
	}
}
