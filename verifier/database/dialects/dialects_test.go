package dialects

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/scenarios"
	"lifeboat/verifier/database/mysql"
	"lifeboat/verifier/database/postgres"
)

// A server is asked in its own way, whatever kind of backup it was restored from.
func TestChoose(t *testing.T) {
	for loads, want := range map[string]any{"mysql": mysql.Dialect{}, "mariadb-backup": mysql.Dialect{}, "postgres": postgres.Dialect{},
		"basebackup": postgres.Dialect{}, "": postgres.Dialect{}} {
		got, problems := Choose(scenarios.CheckSpec{Loads: loads}, "")
		assert.Empty(t, problems)
		assert.Equal(t, want, got, loads)
	}
}
