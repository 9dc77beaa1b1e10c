package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"lifeboat/drills/ledger"
)

// Room is a place of its own for programs that interpret what a store holds: containers of an image of the engine, without any network,
// with one volume that goes when the room is closed, and nothing else to write to.
type Room interface {
	// Run runs a program to its end. *ExitError: it ended with another code than 0. Any other error: nobody knows how it ended.
	Run(ctx context.Context, t Tool) error
	// Pack gives a folder of the room's volume as a tar that keeps all that a tree has.
	Pack(ctx context.Context, folder string, to io.Writer) error
	// Close removes all of it.
	Close() error
}

// RoomRequest says what a room has.
type RoomRequest struct {
	Image string       // of the engine, in which the programs are
	Serve http.Handler // answers at RoomURL, from this process; nil: nobody does
	Mount string       // folder of this host, absolute, which stands at RoomMount and cannot be written to; "": none
}

// Where things are in a room.
const (
	RoomURL    = "http://127.0.0.1:8000/"
	RoomMount  = "/repository"
	RoomVolume = "/tree"
)

// Tool is one run of a program.
type Tool struct {
	Args           []string // the program first; never a secret
	Env            map[string]string
	Dir            string // in which it runs; "": the image's
	User           string // as whom, UID:GID, without any capability; "": root, who may read and give away files
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ExitError is the end of a program with another code than 0.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Rooms makes rooms for a scope, whose ledger is told before anything is made. A scope without a drill is nobody's: what a killed process
// leaves of it is found by its labels.
type Rooms func(ctx context.Context, scope ledger.Scope, to Ledger, log *slog.Logger, r RoomRequest) (Room, error)

// ErrNoRoom: what runs here has no container engine to run a tool on.
var ErrNoRoom = errors.New("there is no container engine for it here")

// Room makes one, of the drill that was entered if there is one.
func (p *Programs) Room(ctx context.Context, r RoomRequest) (Room, error) {
	if p == nil || p.Rooms == nil {
		return nil, ErrNoRoom
	}
	p.mu.Lock()
	scope, to, log := p.scope, p.ledger, p.log
	p.mu.Unlock()
	return p.Rooms(ctx, scope, to, log, r)
}
