package qemu

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// Why an undo failed is written into the journal. The arguments of its command stay in the ledger: one of them may put
// a stored password back.
func TestUndoThatFailsTellsNoArguments(t *testing.T) {
	t.Parallel()
	var r commandUndo
	r.Command.Args = []string{"psql", "-c", `alter role "app" password 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'`}
	for name, guest := range map[string]func(context.Context, instance.Command) (instance.Result, error){
		"nobody answers": func(context.Context, instance.Command) (instance.Result, error) {
			return instance.Result{}, errors.New("the guest went away")
		},
		"it is refused": func(context.Context, instance.Command) (instance.Result, error) {
			return instance.Result{Exit: 2, Stderr: "the server went away"}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := r.again(t.Context(), guest)
			require.ErrorContains(t, err, "run psql in the guest: ")
			assert.ErrorContains(t, err, "went away")
			assert.NotContains(t, err.Error(), "SCRAM")
		})
	}
	assert.Error(t, commandUndo{}.again(t.Context(), nil))
}
