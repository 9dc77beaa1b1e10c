package docker

import (
	cerrdefs "github.com/containerd/errdefs"

	"lifeboat/drills/instance"
)

// unasked marks what kept a question from being asked: the engine that did not answer, or could not do what it was told.
// What it answered about the machine itself (it is gone, it does not run, it has no such program) stays an answer.
func unasked(what string, err error) error {
	if err == nil || cerrdefs.IsNotFound(err) || cerrdefs.IsConflict(err) || cerrdefs.IsInvalidArgument(err) {
		return err
	}
	return &instance.UnaskedError{What: what, Err: err}
}
