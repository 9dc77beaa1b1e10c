package ci

import (
	"testing"

	"lifeboat/internal/needs"
)

// TestWiki: MediaWiki on MariaDB with uploaded files. What an upgrade wrote is in the database and beside it, so only a way back that takes
// both is one: make wiki makes its backups.
func TestWiki(t *testing.T) {
	needs.Long(t)
	for _, tc := range []foreign{
		{"wiki-both-together", 0, "passed"},
		{"wiki-database-only", 1, "failed"},
		{"wiki-files-only", 1, "failed"},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.drillIn(t, "wiki") })
	}
}
