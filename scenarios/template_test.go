package scenarios

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
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

// What stands in the template's comments is as right as the rest.
func TestTemplateCommentsAreTrue(t *testing.T) {
	text := string(Template("shop"))
	text = regexp.MustCompile(`(?m)^  # (pos:|web:|snapshots:|base:|base-wal: .*|  .*)$`).ReplaceAllString(text, "  $1")
	text = regexp.MustCompile(`(?m)^# (upgrade:$|  - [a-z])`).ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`(?m)^# (- [a-z])`).ReplaceAllString(text, "  $1")
	text = regexp.MustCompile(`(?m)^# (network|egress|prepare):(.*)$`).ReplaceAllString(text, "$1:$2")
	text = regexp.MustCompile(`(?m)^#(     [a-z]+: |     - exec)`).ReplaceAllString(text, "$1")
	text = strings.Replace(text, "  # outcome: watch", "  outcome: full-rollback", 1)
	// The list of incidents stands in the place of the only one.
	several := regexp.MustCompile(`(?m)^# (incidents:|    - name|      [a-z]+: \[)`).ReplaceAllString(text, "$1")
	several = several[:strings.Index(several, "\nfaults:")] + several[strings.Index(several, "\nincidents:"):]
	dir := t.TempDir()
	for _, folder := range []string{"flows", "kernel-b"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	for _, file := range []string{"rollback.sh", "kernel-b/linux.deb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flows", "shop.js"), TemplateFlow(), 0o600))
	sc, problems := load("shop.yaml", dir, []byte(text), "")
	require.Empty(t, problems)
	assert.Len(t, sc.Backups, 7)
	assert.Len(t, sc.Instances, 4)
	assert.Equal(t, "qemu", sc.Instances["pos"].Kind)
	assert.Len(t, sc.Upgrade, 7)
	assert.Len(t, sc.Incidents[0].Rollback, 5)
	assert.Equal(t, "10.20.0.0/16", sc.Network.String())
	assert.Len(t, sc.Egress.Expected, 2)
	assert.Len(t, sc.Egress.Allow, 1)
	assert.Len(t, sc.Prepare, 1)
	sc, problems = load("shop.yaml", dir, []byte(several), "")
	require.Empty(t, problems)
	assert.Len(t, sc.Incidents, 2)
}

// The template names every kind of everything, and every step: nobody has to read a schema to learn that there is one.
func TestTemplateNamesEverything(t *testing.T) {
	var schema struct {
		Defs map[string]any `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(Schema, &schema))
	text := string(Template("shop"))
	for name := range schema.Defs {
		if _, kind, ok := strings.Cut(name, "-"); ok {
			assert.Regexp(t, `\b`+kind+`\b`, text, name)
		}
	}
	for _, step := range StepKeys() {
		assert.Regexp(t, `\b`+step+`\b`, text)
	}
	for name := range objectiveNames {
		assert.Regexp(t, `\b`+name+`\b`, text)
	}
}
