package docker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// BenchmarkSteps prints what the steps of a machine's life take.
func BenchmarkSteps(b *testing.B) {
	steps := map[string]time.Duration{}
	for b.Loop() {
		d, _ := newBench(b)
		ctx := b.Context()
		lap := func(name string, f func()) {
			began := time.Now()
			f()
			steps[name] += time.Since(began)
		}
		var m instance.Machine
		var err error
		lap("network", func() { _, err = d.network(ctx) })
		require.NoError(b, err)
		lap("seal", func() { err = d.seal(ctx, d.slot("db"), nil, nil) })
		require.NoError(b, err)
		lap("boot", func() { m, err = d.Boot(ctx, serving("db")) })
		require.NoError(b, err)
		lap("exec", func() { _, err = m.Exec(ctx, instance.Command{Args: []string{"/guest", "echo"}}) })
		require.NoError(b, err)
		lap("dial", func() {
			c, derr := m.Dial(ctx, 7000)
			if err = derr; err == nil {
				_ = c.Close()
			}
		})
		require.NoError(b, err)
		lap("destroy", func() { err = m.Destroy(ctx) })
		require.NoError(b, err)
	}
	for name, sum := range steps {
		b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), name+"-ms")
	}
}
