package docker

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// BenchmarkSteps gives the medians of what the steps of a machine's life take, in ms. A dial by a process of its own is
// what the tunnel replaces.
func BenchmarkSteps(b *testing.B) {
	laps := map[string][]time.Duration{}
	for b.Loop() {
		d, _ := newBench(b)
		ctx := b.Context()
		lap := func(name string, f func() error) {
			began := time.Now()
			require.NoError(b, f())
			laps[name] = append(laps[name], time.Since(began))
		}
		var m instance.Machine
		hangUp := func(c net.Conn, err error) error {
			if err == nil {
				err = c.Close()
			}
			return err
		}
		lap("network", func() error { _, err := d.network(ctx); return err })
		lap("seal", func() error { return d.seal(ctx, d.slot("db"), nil, nil) })
		lap("boot", func() (err error) { m, err = d.Boot(ctx, serving("db")); return err })
		lap("exec", func() error { _, err := m.Exec(ctx, instance.Command{Args: []string{"/guest", "echo"}}); return err })
		require.NoError(b, hangUp(m.Dial(ctx, 7000)))
		for range 20 {
			lap("dial", func() error { return hangUp(m.Dial(ctx, 7000)) })
		}
		lap("dial-by-process", func() error {
			w := &way{engine: d.engine, box: d.slot("db").box.id}
			defer w.close()
			return hangUp(w.dial(ctx, "127.0.0.1:7000"))
		})
		lap("restart-to-ready", func() error {
			if err := m.Stop(ctx); err != nil {
				return err
			}
			if err := m.Start(ctx); err != nil {
				return err
			}
			for {
				c, err := m.Dial(ctx, 7000)
				if err != nil {
					continue
				}
				_, err = io.WriteString(c, "x\n")
				if err == nil {
					_, err = io.ReadFull(c, make([]byte, 7))
				}
				return hangUp(c, err)
			}
		})
		lap("destroy", func() error { return m.Destroy(ctx) })
		require.NoError(b, d.Close())
	}
	for name, all := range laps {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, name+"-ms")
	}
}
