package drills

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
)

// meteredDriver knows what its machines hold.
type meteredDriver struct {
	*fake.Driver
	held int64
}

func (meteredDriver) Reach(context.Context) error { return nil }

func (d meteredDriver) Used(context.Context) (instance.Used, error) {
	return instance.Used{CPU: time.Second, Memory: d.held, Disk: 7}, nil
}

// What the machines of a drill held stands in its record, of one that is over before anybody asks, too; it decides nothing.
func TestHeldMemoryIsRecorded(t *testing.T) {
	w := pressedWorld(t, 0, 0, time.Millisecond)
	change := w.change
	w.change = func(k *Kit) {
		change(k)
		boots := k.Instances["fake"].New
		k.Instances["fake"] = docker.Kind(func(s instance.Site) (instance.Driver, error) {
			d, err := boots(s)
			return meteredDriver{d.(slowDriver).Driver, 300 << 20}, err
		})
	}
	res := w.run(bootable)
	require.Less(t, res.Record.Ended, askedEvery)
	assert.Equal(t, int64(300<<20), res.Record.Held())
	assert.Equal(t, int64(7), res.Record.Disk())
	assert.Equal(t, record.StatusPassed, res.Verdict.Status)
}
