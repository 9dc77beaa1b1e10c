package docker

import (
	"slices"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"lifeboat/drills/instance"
)

// What an image's healthcheck leaves open, as engines fill it in: docs.docker.com/reference/dockerfile/#healthcheck.
const (
	healthInterval = 30 * time.Second
	healthTimeout  = 30 * time.Second
	healthRetries  = 3
)

// noHealthcheck: lifeboat asks itself, more often than the engine would, and nobody asks twice.
var noHealthcheck = &dockerspec.HealthcheckConfig{Test: []string{"NONE"}}

// healthOf an image; nil when it has no healthcheck.
func healthOf(image *dockerspec.DockerOCIImageConfig) *instance.Health {
	if image == nil || image.Healthcheck == nil || len(image.Healthcheck.Test) < 2 {
		return nil
	}
	h, check := instance.Health{}, image.Healthcheck
	switch check.Test[0] {
	case "CMD":
		h.Command = slices.Clone(check.Test[1:])
	case "CMD-SHELL":
		shell := image.Shell
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		h.Command = append(slices.Clone(shell), check.Test[1])
	default:
		return nil
	}
	or := func(d, otherwise time.Duration) time.Duration {
		if d > 0 {
			return d
		}
		return otherwise
	}
	retries := check.Retries
	if retries <= 0 {
		retries = healthRetries
	}
	h.Timeout = or(check.Timeout, healthTimeout)
	h.Within = check.StartPeriod + time.Duration(retries)*(or(check.Interval, healthInterval)+h.Timeout)
	return &h
}

// Health implements instance.HealthChecked.
func (m *Machine) Health() *instance.Health { return m.health }
