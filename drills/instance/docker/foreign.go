package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/client"
)

// foreignError says that somebody else did something to what is this drill's. What its machines do or do not do from
// then on is no word on a backup.
type foreignError struct{ instance, what string }

func (e *foreignError) Error() string {
	return fmt.Sprintf("%s was %s by somebody else; keep other hands and other tools off the containers of a drill", e.instance, e.what)
}

// foreign finds out whether somebody else removed, killed or paused a machine's container. nil: it was left alone.
func (m *Machine) foreign(ctx context.Context) error {
	if m.ending.Load() {
		return nil
	}
	i, err := m.d.engine.client.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	switch {
	case m.ending.Load():
		return nil
	case gone(err):
		return &foreignError{"the container of " + m.slot, "removed"}
	case err != nil:
		return fmt.Errorf("look at %s: %w", m.slot, err)
	case i.Container.State.Paused:
		return &foreignError{"the container of " + m.slot, "paused"}
	case i.Container.State.Running || i.Container.State.StartedAt == "":
		return nil
	}
	killed, err := m.d.engine.killedSince(ctx, m.id, i.Container.State.StartedAt)
	if err == nil && killed && !m.ending.Load() {
		err = &foreignError{"the container of " + m.slot, "killed"}
	}
	return err
}

// killedSince tells whether the engine was asked to signal a container. Whatever runs inside asks no engine.
func (e *Engine) killedSince(ctx context.Context, id, since string) (bool, error) {
	started, err := time.Parse(time.RFC3339Nano, since)
	if err != nil || started.IsZero() || started.Year() < 2000 { // never started
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, eventsWithin)
	defer cancel()
	list := e.client.Events(ctx, client.EventsListOptions{Since: engineTime(started), Until: engineTime(time.Now()),
		Filters: make(client.Filters).Add("container", id).Add("event", "kill")})
	for {
		select {
		case <-list.Messages:
			return true, nil
		case err := <-list.Err:
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return false, err
		}
	}
}

// eventsWithin bounds the reading of what the engine remembers, which is its last 256 events.
const eventsWithin = 10 * time.Second

func engineTime(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + fmt.Sprintf(".%09d", t.Nanosecond())
}

// cutOff finds out whether somebody else took a sandbox off the drill's network.
func (d *Driver) cutOff(ctx context.Context, b *sealedSandbox) error {
	d.mu.Lock()
	net := d.net
	d.mu.Unlock()
	i, err := d.engine.client.ContainerInspect(ctx, b.id, client.ContainerInspectOptions{})
	if err != nil || net == nil || i.Container.NetworkSettings == nil {
		return err
	}
	if _, on := i.Container.NetworkSettings.Networks[net.name]; !on {
		return &foreignError{"the sandbox of " + b.name, "disconnected from its network"}
	}
	if i.Container.State.Paused {
		return &foreignError{"the sandbox of " + b.name, "paused"}
	}
	return nil
}
