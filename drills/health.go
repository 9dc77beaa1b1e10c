package drills

import (
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// defaultWithin is how long a machine has to be ready, where the scenario does not say when it is.
const defaultWithin = 2 * time.Minute

// healthOf is a machine's own healthcheck; nil: it has none.
func healthOf(m instance.Machine) *instance.Health {
	if h, ok := instance.As[instance.HealthChecked](m); ok {
		return h.Health()
	}
	return nil
}

// readiness is what a machine is asked: what the scenario says, else its image's own healthcheck, with the time that one
// question may take (0: the usual one), else nothing.
func readiness(m instance.Machine, r *scenarios.Ready) (ready *scenarios.Ready, patience time.Duration) {
	if r != nil {
		return r, 0
	}
	h := healthOf(m)
	if h == nil {
		return &scenarios.Ready{Within: scenarios.Duration(defaultWithin)}, 0
	}
	return &scenarios.Ready{Exec: h.Command, Within: scenarios.Duration(max(defaultWithin, h.Within))}, h.Timeout
}
