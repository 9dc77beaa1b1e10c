package ci

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/store/s3/s3test"
	"lifeboat/internal/needs"
)

const kernelDrill = "kernel-module-conflict"

// onVMBench is onBench for virtual machines.
func onVMBench(t *testing.T) *bench {
	t.Helper()
	needs.VM(t)
	return onBench(t, "demo-vm")
}

// record of the newest drill.
func (b *bench) record() *record.Record {
	b.t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.home, "drills", newest(b.home), "record.json"))
	require.NoError(b.t, err)
	var r record.Record
	require.NoError(b.t, json.Unmarshal(raw, &r))
	return &r
}

// sum of the virtual machine's backup.
func (b *bench) sum() string {
	b.t.Helper()
	f, err := os.Open(filepath.Join(b.demo, "backups", "shop-pos", "shop-pos.qcow2"))
	require.NoError(b.t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(b.t, err)
	return hex.EncodeToString(h.Sum(nil))
}

// The kernel drill from end to end: a module conflict that was predicted, met and rolled back, in make test-vm in all
// three ways, whose comparison is in the report.
func TestVMKernelDrill(t *testing.T) {
	b := onVMBench(t)
	before := b.sum()
	scenario, ways := filepath.Join(b.demo, kernelDrill+".yaml"), []string{"snapshot", "old kernel", "rebuild"}
	if !needs.AllVMs() {
		_, others, found := strings.Cut(b.course(), "  - name: old kernel\n")
		require.True(t, found)
		scenario, ways = b.variant(kernelDrill, "  - name: old kernel\n"+others, ""), nil
	}
	exit, d := b.drill(scenario)
	assert.Equal(t, "passed", d.Verdict, d.raw)
	assert.Zero(t, exit)
	assert.Equal(t, before, b.sum(), "the backup was written to")

	r := b.record()
	require.Len(t, r.Incidents, max(1, len(ways)))
	for i, in := range r.Incidents {
		assert.Equal(t, record.RollbackDone, in.Rollback)
		assert.NotNil(t, in.T0, "incident %d", i+1)
		assert.NotNil(t, in.T7, "incident %d: verified by itself", i+1)
	}
	predicted := slices.ContainsFunc(r.Steps, func(s record.StepFact) bool {
		return strings.HasPrefix(s.What, "predict") && strings.Contains(s.Output, "vendordev")
	})
	assert.True(t, predicted, "the conflict was foreseen")
	for _, boot := range r.Boots {
		if boot.Facts["acceleration"] == "tcg" {
			assert.Equal(t, record.BasisEmulated, boot.Basis)
		}
	}
	after := map[int]int{}
	for _, c := range r.Checks {
		if c.When == "after" {
			assert.Equal(t, record.CheckPassed, c.Status, "%s: %s %v", c.Name, c.Message, c.Diff)
			after[c.Incident]++
		}
	}
	for i := range r.Incidents {
		assert.GreaterOrEqual(t, after[i+1], len(r.Header.Checks), "every check was asked after rollback %d", i+1)
	}
	report, err := os.ReadFile(filepath.Join(b.home, "drills", d.Drill, "reports", "report.md"))
	require.NoError(t, err)
	for _, name := range ways {
		assert.Contains(t, string(report), name)
	}
}

// A machine that does not come up after a change of its boot files: the drill waits until its console says why, goes back
// to the snapshot, and finds everything as it was.
func TestVMDoesNotComeUp(t *testing.T) {
	needs.EveryVM(t)
	b := onVMBench(t)
	says := map[string]string{"initramfs-broken": "initramfs", "root-device-wrong": "root", "fstab-bad-entry": "emergency"}
	kinds := slices.Sorted(maps.Keys(says))
	incidents := "\nupgrade:\n  - snapshot: {on: pos, name: before}\nincidents:\n"
	for _, kind := range kinds {
		incidents += "  - name: " + kind + "\n    faults: [{kind: " + kind + ", on: pos}]\n" +
			"    detect: {when: \"flow.failed > 50% for 20s\"}\n    decide: {by: simulated, after: 2s}\n" +
			"    rollback: [{revert: {on: pos, name: before}}]\n"
	}
	exit, d := b.drill(b.variant(kernelDrill, b.course(), incidents, "trigger: upgrade", "trigger: fault"))
	assert.Equal(t, "passed", d.Verdict, d.raw)
	assert.Zero(t, exit)
	r := b.record()
	require.Len(t, r.Incidents, len(kinds))
	for i, in := range r.Incidents {
		require.Len(t, in.Faults, 1)
		assert.False(t, in.Faults[0].NoEffect)
		at := slices.IndexFunc(r.Diagnoses, func(d record.DiagnosisFact) bool { return d.Subject.Incident == i+1 && d.Class != "" })
		require.GreaterOrEqual(t, at, 0, "nothing was seen of %s: %+v", kinds[i], r.Diagnoses)
		seen := r.Diagnoses[at]
		t.Logf("%s: %s (%s), decided %s after it was detected", kinds[i], seen.Words, seen.Source, in.T2.Late-in.T1.Late)
		assert.Contains(t, strings.ToLower(seen.Words), says[kinds[i]])
		assert.NotEmpty(t, seen.Lines)
		assert.FileExists(t, filepath.Join(b.home, "drills", d.Drill, "raw", seen.Screen))
	}
}

// checkRun is a check run of the virtual machine, with changes. It has nothing to compare the machine's state with.
func (b *bench) checkRun(pairs ...string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.demo, kernelDrill+".yaml"))
	require.NoError(b.t, err)
	_, compares, found := strings.Cut(string(text), "    - kind: state-unchanged\n")
	compares, _, ends := strings.Cut(compares, "    - {kind: command")
	require.True(b.t, found && ends)
	return b.variant(kernelDrill, append([]string{b.course(), "", "trigger: upgrade", "trigger: none",
		"    - kind: state-unchanged\n" + compares, "",
		"objectives: {start_rollback: 30m, restored: 2h, outage: 2h, act: 3m, boot: 10m}\n", ""}, pairs...)...)
}

