package s3

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// What the manuals show is understood.
func TestManuals(t *testing.T) {
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		raw, err := os.ReadFile("../../../" + file)
		require.NoError(t, err)
		found := 0
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(raw, -1) {
			var shown struct {
				Backups map[string]struct{ Store map[string]any }
			}
			if bytes.HasPrefix(block[1], []byte("catalogue:")) {
				continue // a list of backups
			}
			require.NoError(t, yaml.Unmarshal(block[1], &shown))
			for name, b := range shown.Backups {
				if b.Store["kind"] != "s3" {
					continue
				}
				found++
				delete(b.Store, "kind")
				text, err := yaml.Marshal(b.Store)
				require.NoError(t, err)
				settings, err := scenarios.ParseSettings("s3", string(text))
				require.NoError(t, err)
				_, problems := New(store.Site{}, settings)
				assert.Empty(t, problems, "%s: %s", file, name)
			}
		}
		assert.Equal(t, 2, found, file)
	}
}
