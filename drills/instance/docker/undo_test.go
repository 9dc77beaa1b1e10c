package docker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/internal/enginetest"
)

// stranger makes things that belong to nobody's drill and removes them at the end of the test.
type stranger struct {
	t *testing.T
	e *Engine
}

func (s stranger) container(name string, labels map[string]string) string {
	s.t.Helper()
	r, err := s.e.client.ContainerCreate(s.t.Context(), client.ContainerCreateOptions{Name: name,
		Config: &container.Config{Image: built.image,
			Labels: labels}, HostConfig: &container.HostConfig{NetworkMode: "none"}})
	require.NoError(s.t, err)
	s.t.Cleanup(func() {
		_, err := s.e.client.ContainerRemove(context.Background(), r.ID, client.ContainerRemoveOptions{Force: true})
		assert.NoError(s.t, err, "%s should still be there", name)
	})
	return r.ID
}

func (s stranger) volume(name string, labels map[string]string) {
	s.t.Helper()
	_, err := s.e.client.VolumeCreate(s.t.Context(), client.VolumeCreateOptions{Name: name, Labels: labels})
	require.NoError(s.t, err)
	s.t.Cleanup(func() {
		_, err := s.e.client.VolumeInspect(context.Background(), name, client.VolumeInspectOptions{})
		assert.NoError(s.t, err, "%s should still be there", name)
		_, _ = s.e.client.VolumeRemove(context.Background(), name, client.VolumeRemoveOptions{})
	})
}

func (s stranger) network(name string, labels map[string]string) {
	s.t.Helper()
	in, err := (&Driver{engine: s.e}).taken(s.t.Context())
	require.NoError(s.t, err)
	free, err := freeSubnet(netip.Prefix{}, in)
	require.NoError(s.t, err)
	r, err := s.e.client.NetworkCreate(s.t.Context(), name, client.NetworkCreateOptions{Driver: "bridge",
		Labels: labels, Internal: true,
		IPAM: &mobynet.IPAM{Config: []mobynet.IPAMConfig{{Subnet: free}}}})
	require.NoError(s.t, err)
	s.t.Cleanup(func() {
		_, err := s.e.client.NetworkRemove(context.Background(), r.ID, client.NetworkRemoveOptions{})
		assert.NoError(s.t, err, "%s should still be there", name)
	})
}

func TestUndoLeavesStrangersAlone(t *testing.T) {
	t.Parallel()
	d, notes := newBench(t)
	ctx := t.Context()
	s := stranger{t, d.engine}
	drill := d.site.Scope.Drill
	// The name is in our ledger, the thing is not ours: no label, or another drill's.
	s.container(d.name("taken"), nil)
	s.container(d.name("other"), map[string]string{ledger.LabelDrill: drill + "0"})
	s.volume(d.name("vol"), nil)
	s.network(d.name("net"), map[string]string{ledger.LabelDrill: "of-somebody-else"})
	undo := Undoers(slog.New(slog.DiscardHandler))
	for _, c := range []struct{ what, kind, name string }{
		{whatContainer, undoContainer, d.name("taken")}, {whatContainer, undoContainer, d.name("other")},
		{whatVolume, undoVolume, d.name("vol")}, {whatNetwork, undoNetwork, d.name("net")},
	} {
		e := ledger.Entry{What: c.what, Name: c.name,
			Undo: instance.Encode(c.kind, thing{Host: d.engine.host, Name: c.name, Drill: drill})}
		assert.ErrorIs(t, undo[c.kind](ctx, d.site.Scope, e), errNotOurs, c.name)
		foreign := d.site.Scope
		foreign.Drill = "another"
		assert.ErrorContains(t, undo[c.kind](ctx, foreign, e), "left alone", "an entry of another drill's ledger")
	}
	assert.Empty(t, notes.Entries())
}

func TestSweepRemovesOnlyTheDrill(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	ctx := t.Context()
	s := stranger{t, d.engine}
	s.container("lookalike-"+d.name(), map[string]string{ledger.LabelDrill: d.site.Scope.Drill + "1",
		ledger.LabelInstance: "db"})
	_, err := d.Boot(ctx, instance.Request{Name: "db", Generation: 1, Image: built.image, Entrypoint: []string{"/guest",
		"serve", "7000"},
		Data: []string{"/data", "/log"}})
	require.NoError(t, err)
	left, err := d.engine.Leftovers(ctx, d.site.Scope.Drill)
	require.NoError(t, err)
	count := map[string]int{}
	for _, l := range left {
		count[l.What]++
		assert.Equal(t, d.site.Scope.Owner.String(), l.Owner)
		assert.WithinDuration(t, d.site.Scope.Deadline, l.Deadline, time.Second)
		assert.NotEmpty(t, l.Fix)
	}
	assert.Equal(t, map[string]int{whatContainer: 2, whatNetwork: 1, whatVolume: 2}, count)
	ours := thing{Drill: d.site.Scope.Drill, Owner: d.site.Scope.Owner.String()}
	require.NoError(t, d.engine.settle(ctx, ours, time.Now(), false))
	assert.ErrorIs(t, d.engine.settle(ctx, ours, time.Now(), false), ledger.ErrGone)
}