// course is what happens to the machine in the kernel drill: its upgrade and its incidents.
func (b *bench) course() string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.demo, kernelDrill+".yaml"))
	require.NoError(b.t, err)
	_, text, found := bytes.Cut(text, []byte("\nupgrade:"))
	course, _, ends := bytes.Cut(text, []byte("\nchecks:"))
	require.True(b.t, found && ends)
	return "\nupgrade:" + string(course)
}

// The image stays where it is: the machine boots while it is read, and most of it never is.
func TestVMBootsFromAfar(t *testing.T) {
	for name, from := range map[string]func(b *bench) string{"a web server": onAWebServer, "a bucket": inABucket} {
		t.Run(name, func(t *testing.T) {
			if name == "a bucket" { // differs from the web server in its store, which has tests of its own
				needs.EveryVM(t)
			}
			b := onVMBench(t)
			exit, d := b.drill(b.checkRun(`{kind: dir, path: ./backups/shop-pos, pattern: "*.qcow2"}`, from(b),
				"restore: {kind: disk, format: qcow2}", "restore: {kind: disk, format: qcow2, lazy: true}\n    consistent_to: "+
					time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)))
			assert.Equal(t, "passed", d.Verdict, d.raw)
			assert.Zero(t, exit)
			reads := b.record().DiskReads
			require.Len(t, reads, 1)
			t.Logf("%d of %d MiB were read", reads[0].Fetched>>20, reads[0].Size>>20)
			assert.Positive(t, reads[0].Fetched)
			assert.Less(t, reads[0].Fetched, reads[0].Size)
		})
	}
}

func onAWebServer(b *bench) string {
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(b.demo, "backups", "shop-pos"))))
	b.t.Cleanup(server.Close)
	return `{kind: http, url: "` + server.URL + `/shop-pos.qcow2"}`
}

