package drills

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

type remoteStore struct{ store.Store }

func (remoteStore) Hosts() []string { return []string{"oss.example.com", "proxy.example.com"} }

// Whom the drill speaks to is told to whoever gives out addresses.
func TestSpeaksTo(t *testing.T) {
	p := &Plan{Scenario: &scenarios.Scenario{Egress: scenarios.Egress{Allow: []string{"10.20.3.4:443", "pay.example.com:443"}}},
		Backups: map[string]*BackupPlan{"far": {Store: remoteStore{}}, "near": {}}}
	assert.Equal(t, []string{"10.20.3.4", "oss.example.com", "pay.example.com", "proxy.example.com"}, p.speaksTo())
}
