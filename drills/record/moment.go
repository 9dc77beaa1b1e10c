package record

import "time"

// Moment says when something happened, in time since the drill's base
// (monotonic): not before Early and not after Late. Early == Late means exact.
//
//	          Early          Late
//	────────────┤░░░░░░░░░░░░├────────▶ time since the drill's base
//	 not yet    │ somewhere   │ surely
type Moment struct {
	Early time.Duration `json:"early_ns"`
	Late  time.Duration `json:"late_ns"`
}

// At is an exact moment.
func At(d time.Duration) Moment { return Moment{Early: d, Late: d} }

// Span is a length of time with its bounds.
type Span struct {
	Lower time.Duration `json:"lower_ns"`
	Upper time.Duration `json:"upper_ns"`
}

// Between is the time from one moment to another. Bounds below zero are cut to zero.
func Between(from, to Moment) Span {
	return Span{Lower: max(0, to.Early-from.Late), Upper: max(0, to.Late-from.Early)}
}
