package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What lifeboat new writes has no problem.
func TestTemplateLoads(t *testing.T) {
	for given, want := range map[string]string{"shop": "shop", "": "my-first-drill", "My Shop/2": "my-shop-2",
		strings.Repeat("ab", 99): strings.Repeat("ab", 31) + "a", "升级": "my-first-drill"} {
		dir := t.TempDir()
		name := TemplateName(given)
		assert.Equal(t, want, name)
		require.NoError(t, os.Mkdir(filepath.Join(dir, "flows"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "flows", name+".js"), TemplateFlow(), 0o600))
		file := filepath.Join(dir, name+".yaml")
		require.NoError(t, os.WriteFile(file, Template(given), 0o600))
		sc, err := Load(file)
		require.NoError(t, err)
		assert.Equal(t, want, sc.Name)
	}
}

// The steps in the template's comments are as right as the rest.
func TestTemplateCommentsAreTrue(t *testing.T) {
	text := string(Template("shop"))
	for _, line := range []string{"upgrade:", "  - boot: {", "  - exec: {", "- script: {"} {
		require.Contains(t, text, "# "+line)
		text = strings.Replace(text, "\n# "+line, "\n"+line, 1)
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "flows"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flows", "shop.js"), TemplateFlow(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rollback.sh"), nil, 0o600))
	text = strings.Replace(text, "\n- script:", "\n  - script:", 1)
	sc, problems := load("shop.yaml", dir, []byte(text))
	require.Empty(t, problems)
	assert.Len(t, sc.Upgrade, 2)
	assert.Len(t, sc.Incidents[0].Rollback, 3)
}
