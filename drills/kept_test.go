package drills

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// What was asked stands in the drill's folder: texts without secrets, data by their digest or, with keep, as they were.
func TestWhatWasAskedIsKept(t *testing.T) {
	t.Setenv("SCRIPT_TOKEN", flowToken)
	yaml := strings.NewReplacer("script: flow.js", "script: flows/flow.js, env: {TOKEN: {env: SCRIPT_TOKEN}}").Replace(simple)
	for name, keep := range map[string]bool{"texts": false, "data, too": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files = map[string]string{"flows/flow.js": "// " + flowToken + "\nexport default function () {}\n",
				"flows/data.csv": "a,b\n", "flows/logo.png": "\x89PNG\x00", "notes.txt": "not asked for"}
			text := yaml
			if keep {
				text = "keep: true\n" + text
			}
			res := w.run(text)
			raw, err := os.ReadFile(filepath.Join(res.Dir, askedList))
			require.NoError(t, err)
			var list []asked
			require.NoError(t, json.Unmarshal(raw, &list))
			got := map[string]asked{}
			for _, a := range list {
				got[a.Path] = a
				content, err := os.ReadFile(filepath.Join(res.Dir, askedFolder, a.Path))
				assert.Equal(t, a.Kept, err == nil, "%s: %v", a.Path, err)
				assert.NotContains(t, string(content), flowToken[:12])
			}
			require.Len(t, list, 4, "%s", raw)
			assert.True(t, got["s.yaml"].Kept && got["flows/data.csv"].Kept && got["flows/flow.js"].Hidden)
			assert.Equal(t, keep, got["flows/logo.png"].Kept)
			assert.EqualValues(t, 5, got["flows/logo.png"].Size)
			digest, size, err := digestFile(filepath.Join(res.Dir, askedList))
			require.NoError(t, err)
			assert.Contains(t, res.Record.Raw, record.RawFile{Path: askedList, Digest: digest, Size: size})
		})
	}
}
