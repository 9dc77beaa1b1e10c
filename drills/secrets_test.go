package drills

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/scenarios"
)

// What only a back-end reveals is hidden as well, in every spelling.
func TestSecretsOfBackEnds(t *testing.T) {
	t.Setenv("DRILL_PASSWORD", `it's "a" secret`)
	t.Setenv("DRILL_LONGER", `it's "a" secret and more`)
	dir := t.TempDir()
	yaml := strings.Replace(simple, "restore: {kind: fake}",
		"restore: {kind: fake, password: {env: DRILL_PASSWORD}, roles: {x: {password: {env: DRILL_LONGER}}}}", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "s.yaml"), []byte(yaml), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flow.js"), []byte("export default function () {}\n"), 0o600))
	s, err := scenarios.Load(filepath.Join(dir, "s.yaml"))
	require.NoError(t, err)
	var keys struct {
		Password scenarios.Secret `yaml:"password"`
		Roles    map[string]struct {
			Password scenarios.Secret `yaml:"password"`
		} `yaml:"roles"`
	}
	require.Empty(t, s.Backups["db-backup"].Restore.Decode(&keys))
	known := secretsOf(s)
	for _, text := range []string{`it's "a" secret`, `it's \"a\" secret`, `it''s "a" secret`, "it%27s+%22a%22+secret",
		"it%27s%20%22a%22%20secret", `it's "a" secret and more`} {
		assert.Equal(t, "LINE 1: *** .", known.hide("LINE 1: "+text+" ."))
	}
}

func TestSecretsOfAKeptStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pulse.ndjson")
	s := &secrets{}
	require.NoError(t, s.hideFile(path), "nothing to hide, nothing to read")
	s.add(`pass"word`)
	assert.Error(t, s.hideFile(path))
	require.NoError(t, os.WriteFile(path, []byte("{\"a\":\"x pass\\\"word y\"}\n{}\nlast"), 0o600))
	require.NoError(t, s.hideFile(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "{\"a\":\"x *** y\"}\n{}\nlast", string(got))
}
