package machines_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/verifier"
)

// driver is a driver that remembers whether it was closed.
type driver struct {
	instance.Driver
	closed int
}

func (d *driver) Close() error { d.closed++; return nil }

type machine struct {
	instance.Machine
	name string
}

func (m machine) Name() string { return m.name }

// open is a room of one kind whose driver remembers that it was closed.
func open(t *testing.T) (*machines.Room, *driver) {
	d := &driver{}
	r, err := machines.Open(map[string]instance.Kind{
		"fake": {New: func(instance.Site) (instance.Driver, error) { return d, nil }},
	}, []string{"fake"}, instance.Site{})
	require.NoError(t, err)
	return r, d
}

// A machine's snapshots and what it holds go with it; how often its name was booted, its kernel and its time stay.
func TestWhatBelongsToAMachine(t *testing.T) {
	r, _ := open(t)
	assert.Equal(t, 0, r.Generation("db"))
	assert.Equal(t, 1, r.Begin("db"))
	_, err := r.Machine("db")
	require.ErrorContains(t, err, "instance db is not booted (booted are [])", "a boot that was begun is no machine")
	r.Stands(machine{name: "db"}, &verifier.Image{Backup: "nightly"})
	r.Snapped("db", "before")
	r.Remember("db", "6.1")
	r.Rose("db", time.Minute)
	r.Diagnosed("db", time.Second)
	image, ok := r.Image("db")
	assert.True(t, ok && image.Backup == "nightly")
	assert.True(t, r.DiagnosedSince("db", time.Second))
	assert.False(t, r.DiagnosedSince("db", 2*time.Second))

	r.Reverted("db")
	_, ok = r.Image("db")
	assert.False(t, ok, "what it holds is a snapshot's")
	assert.Equal(t, []string{"before"}, r.Snapshots("db"))

	r.Gone("db")
	_, err = r.Machine("db")
	require.Error(t, err)
	assert.Empty(t, r.Booted())
	assert.Equal(t, 2, r.Begin("db"))
	r.Stands(machine{name: "db"}, nil)
	r.Stands(machine{name: "app"}, nil)
	assert.Empty(t, r.Snapshots("db"))
	assert.Equal(t, "6.1", r.Remembered("db"))
	assert.Equal(t, time.Minute, r.Took("db"))
	assert.Equal(t, []string{"app", "db"}, r.Booted())
	assert.Equal(t, []instance.Machine{machine{name: "db"}, machine{name: "app"}}, r.Each([]string{"db", "web", "app"}))
}

// Whatever is read meanwhile, each boot of a name has a number of its own. The race detector looks on.
func TestOneLock(t *testing.T) {
	r, _ := open(t)
	seen := make(chan int)
	for range 50 {
		go func() {
			n := r.Begin("db")
			r.Stands(machine{name: "db"}, &verifier.Image{Generation: n})
			r.Snapped("db", "one")
			_, _ = r.Image("db")
			_ = r.Booted()
			seen <- n
		}()
	}
	all := map[int]bool{}
	for range 50 {
		all[<-seen] = true
	}
	assert.Len(t, all, 50)
	assert.Equal(t, 50, r.Generation("db"))
}

func TestDriversAreClosed(t *testing.T) {
	r, d := open(t)
	r.Close()
	assert.Equal(t, 1, d.closed)

	made := &driver{}
	_, err := machines.Open(map[string]instance.Kind{
		"good": {New: func(instance.Site) (instance.Driver, error) { return made, nil }},
		"bad":  {New: func(instance.Site) (instance.Driver, error) { return nil, errors.New("no engine") }},
	}, []string{"good", "bad"}, instance.Site{})
	require.EqualError(t, err, "bad: no engine")
	assert.Equal(t, 1, made.closed, "nobody else will close it")
}

// layered stands in the sandboxes of another driver.
type layered struct {
	driver
	on *guard
}

func (g *layered) Base() instance.Driver { return g.on }

type guard struct {
	driver
	asked int
	torn  error
}

func (g *guard) Intact(context.Context) error { g.asked++; return g.torn }

func TestEachGroundIsAskedOnce(t *testing.T) {
	docker := &guard{}
	r, err := machines.Open(map[string]instance.Kind{
		"docker": {New: func(instance.Site) (instance.Driver, error) { return docker, nil }},
		"qemu":   {New: func(instance.Site) (instance.Driver, error) { return &layered{on: docker}, nil }},
	}, []string{"docker", "qemu"}, instance.Site{})
	require.NoError(t, err)
	require.NoError(t, r.Intact(t.Context()))
	assert.Equal(t, 1, docker.asked)
	docker.torn = errors.New("the sandbox of db is gone")
	require.Equal(t, docker.torn, r.Intact(t.Context()))
	_, err = r.Companion()
	require.EqualError(t, err, "run a program beside the instances: none of the kinds [docker qemu] can")
}
