package instance

import "context"

// Lacking is a machine that can tell what its scenario does not give it, once it ended by itself.
type Lacking interface {
	// Lacks returns one of record's kinds of lacks with what was seen, or "".
	Lacks(ctx context.Context, console string) (kind, words string)
}
