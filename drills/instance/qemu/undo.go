package qemu

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/ledger"
)

// undoExec is the kind of undo that runs a command in a guest.
const undoExec = "qemu.exec"

// commandUndo is the data of an undo by a command.
type commandUndo struct {
	instance.UndoExec
	Host  string `json:"host"`
	Drill string `json:"drill"`
}

// Undoers returns what undoes this package's ledger entries, by kind. They work in any process. What is
// created is a container, a volume, a sandbox: the docker package's.
func Undoers() map[string]ledger.Undoer {
	return map[string]ledger.Undoer{undoImpairment: endImpairment, undoExec: runAgain}
}

// runAgain runs the command of an undo in the guest. ledger.ErrGone: nobody answers there.
func runAgain(ctx context.Context, s ledger.Scope, e ledger.Entry) error {
	var r commandUndo
	if err := e.Read(s, &r); err != nil {
		return err
	}
	m, err := docker.Find(ctx, r.Host, r.Handle, r.Drill)
	if err != nil {
		return err
	}
	defer m.Leave()
	guest, done := guestOf(m)
	defer done()
	return r.again(ctx, guest)
}

// again runs the command. Errors name its program and none of its arguments, which may hold what a password is checked
// with.
func (r commandUndo) again(ctx context.Context,
	guest func(context.Context, instance.Command) (instance.Result, error)) error {
	if len(r.Command.Args) == 0 {
		return errors.New("run nothing in the guest")
	}
	res, err := guest(ctx, r.Command)
	if err != nil {
		return fmt.Errorf("run %s in the guest: %w", r.Command.Args[0], err)
	}
	if res.Exit != 0 {
		return fmt.Errorf("run %s in the guest: exit code %d: %s", r.Command.Args[0], res.Exit, instance.LastLines(res.Stderr, 3))
	}
	return nil
}
