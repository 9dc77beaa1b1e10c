package qemu

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// A driver that is closed reads no console any more and offers no disk: its machines may outlive it, until the ledger ends them.
func TestClosedDriverLetsGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // waits for every goroutine
		d := New(instance.Site{}, nil)
		offered := true
		m := &Machine{driver: d, request: instance.Request{Name: "vm"}, vm: &VM{Unlock: scenarios.Plain("a passphrase")},
			drives: []*drive{{}, {stop: func() { offered = false }}}}
		d.machines["vm"] = m
		m.startUnlocking(t.Context())
		synctest.Wait()
		require.NoError(t, d.Close())
		assert.False(t, offered)
	})
}
