package scenarios_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/qemu"
	"lifeboat/scenarios"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// problemsOf a file, those in the eyes of the instances' kinds included. No other kind is known here.
func problemsOf(t *testing.T, file string) scenarios.Problems {
	nobody := func(instance.Site) (instance.Driver, error) { t.Error("the host was asked"); return nil, nil }
	kit := drills.Kit{Instances: map[string]instance.Kind{"docker": docker.Kind(nobody), "qemu": qemu.Kind(nobody)}}
	sc, problems := scenarios.Read(file)
	if sc == nil {
		return problems
	}
	for _, p := range drills.Check(kit, sc) {
		if !strings.HasPrefix(p.Message, "unknown kind of") && !strings.HasPrefix(p.Message, "unknown check") {
			problems = append(problems, p)
		}
	}
	return problems.Sorted(file)
}

// Every scenario of testdata/ok is silent.
func TestNoProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/ok/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		assert.Empty(t, problemsOf(t, file), file)
	}
}

// Every scenario of testdata/err has exactly the problems that stand beside it.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/err/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			problems := problemsOf(t, file)
			require.NotEmpty(t, problems)
			got := strings.ReplaceAll(problems.Error(), "testdata/err/", "") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "write it with -update")
			assert.Equal(t, string(want), got)
		})
	}
}

// A secret that would take half of every word with it is refused where its value can be read.
func TestShortSecrets(t *testing.T) {
	t.Setenv("LIFEBOAT_TEST_SHORT", "abc")
	t.Setenv("LIFEBOAT_TEST_EMPTY", "")
	t.Setenv("LIFEBOAT_TEST_LONG", "abcd")
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`scenario: x
instances:
  db: {kind: docker, image: x, env: {A: {env: LIFEBOAT_TEST_SHORT}, B: {env: LIFEBOAT_TEST_EMPTY}, C: {env: LIFEBOAT_TEST_LONG},
    D: {env: LIFEBOAT_TEST_ABSENT}, E: abc}}
`), 0o600))
	found := 0
	for _, p := range problemsOf(t, file) {
		if strings.Contains(p.Message, "too short to be hidden") {
			found++
			assert.Equal(t, "instances.db.env.A: the value of LIFEBOAT_TEST_SHORT is shorter than 4 bytes, "+
				"too short to be hidden in reports", p.Message)
		}
	}
	assert.Equal(t, 1, found)
}
