// Package flow is the JavaScript module "k6/x/lifeboat".
//
//	import { flow } from 'k6/x/lifeboat';
//	export default function () {
//	  flow('log in', () => { … });
//	  flow('order', () => { … });
//	}
//
// flow(name, fn) runs fn, times it, and returns what fn returns. An exception, a rejected promise or a returned false
// makes
// the step, and with it the iteration, a failed one; exceptions go on to the caller.
//
// Importing the module is enough to have every exception reported with the very iteration it ended.
package flow

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/modules"

	"lifeboat-k6/stream"
	"lifeboat-k6/wire"
)

// Module is what k6 registers; one for the process.
type Module struct{ s *stream.Stream }

// New returns the module that reports to s.
func New(s *stream.Stream) *Module { return &Module{s} }

// NewModuleInstance is called once for every virtual user.
func (m *Module) NewModuleInstance(vu modules.VU) modules.Instance {
	watch(m.s, vu)
	return &instance{s: m.s, vu: vu}
}

type instance struct {
	s  *stream.Stream
	vu modules.VU
}

// Exports is what a script can import.
func (i *instance) Exports() modules.Exports {
	return modules.Exports{Named: map[string]any{"flow": i.flow, "turn": i.turn, "session": i.session, "made": i.made}}
}

// turn is for the pulse's wrapper: what a virtual user is to do in this iteration, "run", "rest" or "setup".
func (i *instance) turn(renews bool) (string, error) {
	return i.s.Turn(i.vu.Context(), i.vu.State().VUID, renews)
}

// session is how often the script's session was made anew, and what setup() returned the last time, as JSON.
func (i *instance) session() (int, string) { return i.s.Session() }

// made takes what setup() returned, as JSON; "" is nothing.
func (i *instance) made(json string) { i.s.Made(i.vu.State().VUID, json) }

func (i *instance) flow(name string, fn sobek.Callable) (sobek.Value, error) {
	start := time.Now()
	v, err := fn(sobek.Undefined())
	if err != nil {
		i.s.Flow(name, start, Where(i.vu), err.Error(), false)
		return nil, err
	}
	if _, ok := v.Export().(*sobek.Promise); ok {
		return i.settle(name, start, v)
	}
	i.s.Flow(name, start, Where(i.vu), "", !isFalse(v))
	return v, nil
}

// settle reports a step whose function was asynchronous, when its promise is settled, and hands the outcome on.
func (i *instance) settle(name string, start time.Time, promise sobek.Value) (sobek.Value, error) {
	rt := i.vu.Runtime()
	then, ok := sobek.AssertFunction(promise.ToObject(rt).Get("then"))
	if !ok {
		return promise, nil
	}
	good := func(call sobek.FunctionCall) sobek.Value {
		v := call.Argument(0)
		i.s.Flow(name, start, Where(i.vu), "", !isFalse(v))
		return v
	}
	bad := func(call sobek.FunctionCall) sobek.Value {
		reason := call.Argument(0)
		i.s.Flow(name, start, Where(i.vu), reason.String(), false)
		panic(reason) // sobek's way to reject the promise that then returns
	}
	return then(promise, rt.ToValue(good), rt.ToValue(bad))
}

func isFalse(v sobek.Value) bool {
	b, ok := v.Export().(bool)
	return ok && !b
}

// Where names the iteration that a virtual user is in; setup, teardown and the init stage have none.
func Where(vu modules.VU) wire.Where {
	st := vu.State()
	if st == nil || st.VUID == 0 {
		return wire.Where{Iter: -1}
	}
	scenario, _ := st.Tags.GetCurrentValues().Tags.Get("scenario")
	return wire.Where{Scenario: scenario, VU: st.VUID, Iter: st.Iteration}
}

// impatient ends requests when their own time or their iteration's is up. Without it a hanging server would hold a
// virtual user for k6's own 60 s, and the pulse would run out of users and go blind.
type impatient struct {
	next http.RoundTripper
	s    *stream.Stream
	vu   uint64
}

// RoundTrip is http.RoundTripper.
func (i *impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	i.s.Asked(req.URL.Scheme + "://" + req.URL.Host)
	at, ok := i.s.Deadline(i.vu)
	if d := i.s.Request(); d > 0 {
		if own := time.Now().Add(d); !ok || own.Before(at) {
			at, ok = own, true
		}
	}
	if !ok {
		return i.next.RoundTrip(req)
	}
	ctx, cancel := context.WithDeadline(req.Context(), at)
	resp, err := i.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, cancel: cancel}
	return resp, nil
}

// body keeps the request's time limit until it is read.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the request.
func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
