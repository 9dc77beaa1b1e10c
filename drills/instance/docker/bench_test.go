package docker

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/ledger"
	"lifeboat/internal/sandbox"
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
		lap("engine's-own-seal", func() error { return barelyStarted(ctx, d) }) // the floor, beside the same load
		lap("seal", func() error { return d.seal(ctx, d.slot("db"), nil, nil) })
		lap("boot", func() (err error) { m, err = d.Boot(ctx, serving("db")); return err })
		lap("exec", func() error { _, err := m.Exec(ctx, instance.Command{Args: []string{"/guest", "echo"}}); return err })
		require.NoError(b, hangUp(m.Dial(ctx, 7000)))
		for range 20 {
			lap("dial", func() error { return hangUp(m.Dial(ctx, 7000)) })
		}
		lap("dial-by-process", func() error {
			w := &way{engine: d.engine, sandbox: d.slot("db").sandbox.id}
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
	report(b, laps)
}

// report gives the median of each.
func report(b *testing.B, laps map[string][]time.Duration) {
	for name, all := range laps {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, name+"-ms")
	}
}

// barelyStarted is what the engine takes to create and start a container of the sandboxes' image in the drill's network.
func barelyStarted(ctx context.Context, d *Driver) error {
	image, err := d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	name := d.name("bare")
	n, err := d.network(ctx)
	if err != nil {
		return err
	}
	address, err := d.address(n)
	if err != nil {
		return err
	}
	if err := d.intend(whatContainer, undoContainer, name, ""); err != nil {
		return err
	}
	c, err := d.engine.client.ContainerCreate(ctx, client.ContainerCreateOptions{Name: name,
		Config:     &container.Config{Image: image, Entrypoint: []string{programInside, sandbox.CommandWait}, Labels: d.labels("", roleMachine)},
		HostConfig: &container.HostConfig{NetworkMode: container.NetworkMode(n.name)},
		NetworkingConfig: &mobynet.NetworkingConfig{EndpointsConfig: map[string]*mobynet.EndpointSettings{
			n.name: {IPAMConfig: &mobynet.EndpointIPAMConfig{IPv4Address: address}}}}})
	if err != nil {
		return err
	}
	_, err = d.engine.client.ContainerStart(ctx, c.ID, client.ContainerStartOptions{})
	return err
}

// BenchmarkCleanUp gives the medians, in ms, of what it takes to undo the ledger of a drill of two instances with a volume
// each, as a reaper does, and of what the engine takes by itself to remove the same, asked for all at once.
func BenchmarkCleanUp(b *testing.B) {
	laps := map[string][]time.Duration{}
	for b.Loop() {
		ctx := b.Context()
		var drills []*Driver
		var notes []*instancetest.Notes
		for range 2 {
			d, n := newBench(b)
			for _, name := range []string{"db", "app"} {
				r := serving(name)
				r.Data = []string{"/data"}
				_, err := d.Boot(ctx, r)
				require.NoError(b, err)
			}
			d.hangUp()
			drills, notes = append(drills, d), append(notes, n)
		}
		began := time.Now()
		done := ledger.Unwind(ctx, ledger.UnwindRequest{Scope: drills[0].site.Scope, Entries: notes[0].Entries(),
			Undoers: Undoers(drills[0].log)})
		laps["clean"] = append(laps["clean"], time.Since(began))
		for _, o := range done {
			require.NoError(b, o.Err)
		}
		began = time.Now()
		require.NoError(b, barelyRemoved(ctx, drills[1]))
		laps["engine's-own"] = append(laps["engine's-own"], time.Since(began))
	}
	report(b, laps)
}

// barelyRemoved removes what is there of a drill as docker rm -f, docker volume rm and docker network rm do.
func barelyRemoved(ctx context.Context, d *Driver) error {
	all, err := d.engine.Leftovers(ctx, d.site.Scope.Drill)
	if err != nil {
		return err
	}
	for _, containers := range []bool{true, false} {
		var wave sync.WaitGroup
		failed := make([]error, len(all))
		for i, l := range all {
			if (l.What == whatContainer) == containers {
				wave.Go(func() { failed[i] = d.engine.drop(ctx, l.What, l.ID) })
			}
		}
		wave.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return nil
}
