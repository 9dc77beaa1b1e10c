package rdb

import "time"

// around is for how long before and behind now expiries are told apart to the second: longer than a drill takes, and no more
// than some hundred thousand of them.
const around = 26 * 60 * 60

// expiries counts keys by the second in which they expire.
type expiries struct {
	now    int64 // seconds since 1970
	past   int64 // that expired earlier than is told apart
	second map[int64]int64
}

// add an expiry in milliseconds.
func (e *expiries) add(ms int64) {
	at := ms / 1000
	switch {
	case at < e.now-around:
		e.past++
	case at <= e.now+around:
		if e.second == nil {
			e.second = map[int64]int64{}
		}
		e.second[at]++
	}
}

// before counts those whose second began before a moment.
func (e *expiries) before(t time.Time) int64 {
	n := e.past
	for at, count := range e.second {
		if at < t.Unix() {
			n += count
		}
	}
	return n
}
