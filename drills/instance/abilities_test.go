package instance_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
)

type bare struct{ instance.Machine }

func (bare) Name() string { return "db" }

type talking struct{ bare }

func (talking) Console(context.Context) (string, error) { return "up", nil }

// slow wraps a machine and forgets what else it can do, but that it wraps one.
type slow struct{ instance.Machine }

func (s slow) Unwrap() any { return s.Machine }

func TestAbilitiesAreFoundThroughWrappers(t *testing.T) {
	said, err := instance.Console(t.Context(), slow{slow{talking{}}})
	assert.NoError(t, err)
	assert.Equal(t, "up", said)
	_, err = instance.Console(t.Context(), slow{bare{}})
	assert.EqualError(t, err, "read the console of db: an instance of this kind has none")
	_, err = instance.UndoCommand(bare{}, instance.Command{})
	assert.EqualError(t, err, "undo what is broken in db: no other process finds an instance of this kind")
	assert.EqualError(t, instance.Put(t.Context(), bare{}, "/", nil), "put files into db: an instance of this kind takes none")
	_, ok := instance.As[instance.Printer](nil)
	assert.False(t, ok)
}
