package flow

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"

	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"

	"lifeboat-k6/stream"
)

// The numbers of k6's per-user events. Their type is internal to k6; a test fails if an upgrade renumbers them.
const (
	iterStart = 4
	iterEnd   = 5
)

// watch reports the edges of a virtual user's iterations. k6 waits for each event to be acknowledged, so an iteration's
// end is queued before the next one starts.
func watch(s *stream.Stream, vu modules.VU) {
	_, events := vu.Events().Local.Subscribe(iterStart, iterEnd)
	var user user
	go func() {
		for e := range events {
			it, err := readIter(e.Data)
			switch {
			case err != nil:
				// Unreadable means every iteration would look free of exceptions: better none looks good.
				s.IterEnded(it.vu, it.iter, it.scenario, err)
			case e.Type == iterStart:
				s.IterStarted(it.vu, it.iter, it.scenario)
				user.begin(s, vu.State(), it.vu)
			default:
				s.IterEnded(it.vu, it.iter, it.scenario, user.end(it.err))
			}
			e.Done()
		}
	}()
}

// user is a virtual user's part of the watcher.
type user struct {
	wrapped bool
	whole   *lib.TestStatus // of the run, as k6 made it
	own     *lib.TestStatus // of the iteration
}

// begin makes the user's requests impatient and known by their addresses, and gives its iteration a verdict of its own: k6 has one of the whole run,
// which would lay exec.test.fail() at nobody's door.
func (u *user) begin(s *stream.Stream, st *lib.State, vu uint64) {
	if st == nil {
		return
	}
	if !u.wrapped {
		st.Transport, u.wrapped = &impatient{next: st.Transport, s: s, vu: vu}, true
	}
	if u.whole == nil {
		u.whole = st.TestStatus
	}
	u.own = lib.NewTestStatus()
	st.TestStatus = u.own
}

// errMarked is the error of an iteration that called exec.test.fail() and threw nothing.
var errMarked = errors.New("the script marked the test as failed")

// end is the iteration's error, its own verdict included.
func (u *user) end(err error) error {
	if u.own == nil || !u.own.Failed() {
		return err
	}
	u.whole.MarkFailed()
	return cmp.Or(err, errMarked)
}

type iter struct {
	vu       uint64
	iter     int64
	scenario string
	err      error
}

// readIter reads k6's internal event.IterData by its field names.
func readIter(data any) (it iter, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read k6 iteration event %T: %v", data, r)
		}
	}()
	v := reflect.ValueOf(data)
	it.vu = v.FieldByName("VUID").Uint()
	it.iter = v.FieldByName("Iteration").Int()
	it.scenario = v.FieldByName("ScenarioName").String()
	it.err, _ = v.FieldByName("Error").Interface().(error)
	return it, nil
}
