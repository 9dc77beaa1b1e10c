package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

// told is what a Debian 12 answers.
const told = "init\tsystemd\nstate\trunning\ntarget\tgraphical.target\tactive\nfs\t/\text4\nfs\t/data\txfs\nerrors\tvda1\t0\n"

func TestDisk(t *testing.T) {
	failed := func(unit string) []string {
		return []string{"state\trunning\n", "state\tdegraded\n", "fs\t/\t", "failed\t" + unit + "\tResult=exit-code\nfs\t/\t"}
	}
	more := func(line string) []string { return []string{"errors\tvda1\t0\n", "errors\tvda1\t0\n" + line + "\n"} }
	for name, c := range map[string]struct {
		change []string
		status record.CheckStatus
		want   string
		beside []string
	}{
		"as it must be": {nil, "passed", "vm booted to graphical.target without a failed unit, and has 2 file systems without an error", nil},
		"a failed unit": {failed("shop.service"), "failed", "1 units of vm failed: shop.service (exit-code)", nil},
		"one that may":  {failed("legacy.service"), "passed", "without a failed unit", nil},
		"one that waits for the network": {failed("systemd-networkd-wait-online.service"), "passed", "without a failed unit",
			[]string{"disk.sealed_units"}},
		"a mount of another machine": {append(failed("srv-nas.mount"), more("absent\tnas:/x\t/srv/nas\tnfs4\tdefaults")...), "passed", "",
			[]string{"disk.sealed_units", "disk.unmounted"}},
		"ext4 counts errors": {[]string{"vda1\t0", "vda1\t3"}, "failed", "the file system on vda1 of vm has 3 errors", nil},
		"the kernel's words": {more("kernel\t[ 1.0] XFS (vdb): Metadata corruption detected"), "failed",
			"the kernel of vm finds its disk damaged: [ 1.0] XFS (vdb): Metadata corruption detected", nil},
		"mended at boot": {more("fsck\troot contains a file system with errors, check forced."), "failed",
			"a file system of vm had errors when it booted", nil},
		"a stale fstab":         {more("absent\tUUID=1\t/old\text4\tdefaults"), "failed", "vm does not mount what its fstab names: /old (UUID=1)", nil},
		"one with nofail":       {more("absent\tUUID=1\t/old\text4\tnoatime,nofail"), "passed", "", []string{"disk.unmounted"}},
		"an emergency shell":    {[]string{"state\trunning", "state\tmaintenance"}, "failed", "vm is in emergency mode", nil},
		"its target is missing": {[]string{"target\tactive", "target\tinactive"}, "failed", "vm did not boot to its target graphical.target", nil},
		"another init": {[]string{"init\tsystemd\nstate\trunning\ntarget\tgraphical.target\tactive\n", "init\tinit\nunlooked\tdmesg\n"}, "passed",
			"vm has 2 file systems without an error", []string{"disk.unlooked", "disk.other_init"}},
		"no file system": {[]string{"fs\t/\text4\nfs\t/data\txfs\n", ""}, "crashed", "vm said nothing of its disk", nil},
	} {
		t.Run(name, func(t *testing.T) {
			check := verifiertest.Make(t, New, "disk", `{on: vm, within: 1s, except: [legacy.service]}`)
			facts, err := check.Observe(t.Context(), verifiertest.Fake{OnExec: func(string, []string) (verifier.Output, error) {
				return verifier.Output{Stdout: strings.NewReplacer(c.change...).Replace(told) + end + "\n"}, nil
			}})
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, c.status, a.Status, a.Message)
			assert.Contains(t, a.Message, c.want)
			var ids []string
			require.NotEmpty(t, a.Beside)
			assert.Equal(t, "unlooked.disk", a.Beside[0].ID, "it is always said")
			for _, o := range a.Beside[1:] {
				ids = append(ids, o.ID)
			}
			assert.Equal(t, c.beside, ids)
		})
	}
	check := verifiertest.Make(t, New, "disk", `{on: vm, within: 1s}`)
	asked := 0
	facts, err := check.Observe(t.Context(), verifiertest.Fake{OnExec: func(string, []string) (verifier.Output, error) {
		asked++
		return verifier.Output{Stdout: strings.Replace(told, "running", "starting", 1) + end + "\n"}, nil
	}})
	require.NoError(t, err)
	assert.Positive(t, check.Judge(nil, facts).Late, "a limit of time, which a busy host may explain")
	assert.Greater(t, asked, 1)
	for _, text := range []string{told, "", told + "more\n" + end + "\n", "errors\tvda1\tmany\n" + end + "\n"} {
		_, err := check.Observe(t.Context(), verifiertest.Fake{OnExec: func(string, []string) (verifier.Output, error) {
			return verifier.Output{Stdout: text}, nil
		}})
		assert.Error(t, err, "%q", text)
	}
}

