package docker

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
)

var (
	_ instance.Environed   = (*Driver)(nil)
	_ instance.Identifying = (*Driver)(nil)
	_ instance.Identified  = (*Machine)(nil)
)

// ImageID is that of the image that carries a name now.
func (d *Driver) ImageID(ctx context.Context, image string) (string, error) {
	got, err := d.engine.client.ImageInspect(ctx, image)
	if err != nil {
		return "", fmt.Errorf("look at image %s: %w", image, err)
	}
	return got.ID, nil
}

// ImageID is that of the image of which the container was made.
func (m *Machine) ImageID() string { return m.image }

// ImageEnv is the environment that an image of the engine sets.
func (d *Driver) ImageEnv(ctx context.Context, image string) (map[string]string, error) {
	got, err := d.engine.client.ImageInspect(ctx, image)
	if err != nil {
		return nil, fmt.Errorf("look at image %s: %w", image, err)
	}
	env := map[string]string{}
	if got.Config != nil {
		for _, pair := range got.Config.Env {
			key, value, _ := strings.Cut(pair, "=")
			env[key] = value
		}
	}
	return env, nil
}
