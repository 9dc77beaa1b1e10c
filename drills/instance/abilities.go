package instance

import (
	"context"
	"fmt"
	"io"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/internal/tree"
)

// Wrapper is a machine, a driver or a kind's settings around another one, which has the abilities of that beside its own.
type Wrapper interface{ Unwrap() any }

// As finds an ability of a machine, a driver or a kind's settings: its own, or of what it wraps. It is the one place where
// abilities are asked for.
func As[T any](v any) (found T, ok bool) {
	for v != nil {
		if found, ok = v.(T); ok {
			return found, true
		}
		w, wraps := v.(Wrapper)
		if !wraps {
			break
		}
		v = w.Unwrap()
	}
	return found, false
}

// Ahead is a driver that can seal sandboxes before anybody boots in them.
type Ahead interface {
	// SealAhead begins to seal the sandboxes of these places, in their order and a few at once, and returns. Each is made and
	// proved as Boot or Run would do it, which waits for one that is being sealed, takes one that stands, and seals by
	// itself where there is none, or none any more. A proof that failed is the answer of Boot and Run. Once ctx ends no more
	// is begun; wait returns when none is being made any more.
	SealAhead(ctx context.Context, places []Place) (wait func())
}

// Place is where an instance will stand, or the programs of a flow.
type Place struct {
	Instance string
	Flow     string   // of Program.Flow, where Instance is empty
	Aliases  []string // as in the Request
	Allow    []string // as in the Request or the Program
}

// Awaiting is a machine that tells for how long its boot waited for a sealed sandbox.
type Awaiting interface{ SealWait() time.Duration }

// Putter is a machine that files can be put into, before Start too.
type Putter interface {
	// Put unpacks a tar stream below dir.
	Put(ctx context.Context, dir string, tar io.Reader) error
}

// TreeHolder is a machine whose folders on volumes are filled and read beside it, by lifeboat's own program where nothing else is: whether
// the machine was started or not, and without running anything of its image.
type TreeHolder interface {
	// PutTree empties a folder that lies on one of its volumes, and unpacks a tar into it: owners by their numbers, modes, times, links,
	// extended attributes, holes. It reads stream to its end, and then what is there, as Tree does. *tree.Damage, *tree.Odd: what is wrong with
	// the tar.
	PutTree(ctx context.Context, folder string, stream io.Reader) (tree.Made, []tree.Entry, error)
	// Tree reads every file of such a folder, in the order of the paths.
	Tree(ctx context.Context, folder string) ([]tree.Entry, error)
}

// Trees of a machine.
func Trees(m Machine) (TreeHolder, error) {
	h, ok := As[TreeHolder](m)
	if !ok {
		return nil, fmt.Errorf("restore files into %s: an instance of this kind holds none (say kind: of one that is a container)", m.Name())
	}
	return h, nil
}

// Printer is a machine with a console.
type Printer interface {
	// Console is all that the machine printed so far.
	Console(ctx context.Context) (string, error)
}

// CommandUndoer is a machine that another process finds again.
type CommandUndoer interface {
	// UndoCommand describes a command inside this machine as an undo that another process can run.
	UndoCommand(c Command) ledger.Undo
}

// Put unpacks a tar stream below a folder of a machine.
func Put(ctx context.Context, m Machine, dir string, tar io.Reader) error {
	p, ok := As[Putter](m)
	if !ok {
		return fmt.Errorf("put files into %s: an instance of this kind takes none", m.Name())
	}
	return p.Put(ctx, dir, tar)
}

// Console is all that a machine printed so far.
func Console(ctx context.Context, m Machine) (string, error) {
	p, ok := As[Printer](m)
	if !ok {
		return "", fmt.Errorf("read the console of %s: an instance of this kind has none", m.Name())
	}
	return p.Console(ctx)
}

// UndoCommand describes a command inside a machine as an undo that another process can run.
func UndoCommand(m Machine, c Command) (ledger.Undo, error) {
	r, ok := As[CommandUndoer](m)
	if !ok {
		return ledger.Undo{}, fmt.Errorf("undo what is broken in %s: no other process finds an instance of this kind", m.Name())
	}
	return r.UndoCommand(c), nil
}

// Environed is a driver that tells, before it boots anything, what environment an image of its engine sets.
type Environed interface {
	ImageEnv(ctx context.Context, image string) (map[string]string, error)
}

// Identifying is a driver that tells which image a name means now: another one may carry it tomorrow.
type Identifying interface {
	ImageID(ctx context.Context, image string) (string, error)
}

// Identified is a machine that tells which image it was made of.
type Identified interface {
	ImageID() string
}

// Lacking is a machine that can tell what its scenario does not give it, once it ended by itself.
type Lacking interface {
	// Lacks returns one of record's kinds of lacks with what was seen, or "".
	Lacks(ctx context.Context, console string) (kind, words string)
}

// Health is how an image says that what is in it is well.
type Health struct {
	Command []string      // exits 0 when it is
	Timeout time.Duration // of one run of it, above 0
	Within  time.Duration // in which it has to be well: what the image's author allows until it counts as unhealthy
}

// HealthChecked is a machine whose image may bring a healthcheck of its own.
type HealthChecked interface {
	// Health returns nil where there is none.
	Health() *Health
}
