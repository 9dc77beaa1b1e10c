package instance

import "time"

// Health is how an image says that what is in it is well.
type Health struct {
	Command []string      // exits 0 when it is
	Timeout time.Duration // of one run of it, above 0
	Within  time.Duration // in which it has to be well: what the image's author allows until it counts as unhealthy
}

// HealthChecked is a machine whose image may bring a healthcheck of its own.
type HealthChecked interface {
	// Health returns nil where there is none.
	Health() *Health
}
