package instance

import "context"

// Environed is a driver that tells, before it boots anything, what environment an image of its engine sets.
type Environed interface {
	ImageEnv(ctx context.Context, image string) (map[string]string, error)
}
