package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a scenario says counts more than what it includes, entry by entry; what it includes is part of its digest.
func TestInclude(t *testing.T) {
	sc, err := Load("testdata/ok/included.yaml")
	require.NoError(t, err)
	assert.Equal(t, "shop checkout", sc.Service)
	assert.Equal(t, map[string]string{"commander": "B. Li", "reviewer": "F"}, sc.People)
	assert.Equal(t, "postgres:17", sc.Instances["db"].Image, "of the scenario")
	assert.Zero(t, sc.Instances["db"].Memory, "an entry is taken whole")
	assert.Equal(t, 8080, sc.Instances["app"].Ready.TCP, "of the file that it includes")
	assert.Len(t, sc.Checks.All(), 3)
	assert.Equal(t, filepath.Join(sc.Dir, "flows", "checkout.js"), sc.Flow.Script, "paths start at the scenario's folder")
	var kept []string
	for _, f := range sc.Files() {
		kept = append(kept, f.Path)
	}
	assert.Contains(t, kept, "shared/shop.yaml")

	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("s.yaml", "include: [a.yaml, b.yaml]\nscenario: s\ntrigger: none\nbackups: {db: {store: {kind: dir, path: b}, restore: {kind: oci}}}\n"+
		"instances: {db: {kind: docker, boot: db}}\nchecks: {service: [{kind: tcp, to: \"db:1\"}], excluded: {system: n a, data: n a, business: n a}}\n")
	write("a.yaml", "service: a\ncustomer: a\n")
	write("b.yaml", "customer: b\n")
	one, err := Load(filepath.Join(dir, "s.yaml"))
	require.NoError(t, err)
	assert.Equal(t, "a b", one.Service+" "+one.Customer, "the later file counts more")
	write("b.yaml", "customer: b # another byte\n")
	two, err := Load(filepath.Join(dir, "s.yaml"))
	require.NoError(t, err)
	assert.NotEqual(t, one.Digest, two.Digest)
	write("b.yaml", "people: {commander: {env: X}}\n")
	_, err = Load(filepath.Join(dir, "s.yaml"))
	require.Error(t, err)
	assert.True(t, strings.HasPrefix(err.Error(), filepath.Join(dir, "b.yaml")+":1:"), err.Error())
}