// A create that was under way when its caller died shows up after an empty listing, or after some where it is missed.
func TestSettleWaitsForWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after  time.Duration
		missed bool
	}{{listingPause, false}, {flightTime - listingPause, true}} {
		d, _ := newBench(t)
		ctx := t.Context()
		late := time.AfterFunc(c.after, func() { _ = d.createVolume(context.Background(), "db", d.name("late")) })
		defer late.Stop()
		ours := thing{Drill: d.site.Scope.Drill, Owner: d.site.Scope.Owner.String()}
		require.NoError(t, d.engine.settle(ctx, ours, time.Now(), c.missed))
		left, err := d.engine.Leftovers(ctx, d.site.Scope.Drill)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}

// A drill that is aborted while its engine, a slow one, makes something waits for it: else it would show up when the
// clean-up is over.
func TestAbortedWhileTheEngineCreates(t *testing.T) {
	t.Parallel()
	const late = flightTime + 2*time.Second
	other := enginetest.Before(t, defaultHost(), enginetest.MakesLate(late))
	d, _ := newBenchAt(t, other.Host)
	ctx, abort := context.WithCancelCause(t.Context())
	made := errors.New("somebody ended it")
	time.AfterFunc(time.Second, func() { abort(made) })
	_, err := d.Boot(ctx, instance.Request{Name: "db", Generation: 1, Image: built.image, Entrypoint: []string{"/guest", "serve", "7000"}})
	require.Error(t, err)
	require.NotNil(t, ctx.Err())
	ours := thing{Drill: d.site.Scope.Drill, Owner: d.site.Scope.Owner.String()}
	require.NoError(t, d.engine.settle(t.Context(), ours, time.Now(), false))
	assert.Never(t, func() bool {
		left, err := d.engine.Leftovers(t.Context(), d.site.Scope.Drill)
		return err != nil || len(left) > 0
	}, late, 500*time.Millisecond)
}

// Where the removals took longer than a create takes, nothing is in flight any more: one listing is enough.
func TestSettleWaitsNoLonger(t *testing.T) {
	t.Parallel()
	other := enginetest.Before(t, defaultHost())
	d, _ := newBenchAt(t, other.Host)
	before := len(other.Asked())
	ours := thing{Drill: d.site.Scope.Drill, Owner: d.site.Scope.Owner.String()}
	assert.ErrorIs(t, d.engine.settle(t.Context(), ours, time.Now().Add(-flightTime), false), ledger.ErrGone)
	assert.Len(t, other.Asked()[before:], 4, "containers, networks, volumes and images, once each")
}

// What containers use says so, whichever way engines put it: it is undone when they are gone.
func TestUndoWhatIsInUse(t *testing.T) {
	t.Parallel()
	d, notes := newBench(t)
	ctx := t.Context()
	r := serving("db")
	r.Data = []string{"/data"}
	_, err := d.Boot(ctx, r)
	require.NoError(t, err)
	undo := Undoers(slog.New(slog.DiscardHandler))
	found := 0
	for _, e := range notes.Entries() {
		if e.What == whatNetwork || e.What == whatVolume {
			found++
			assert.ErrorIs(t, undo[e.Undo.Kind](ctx, d.site.Scope, e), ledger.ErrInUse, e.Name)
		}
	}
	assert.Equal(t, 2, found)
}

// A volume that a reaper removed while its container was being created comes back with its labels, or nobody would ever find it.
func TestVolumeThatComesBack(t *testing.T) {
	t.Parallel()
	var d *Driver
	var was client.VolumeInspectResult
	name := ""
	faster := func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name != "" && strings.HasSuffix(r.URL.Path, "/containers/create") {
				var err error
				was, err = d.engine.client.VolumeInspect(r.Context(), name, client.VolumeInspectOptions{})
				assert.NoError(t, err)
				_, err = d.engine.client.VolumeRemove(r.Context(), name, client.VolumeRemoveOptions{})
				assert.NoError(t, err)
			}
			real.ServeHTTP(w, r)
		})
	}
	d, _ = newBenchAt(t, enginetest.Before(t, defaultHost(), faster).Host)
	require.NoError(t, d.seal(t.Context(), d.slot("db"), nil, nil))
	r := serving("db")
	r.Data, name = []string{"/data"}, d.name("db", "1", "0")
	_, err := d.Boot(t.Context(), r)
	require.NoError(t, err)
	now, err := d.engine.client.VolumeInspect(t.Context(), name, client.VolumeInspectOptions{})
	require.NoError(t, err)
	assert.Equal(t, was.Volume.Labels, now.Volume.Labels)
}
