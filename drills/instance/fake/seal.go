package fake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

var _ instance.Ahead = (*Driver)(nil)

// seal of a place.
type seal struct {
	done   chan struct{} // closed once it was tried
	err    error         // then: why it does not hold
	torn   bool          // it stands no more
	wanted bool          // somebody stands there
}

// SealAhead implements instance.Ahead. What a cancelled context left unsealed is sealed when it is wanted.
func (d *Driver) SealAhead(ctx context.Context, places []instance.Place) (wait func()) {
	var all sync.WaitGroup
	for _, p := range places {
		all.Go(func() { _ = d.seal(ctx, p.Instance+p.Flow, false) }) // whoever wants it hears
	}
	return all.Wait
}

// TearAhead ends a sandbox that was sealed ahead.
func (d *Driver) TearAhead(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sealed[name].torn = true
}

// seal pretends to seal a sandbox where none stands, and writes the proof.
func (d *Driver) seal(ctx context.Context, name string, wanted bool) error {
	d.mu.Lock()
	s, mine := d.sealed[name], false
	if s == nil || s.torn && wanted {
		s, mine = &seal{done: make(chan struct{})}, true
		d.sealed[name] = s
	}
	s.wanted = s.wanted || wanted
	d.mu.Unlock()
	if mine {
		err := d.prove(ctx, name)
		d.mu.Lock()
		s.err, s.torn = err, err != nil && ctx.Err() != nil
		d.mu.Unlock()
		close(s.done)
	}
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prove takes the time that a seal takes, and writes what its probes find.
func (d *Driver) prove(ctx context.Context, name string) error {
	if err := sleep(ctx, d.world.Seal); err != nil {
		return err
	}
	probes := append([]record.Probe{
		{Target: "control", Address: name, Protocol: "fake", Reached: true, Control: true},
		{Target: "host", Address: "host", Protocol: "fake"},
	}, d.world.Leak...)
	for _, p := range probes {
		if err := d.site.Journal.Append(record.KindProbe, record.Subject{Instance: name}, p); err != nil {
			return fmt.Errorf("write the probes of %s to the journal: %w", name, err)
		}
	}
	if len(d.world.Leak) > 0 {
		return &instance.LeakError{Instance: name, Probes: d.world.Leak}
	}
	return nil
}

// SealWait implements instance.Awaiting.
func (m *Machine) SealWait() time.Duration { return m.waited }
