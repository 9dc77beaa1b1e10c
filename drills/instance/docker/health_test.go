package docker

import (
	"testing"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
)

func TestHealthOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check *dockerspec.HealthcheckConfig
		shell []string
		want  *instance.Health
	}{
		"none":         {nil, nil, nil},
		"switched off": {&dockerspec.HealthcheckConfig{Test: []string{"NONE"}}, nil, nil},
		"inherited":    {&dockerspec.HealthcheckConfig{}, nil, nil},
		"a command": {&dockerspec.HealthcheckConfig{Test: []string{"CMD", "pg_isready", "-q"}}, nil,
			&instance.Health{Command: []string{"pg_isready", "-q"}, Timeout: 30 * time.Second, Within: 3 * time.Minute}},
		"for the shell": {&dockerspec.HealthcheckConfig{Test: []string{"CMD-SHELL", "curl -f localhost || exit 1"}, StartPeriod: time.Minute,
			Interval: 5 * time.Second, Timeout: 3 * time.Second, Retries: 10}, nil,
			&instance.Health{Command: []string{"/bin/sh", "-c", "curl -f localhost || exit 1"}, Timeout: 3 * time.Second,
				Within: time.Minute + 80*time.Second}},
		"for another shell": {&dockerspec.HealthcheckConfig{Test: []string{"CMD-SHELL", "up"}}, []string{"/bin/bash", "-lc"},
			&instance.Health{Command: []string{"/bin/bash", "-lc", "up"}, Timeout: 30 * time.Second, Within: 3 * time.Minute}},
	} {
		image := &dockerspec.DockerOCIImageConfig{DockerOCIImageConfigExt: dockerspec.DockerOCIImageConfigExt{Healthcheck: c.check, Shell: c.shell}}
		assert.Equal(t, c.want, healthOf(image), name)
	}
	assert.Nil(t, healthOf(nil))
}