func inABucket(b *bench) string {
	server, err := s3test.Start(s3test.Program(b.t))
	require.NoError(b.t, err)
	b.t.Cleanup(server.Stop)
	require.NoError(b.t, server.Admin.MakeBucket(b.t.Context(), "backups", minio.MakeBucketOptions{Region: s3test.Region}))
	image, err := os.ReadFile(filepath.Join(b.demo, "backups", "shop-pos", "shop-pos.qcow2"))
	require.NoError(b.t, err)
	server.Put(b.t, "backups", "pos/shop-pos.qcow2", image, time.Time{})
	b.t.Setenv("LIFEBOAT_TEST_S3_SECRET", s3test.Secret)
	return `{kind: s3, endpoint: "` + server.URL + `", bucket: backups, prefix: pos, access_key: ` + s3test.Access +
		`, secret_key: {env: LIFEBOAT_TEST_S3_SECRET}}`
}

// A container and a virtual machine in one drill: each reaches the other under its name, and nothing else. The machine's disk is looked at
// before it boots, and asked for when it has.
func TestVMMixed(t *testing.T) {
	b := onVMBench(t)
	// A PostgreSQL server answers an SSL request with one letter; bash is all that the guest needs to ask.
	const ask = `exec 3<>/dev/tcp/db/5432; printf "\0\0\0\10\4\322\26\57" >&3; head -c 1 <&3`
	exit, d := b.drill(b.checkRun(
		"instances:\n", "instances:\n  db:\n    kind: docker\n    image: lifeboat/postgres:15\n    env: {POSTGRES_PASSWORD: drill}\n"+
			"    data: [/var/lib/postgresql/data]\n    ready: {tcp: 5432}\n",
		"    boot: shop-pos\n", "    boot: shop-pos\n    needs: [db]\n",
		"  system:\n", "  system:\n    - {kind: command, name: the machine reaches the database, on: pos, run: [bash, -c, '"+
			ask+"'], expect: \"N\"}\n    - {kind: disk, on: pos}\n"))
	assert.Equal(t, "passed", d.Verdict, d.raw)
	assert.Zero(t, exit)
	r := b.record()
	require.Len(t, r.Restores, 1)
	assert.Contains(t, strings.Join(r.Restores[0].Notes, "\n"), "read before the boot, without an error: MBR, 1 FAT, 2 ext4")
	asked := slices.IndexFunc(r.Checks, func(c record.CheckResult) bool { return strings.HasPrefix(c.Message, "pos booted to ") })
	require.GreaterOrEqual(t, asked, 0, "%+v", r.Checks)
	assert.Contains(t, r.Checks[asked].Message, "without a failed unit, and has 1 file systems without an error")
	assert.Equal(t, "unlooked.disk", r.Checks[asked].Beside[0].ID)
}

// SIGKILL in the phases of a virtual machine's drill: no process, overlay, volume or file is left.
func TestVMKilled(t *testing.T) {
	vm := onVMBench(t)
	k := onKillBench(t)
	moments := []moment{{"isolation.probe", 2 * time.Second}, {`pulse {"state":"started"`, time.Second}}
	scenario := vm.checkRun()
	if needs.AllVMs() {
		scenario = filepath.Join(vm.demo, kernelDrill+".yaml")
		phase := func(name string) string { return `phase {"phase":"` + name + `"}` }
		moments = []moment{{phase("restore"), 0}, {phase("restore"), 1500 * time.Millisecond}, {"isolation.probe", 2 * time.Second},
			{"instance.booted", 0}, {phase("baseline"), 3 * time.Second}, {phase("upgrade"), 5 * time.Second},
			{`"what":"snapshot`, 0}, {phase("detect"), 0}, {phase("rollback"), 3 * time.Second}, {phase("verify"), time.Second},
			{phase("cleanup"), 200 * time.Millisecond}}
	}
	before := vm.sum()
	home := t.TempDir()
	for i, m := range moments {
		t.Run(m.String(), func(t *testing.T) {
			b := &killBench{t: t, bin: k.bin, root: k.root, env: k.env}
			took := b.kill(home, scenario, m, i+1).took
			t.Logf("clean after %s", took)
		})
	}
	assert.Equal(t, before, vm.sum(), "the backup was written to")
}
