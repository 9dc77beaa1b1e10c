// Package verifiertest holds what the tests of checks need: a scripted target,
// a target made of containers, and the property that no check may lack.
package verifiertest

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
	"lifeboat/verifier"
)

// Fake is a verifier.Target of functions; what is nil cannot be asked.
type Fake struct {
	OnExec    func(on string, args []string) (verifier.Output, error)
	OnDial    func(ctx context.Context, on string, port int) (net.Conn, error)
	OnRead    func(on, path string) ([]byte, error)
	OnRestart func(on string) error
	OnFlow    func(r verifier.FlowRequest) (verifier.FlowResult, error)
	OnStands  func(on string) (instance.State, error)
	Image     *verifier.Image // from which every instance was booted; nil: none was
}

// From implements verifier.Origin.
func (f Fake) From(string) (verifier.Image, bool) {
	if f.Image == nil {
		return verifier.Image{}, false
	}
	return *f.Image, true
}

// Stands implements verifier.Standing.
func (f Fake) Stands(_ context.Context, on string) (instance.State, error) {
	if f.OnStands == nil {
		return instance.State{}, ErrNotScripted
	}
	return f.OnStands(on)
}

// Trees implements verifier.Trees: it knows of none.
func (f Fake) Trees(context.Context, string) ([]verifier.Tree, error) { return nil, ErrNotScripted }

// ErrNotScripted is what a Fake answers when it has no function.
var ErrNotScripted = errors.New("the harness is broken")

// Exec implements verifier.Target.
func (f Fake) Exec(_ context.Context, on string, args []string) (verifier.Output, error) {
	if f.OnExec == nil {
		return verifier.Output{}, ErrNotScripted
	}
	return f.OnExec(on, args)
}

// Dial implements verifier.Target.
func (f Fake) Dial(ctx context.Context, on string, port int) (net.Conn, error) {
	if f.OnDial == nil {
		return nil, ErrNotScripted
	}
	return f.OnDial(ctx, on, port)
}

// Read implements verifier.Target.
func (f Fake) Read(_ context.Context, on, path string) ([]byte, error) {
	if f.OnRead == nil {
		return nil, ErrNotScripted
	}
	return f.OnRead(on, path)
}

// Restart implements verifier.Target.
func (f Fake) Restart(_ context.Context, on string) error {
	if f.OnRestart == nil {
		return ErrNotScripted
	}
	return f.OnRestart(on)
}

// Flow implements verifier.Target.
func (f Fake) Flow(_ context.Context, r verifier.FlowRequest) (verifier.FlowResult, error) {
	if f.OnFlow == nil {
		return verifier.FlowResult{}, ErrNotScripted
	}
	return f.OnFlow(r)
}

// Says holds an answer against another by what it says: how it is put together is for reports in other languages.
func Says(t testing.TB, want, got verifier.Answer) {
	t.Helper()
	want.Said, got.Said = nil, nil
	assert.Equal(t, want, got)
}