// The script over files and programs that say what real ones do.
func TestDiskScript(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
		return path
	}
	write("bin/systemctl", `#!/bin/sh
case $* in
is-system-running*) echo degraded; exit 1 ;;
get-default) echo multi-user.target ;;
is-active*) echo active ;;
list-units*) echo 'old.mount loaded failed failed /old' ;;
show*) echo Result=exit-code ;;
esac
`)
	write("bin/dmesg", `#!/bin/sh
cat <<'X'
[    0.10] EXT4-fs (vda1): mounted filesystem with ordered data mode
[    0.20] Alternate GPT is invalid, using primary GPT.
[    3.00] EXT4-fs error (device vda1): ext4_lookup:1785: inode #2: comm ls: deleted inode referenced: 12
[    4.00] blk_update_request: I/O error, dev fd0, sector 0
X
`)
	write("bin/journalctl", "#!/bin/sh\necho '/dev/vda1: clean, 12/3 files'\n")
	files := strings.NewReplacer("/proc/1/comm", write("comm", "systemd\n"), "/run/systemd/system", dir,
		"/proc/mounts", write("mounts", "/dev/vda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/vdb /data xfs rw 0 0\n"),
		"/sys/fs/ext4", filepath.Dir(filepath.Dir(write("ext4/vda1/errors_count", "0\n"))),
		"/run/initramfs/fsck.log", write("fsck.log", "root contains a file system with errors, check forced.\n"),
		"/proc/swaps", write("swaps", "Filename Type\n/dev/vda2 partition 1 0 -2\n"),
		"/etc/fstab", write("fstab", "# a comment\n\nLABEL=root / ext4 errors=remount-ro 0 1\nUUID=1 /data/ xfs defaults 0 2\n"+
			"UUID=2 /old ext4 defaults 0 2\nUUID=3 none swap sw 0 0\nUUID=4 none swap sw 0 0\n/dev/cdrom /media iso9660 noauto 0 0\n"+
			"UUID=5 /usb vfat user,noauto 0 0\n"))
	c := exec.CommandContext(t.Context(), "sh", "-c", files.Replace(asking))
	c.Env = []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH")}
	out, err := c.Output()
	require.NoError(t, err)
	var now booted
	require.NoError(t, now.read(string(out)), string(out))
	assert.Equal(t, booted{Init: "systemd", State: "degraded", Target: "multi-user.target", Reached: true,
		Failed: []failedUnit{{"old.mount", "exit-code"}}, FileSystems: []string{"/", "/data"},
		Kernel: []string{"[    0.20] Alternate GPT is invalid, using primary GPT.",
			"[    3.00] EXT4-fs error (device vda1): ext4_lookup:1785: inode #2: comm ls: deleted inode referenced: 12"},
		Fsck:   []string{"root contains a file system with errors, check forced."},
		Absent: []entry{{"UUID=2", "/old", "ext4", "defaults"}, {"UUID=4", "none", "swap", "sw"}}}, now)
}
