package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// Kinds of undo that this package writes and Undoers knows.
const (
	undoContainer = "docker.container"
	undoNetwork   = "docker.network"
	undoVolume    = "docker.volume"
	undoImage     = "docker.image"
	undoExec      = "docker.exec"
	undoSweep     = "docker.sweep"
)

// Label and values that tell the parts of a drill apart on the engine.
const (
	labelRole   = "lifeboat.role"
	roleSandbox = "sandbox"
	roleMachine = "machine"
	roleProgram = "program"
	roleDecoy   = "decoy"
	roleKiller  = "killer"
	roleLook    = "look"
	roleNetwork = "network"
	roleVolume  = "volume"
)

// errNotOurs is a thing with the right name and somebody else's label.
var errNotOurs = errors.New("it does not carry this drill's label: left alone")

// thing is the data of an undo: how to find a resource again, on which engine, and whose it is.
type thing struct {
	Host  string `json:"host"`
	Name  string `json:"name"`
	Drill string `json:"drill"`
	ID    string `json:"id,omitempty"` // of an image
	Owner string `json:"-"`            // of the drill, from its scope; "" is not compared
}

// commandUndo is the data of an undo by a command.
type commandUndo struct {
	instance.UndoExec
	Host  string `json:"host"`
	Drill string `json:"drill"`
}

// Undoers returns what undoes this package's ledger entries, by kind. They work
// in any process, without the driver that wrote the entries.
func Undoers(log *slog.Logger) map[string]ledger.Undoer {
	var missed sync.Map // drills of which something was not there that they had intended
	thingUndone := func(undo func(context.Context, *Engine, thing, time.Time) error) ledger.Undoer {
		return func(ctx context.Context, s ledger.Scope, e ledger.Entry) error {
			t := thing{Owner: s.Owner.String()}
			if err := e.Read(s, &t); err != nil {
				return err
			}
			engine, err := openHost(t.Host, log)
			if err != nil {
				return err
			}
			defer engine.Close()
			return undo(ctx, engine, t, cmp.Or(e.Since, time.Now()))
		}
	}
	remove := func(what string) ledger.Undoer {
		return thingUndone(func(ctx context.Context, engine *Engine, t thing, _ time.Time) error {
			err := engine.removeNamed(ctx, what, t)
			if errors.Is(err, ledger.ErrGone) {
				missed.Store(t.Drill, true)
			}
			return err
		})
	}
	return map[string]ledger.Undoer{
		undoContainer: remove(whatContainer), undoNetwork: remove(whatNetwork),
		undoVolume: remove(whatVolume), undoImage: remove(whatImage),
		undoSweep: thingUndone(func(ctx context.Context, engine *Engine, t thing, since time.Time) error {
			_, waits := missed.Load(t.Drill)
			return engine.settle(ctx, t, since, waits)
		}),
		undoExec: func(ctx context.Context, s ledger.Scope, e ledger.Entry) error {
			var r commandUndo
			if err := e.Read(s, &r); err != nil {
				return err
			}
			engine, err := openHost(r.Host, log)
			if err != nil {
				return err
			}
			defer engine.Close()
			return engine.undoCommand(ctx, r)
		},
	}
}

// undoCommand runs a command again in a container of the drill.
func (e *Engine) undoCommand(ctx context.Context, r commandUndo) error {
	i, err := e.client.ContainerInspect(ctx, r.Handle, client.ContainerInspectOptions{})
	switch {
	case gone(err):
		return fmt.Errorf("container %.12s: %w", r.Handle, ledger.ErrGone)
	case err != nil:
		return fmt.Errorf("look at container %.12s: %w", r.Handle, err)
	case i.Container.Config == nil || i.Container.Config.Labels[ledger.LabelDrill] != r.Drill:
		return fmt.Errorf("container %.12s: %w", r.Handle, errNotOurs)
	case !i.Container.State.Running:
		return fmt.Errorf("container %.12s is not running: %w", r.Handle, ledger.ErrGone)
	}
	noKill := func(context.Context, string, int) error { return errors.New("it was cut off and may still run") }
	res, err := e.exec(ctx, r.Handle, r.Command, noKill)
	if err != nil {
		return fmt.Errorf("run %s in container %.12s: %w", first(r.Command.Args), r.Handle, err)
	}
	if res.Exit != 0 {
		return fmt.Errorf("run %s in container %.12s: exit code %d: %s", first(r.Command.Args), r.Handle, res.Exit,
			instance.LastLines(res.Stderr, 3))
	}
	return nil
}

// intendSweep is the first entry of a drill on an engine, and so the last to be
// undone: it waits for what was in flight when the harness died.
func (d *Driver) intendSweep() error {
	return d.intend("engine", undoSweep, d.engine.host, "lifeboat sweep")
}

func (d *Driver) intendImage(ref, id string) error {
	_, err := d.site.Ledger.Intend(ledger.Entry{What: whatImage, Name: ref, Fix: "docker rmi " + ref,
		Undo: instance.Encode(undoImage, thing{Host: d.engine.host, Name: ref, Drill: d.site.Scope.Drill, ID: id})})
	if err != nil {
		return fmt.Errorf("write image %s to the ledger: %w", ref, err)
	}
	return nil
}

func gone(err error) bool { return err != nil && cerrdefs.IsNotFound(err) }

// badImage tells a start that the image itself made impossible: no such program, not executable, or a user that it does not
// know. Of the last an engine has no type, and runc's words.
func badImage(err error) bool {
	return cerrdefs.IsInvalidArgument(err) || err != nil && strings.Contains(err.Error(), "unable to find user")
}

func (e *Engine) running(ctx context.Context, id string) (bool, error) {
	i, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return i.Container.State.Running, nil
}
