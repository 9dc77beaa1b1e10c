package instance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
)

func TestImpairments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		i        instance.Impairment
		says     string
		complain string
	}{
		"none": {instance.Impairment{}, "nothing", "an impairment is one thing, not 0"},
		"two": {instance.Impairment{LinkDown: true, Pause: true}, "the network link is down",
			"an impairment is one thing, not 2"},
		"rate": {instance.Impairment{BytesPerSecond: 2e6}, "the disk moves 2000000 bytes/s", ""},
		"no rate": {instance.Impairment{BytesPerSecond: -1}, "the disk moves -1 bytes/s",
			"a disk moves at least 4096 bytes/s, not -1"},
		"latency": {instance.Impairment{Latency: 80 * time.Millisecond}, "the disk takes 80ms for each request", ""},
		"too slow": {instance.Impairment{Latency: 2 * time.Second}, "the disk takes 2s for each request",
			"a disk's latency lies between 1ms and 1s, not at 2s"},
		"too fast": {instance.Impairment{Latency: time.Microsecond}, "the disk takes 1µs for each request",
			"a disk's latency lies between 1ms and 1s, not at 1µs"},
		"reads": {instance.Impairment{IOError: instance.DiskReads}, "reads of the disk fail with EIO", ""},
		"all": {instance.Impairment{IOError: instance.DiskAll}, "everything asked of the disk fails with EIO",
			""},
		"seeks": {instance.Impairment{IOError: "seeks"}, "seeks of the disk fail with EIO",
			`requests that fail are reads, writes or all, not "seeks"`},
		"link":   {instance.Impairment{LinkDown: true}, "the network link is down", ""},
		"memory": {instance.Impairment{Balloon: 256 << 20}, "256 MiB of memory are left", ""},
		"no memory": {instance.Impairment{Balloon: -1 << 20}, "-1 MiB of memory are left",
			"memory that is left is more than nothing"},
		"pause":  {instance.Impairment{Pause: true}, "the processors stand still", ""},
		"NMI":    {instance.Impairment{NMI: true}, "a non-maskable interrupt", ""},
		"ahead":  {instance.Impairment{ClockSkew: time.Hour}, "the clock is 1h0m0s ahead", ""},
		"behind": {instance.Impairment{ClockSkew: -time.Minute}, "the clock is 1m0s behind", ""},
		"a bit ahead": {instance.Impairment{ClockSkew: time.Second}, "the clock is 1s ahead",
			"a clock is wrong by whole seconds, 10s at least, not by 1s"},
		"a half": {instance.Impairment{ClockSkew: 10500 * time.Millisecond}, "the clock is 10.5s ahead",
			"a clock is wrong by whole seconds, 10s at least, not by 10.5s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.says, c.i.String())
			if c.complain == "" {
				assert.NoError(t, c.i.Valid())
			} else {
				assert.EqualError(t, c.i.Valid(), c.complain)
			}
		})
	}
}
