package flow

import (
	"fmt"
	"reflect"

	"go.k6.io/k6/v2/js/modules"

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
	var limit deadline
	wrapped := false
	go func() {
		for e := range events {
			it, err := readIter(e.Data)
			switch {
			case err != nil:
				// Unreadable means every iteration would look free of exceptions: better none looks good.
				s.IterEnded(it.vu, it.iter, it.scenario, err)
			case e.Type == iterStart:
				s.IterStarted(it.vu, it.iter, it.scenario)
				at, ok := s.Deadline(it.vu)
				limit.set(at, ok)
				if st := vu.State(); ok && !wrapped && st != nil {
					st.Transport = &impatient{next: st.Transport, limit: &limit}
					wrapped = true
				}
			default:
				s.IterEnded(it.vu, it.iter, it.scenario, it.err)
			}
			e.Done()
		}
	}()
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
