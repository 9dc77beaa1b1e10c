package docker

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVolumesFor(t *testing.T) {
	t.Parallel()
	asked := []string{"/var/lib/postgresql/data", "/stage"}
	for name, c := range map[string]struct{ declared, want []string }{
		"postgres:17, the same folder":      {[]string{"/var/lib/postgresql/data"}, []string{"/stage", "/var/lib/postgresql/data"}},
		"postgres:18, the folder above":     {[]string{"/var/lib/postgresql"}, []string{"/stage", "/var/lib/postgresql"}},
		"none":                              {nil, asked},
		"another whose name begins like it": {[]string{"/var/lib/postgresql/data2", "/var/lib/post"}, append(asked, "/var/lib/postgresql/data2", "/var/lib/post")},
		"below it":                          {[]string{"/stage/x"}, append(asked, "/stage/x")},
	} {
		assert.Equal(t, c.want, volumesFor(asked, c.declared), name)
	}
}
