package basebackup

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"lifeboat/drills/instance"
)

// place is where the data of one machine are, and who may log in there.
type place struct{ data, user string }

// machines are those that a loader prepared, by name.
type machines struct {
	mu  sync.Mutex
	all map[string]place
}

func (m *machines) set(name string, p place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[string]place{}
	}
	m.all[name] = p
}

func (m *machines) of(name string) (place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.all[name]
	if !ok {
		return p, fmt.Errorf("restore into %s: nobody prepared it", name)
	}
	return p, nil
}

// Ready is at once: what is loaded is put into a machine that does not run.
func (l *Loader) Ready(ctx context.Context, m instance.Machine) error {
	if _, ok := instance.As[instance.Putter](m); !ok {
		return errors.New("a base backup is restored into a container, whose files can be put there before it starts")
	}
	_, err := m.State(ctx)
	return err
}
