package scenarios

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What k6 cannot get of a flow's folder is a problem of the scenario, not one of the drill.
func TestFlowFolder(t *testing.T) {
	const scenario = `scenario: folder
trigger: none
backups: {db: {store: {kind: dir, path: b}, restore: {kind: postgres}}}
instances: {db: {kind: docker, image: pg, load: db}}
flow: {script: flows/flow.js}
checks: {business: [{kind: k6, script: flows/flow.js}], excluded: {system: none, data: none, service: none}}
`
	for name, c := range map[string]struct {
		beside func(flows string) error
		want   string
	}{
		"a library":                {func(f string) error { return os.WriteFile(f+"/lib/base.js", nil, 0o600) }, ""},
		"a link within the folder": {func(f string) error { return os.Symlink("lib/base-1.2.js", f+"/base.js") }, ""},
		"a link out of it":         {func(f string) error { return os.Symlink("../shared.js", f+"/base.js") }, `"base.js" is a link out of the flow's folder`},
		"a link to a folder":       {func(f string) error { return os.Symlink("lib", f+"/base") }, `"base" is a link out of the flow's folder, or to a folder`},
		"a link to nothing":        {func(f string) error { return os.Symlink("gone.js", f+"/base.js") }, `"base.js" is a link`},
		"a backup beside it":       {func(f string) error { return os.Truncate(f+"/lib/base-1.2.js", largestFlow+1) }, "the folder flows holds more than 16MiB"},
		"what begins with a dot":   {func(f string) error { return os.Symlink("/etc/passwd", f+"/.base.js") }, ""},
		"a folder that begins so": {func(f string) error {
			return os.MkdirAll(f+"/.git/x", 0o700)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			flows := filepath.Join(dir, "flows")
			require.NoError(t, os.MkdirAll(flows+"/lib", 0o700))
			for _, file := range []string{"flow.js", "lib/base-1.2.js", "../shared.js"} {
				require.NoError(t, os.WriteFile(filepath.Join(flows, file), []byte("export default function () {}\n"), 0o600))
			}
			require.NoError(t, os.WriteFile(dir+"/s.yaml", []byte(scenario), 0o600))
			require.NoError(t, c.beside(flows))
			_, err := Load(dir + "/s.yaml")
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.want)
		})
	}
}
