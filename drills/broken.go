package drills

import "fmt"

// BrokenError says that a drill ran and could not be sealed, so that its result is not known; a full
// disk does that. What its journal holds can still be judged.
type BrokenError struct {
	Drill string
	Left  int // things that could not be cleaned up
	Err   error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("%v; lifeboat history judges what the journal of %s holds", e.Err, e.Drill)
}

func (e *BrokenError) Unwrap() error { return e.Err }
