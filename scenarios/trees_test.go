package scenarios

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// copied is testdata/ok in a folder of its own.
func copied(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/ok")))
	return dir
}

func TestDigestCoversWhatIsPut(t *testing.T) {
	digest := func(change func(dir string)) string {
		dir := copied(t)
		change(dir)
		sc, err := Load(filepath.Join(dir, "vm.yaml"))
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(dir, "kernel-b"), sc.Upgrade[1].Put.From, "the path is absolute")
		return sc.Digest
	}
	write := func(name, text string) func(string) {
		return func(dir string) {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
	}
	same := digest(func(string) {})
	assert.Equal(t, same, digest(func(string) {}))
	assert.Equal(t, same, digest(write("kernel-a/other.deb", "x")), "a folder that is not put")
	seen := map[string]string{same: "nothing"}
	for name, change := range map[string]func(string){
		"another content": write("kernel-b/linux-image.deb", "x"),
		"one more":        write("kernel-b/sub/more.deb", "x"),
		"a single file":   write("rollback.sh", "x"),
		"another name": func(dir string) {
			require.NoError(t, os.Rename(dir+"/kernel-b/linux-image.deb", dir+"/kernel-b/other.deb"))
		},
	} {
		got := digest(change)
		assert.NotContains(t, seen, got, name)
		seen[got] = name
	}
}

func TestWhatCannotBePut(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"an empty folder": {func(dir string) error { return os.Remove(dir + "/kernel-b/linux-image.deb") }, "holds no file"},
		"a link in it": {func(dir string) error { return os.Symlink("/etc/shadow", dir+"/kernel-b/x.deb") },
			"is neither a file nor a folder"},
		"nothing": {func(dir string) error { return os.RemoveAll(dir + "/kernel-b") }, "there is no file or folder"},
		"a folder that leads out": {func(dir string) error {
			if err := os.RemoveAll(dir + "/kernel-b"); err != nil {
				return err
			}
			return os.Symlink("/etc", dir+"/kernel-b")
		}, "is neither a file nor a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t)
			require.NoError(t, tc.change(dir))
			_, err := Load(filepath.Join(dir, "vm.yaml"))
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestLoadVM(t *testing.T) {
	t.Setenv("APP_PASSWORD", "hunter2")
	sc, err := Load("testdata/ok/vm.yaml")
	require.NoError(t, err)
	var own struct { // the kind's keys
		VM struct {
			Ports    []int      `yaml:"ports"`
			Seed     string     `yaml:"seed"`
			Clock    *time.Time `yaml:"clock"`
			Password Secret     `yaml:"password"`
			Unlock   Secret     `yaml:"unlock"`
		} `yaml:"vm"`
	}
	sc.Instances["app"].Settings.Decode(&own) // which has more keys
	vm := own.VM
	assert.Equal(t, []int{22, 8080}, vm.Ports)
	assert.Equal(t, "#cloud-config\nssh_pwauth: false\n", vm.Seed)
	assert.True(t, vm.Clock.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	password, err := vm.Password.Reveal()
	require.NoError(t, err)
	assert.Equal(t, "hunter2", password)
	assert.Len(t, sc.Secrets(), 2, "what the journal must not hold")
	require.Len(t, sc.Incidents, 3)
	assert.Equal(t, "old kernel", sc.Incidents[1].Name)
	assert.Equal(t, RevertStep{On: "app", Name: "upgraded"}, *sc.Incidents[1].Upgrade[0].Revert)
	assert.Equal(t, SelectStep{On: "app", Release: Before}, *sc.Incidents[1].Rollback[0].Select)
	assert.Equal(t, "stop", sc.Upgrade[4].Predict.OnConflict)
	assert.Equal(t, 10*minute, sc.Incidents[2].Detect.Within, "an incident of a list has its defaults")
}
