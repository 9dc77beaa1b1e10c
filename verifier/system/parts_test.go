package system

import (
	"crypto/sha256"
	"fmt"
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

const machineKeys = `{on: app, modules: true, units: true, mounts: true, logins: true}`

// recorded is what the scripts print on a Debian 12, cut down.
var recorded = map[string]string{
	"modules": `loaded	vendordev
loaded	virtio_net
foreign	vendordev
file	/lib/modules/6.1.0-42-amd64/updates/vendordev.ko	` + strings.Repeat("a", 64) + "\n",
	"units": `unit	shop-pos.service	active	simple	enabled	
unit	shop-report.timer	active		enabled	
unit	shop-report.service	inactive	oneshot	static	shop-report.timer
unit	user@0.service	active	notify	static	
unit	systemd-hostnamed.service	active	dbus	static	
unit	systemd-modules-load.service	active	oneshot+	static	
unit	apt-daily.service	activating	oneshot	static	apt-daily.timer
file	shop-pos.service	enabled
file	shop-report.timer	enabled
file	run-x.mount	transient
`,
	"mounts": `mount	/	ext4	/dev/vda1	rw,relatime,errors=remount-ro
mount	/data	nfs4	nas:/shop	rw,addr=10.0.2.3
mount	/proc	proc	proc	rw
mount	/run	tmpfs	tmpfs	rw,nosuid,size=101172k,mode=755,inode64
mount	/run/user/0	tmpfs	tmpfs	rw
`,
	"log-ins": `state	root	without a password
state	operator	unlocked
state	daemon	without a password
shell	root	/bin/bash
shell	operator	/bin/bash
shell	nobody	/usr/sbin/nologin
`,
}

// machine answers the scripts with what was recorded, changed.
func machine(change ...string) verifiertest.Fake {
	return verifiertest.Fake{OnExec: func(_ string, args []string) (verifier.Output, error) {
		for _, p := range []part{modules, units, mounts, logins} {
			if args[2] == p.script {
				return verifier.Output{Stdout: strings.NewReplacer(change...).Replace(recorded[p.name]) + end + "\n"}, nil
			}
		}
		return verifier.Output{Exit: 127, Stderr: "not found"}, nil
	}}
}

func TestStateOfAMachine(t *testing.T) {
	check := verifiertest.Make(t, New, "state-unchanged", machineKeys)
	look := func(change ...string) verifier.Facts {
		facts, err := check.Observe(t.Context(), machine(change...))
		require.NoError(t, err)
		return facts
	}
	before := look()
	assert.Equal(t, "recorded: 2 modules, 3 units, 3 mounts, 3 log-ins", check.Judge(nil, before).Message)
	for name, tc := range map[string]struct {
		change []string
		want   []string
	}{
		"nothing": {nil, nil},
		"a module of a third party is gone": {[]string{"loaded\tvendordev\n", "", "foreign\tvendordev\n", ""},
			[]string{"module vendordev (of a third party) is not loaded after the rollback: it was before the upgrade"}},
		"a module of the kernel more": {[]string{"loaded\tvirtio_net", "loaded\tvirtio_net\nloaded\tisofs"}, nil},
		"one of a third party more": {[]string{"foreign\tvendordev", "foreign\tvendordev\nforeign\trootkit"},
			[]string{"module rootkit (of a third party) is loaded after the rollback: it was not before the upgrade"}},
		"its file is another": {[]string{"aaaa", "bbbb"}, []string{"module file /lib/modules/6.1.0-42-amd64/updates/" +
			"vendordev.ko differs: sha256 aaaaaaaaaaaaaaaa… before the upgrade, sha256 bbbbbbbbbbbbbbbb… after the rollback"}},
		"a timer that was paused": {[]string{"shop-report.timer\tactive", "shop-report.timer\tinactive",
			"shop-report.timer\tenabled", "shop-report.timer\tdisabled"},
			[]string{"unit shop-report.timer: active before the upgrade, inactive after the rollback",
				"unit file shop-report.timer differs: enabled before the upgrade, disabled after the rollback"}},
		"a failed unit that stays": {[]string{"systemd-modules-load.service\tactive", "systemd-modules-load.service\tfailed"},
			[]string{"unit systemd-modules-load.service: active before the upgrade, failed after the rollback"}},
		"a failed job": {[]string{"apt-daily.service\tactivating", "apt-daily.service\tfailed"},
			[]string{"unit apt-daily.service: inactive before the upgrade, failed after the rollback"}},
		"jobs and log-ins that come and go": {[]string{"apt-daily.service\tactivating", "apt-daily.service\tinactive",
			"user@0.service\tactive", "user@0.service\tinactive", "hostnamed.service\tactive",
			"hostnamed.service\tinactive"}, nil},
		"a read-only root": {[]string{"rw,relatime,errors", "ro,relatime,errors"},
			[]string{"mount / differs: ext4 from /dev/vda1 (rw,relatime,errors=remount-ro) before the upgrade, " +
				"ext4 from /dev/vda1 (ro,relatime,errors=remount-ro) after the rollback"}},
		"a mount is missing": {[]string{"mount\t/data\tnfs4\tnas:/shop\trw,addr=10.0.2.3\n", ""},
			[]string{"mount /data is missing after the rollback: it was there before the upgrade"}},
		"figures of the machine": {[]string{"size=101172k", "size=90000k", "addr=10.0.2.3", "addr=10.0.2.4"}, nil},
		"a log-in left locked": {[]string{"operator\tunlocked", "operator\tlocked"},
			[]string{"log-in of operator differs: unlocked, bash before the upgrade, locked, bash after the rollback"}},
		"a shell taken away": {[]string{"operator\t/bin/bash", "operator\t/usr/sbin/nologin"},
			[]string{"log-in of operator differs: unlocked, bash before the upgrade, unlocked, nologin after the rollback"}},
		"everybody shut out": {[]string{"state\troot", "state\tall users\tshut out by /etc/nologin\nstate\troot"},
			[]string{"log-in of all users is new after the rollback: shut out by /etc/nologin"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := check.Judge(before, look(tc.change...))
			assert.Equal(t, tc.want, a.Diff)
			assert.Equal(t, tc.want == nil, a.Status == record.CheckPassed, a.Message)
		})
	}
}

func TestPartsThatAreNotWhole(t *testing.T) {
	for _, p := range []part{modules, units, mounts, logins} {
		var now snapshot
		require.NoError(t, p.parse(recorded[p.name]+end+"\n", &now), p.name)
		for name, bad := range map[string]string{"cut short": recorded[p.name], "nothing": "",
			"noise": "what\n" + end + "\n", "an empty line": "\n" + end + "\n", "a name too few": "\t\t\n" + end + "\n"} {
			assert.Error(t, p.parse(bad, &snapshot{}), "%s: %s", p.name, name)
		}
		check := verifiertest.Make(t, New, "state-unchanged", `{on: app, `+
			map[string]string{"modules": "modules", "units": "units", "mounts": "mounts", "log-ins": "logins"}[p.name]+`: true}`)
		for name, o := range map[string]verifier.Output{"no shell": {Exit: 127, Stderr: "sh: not found"},
			"refused": {Exit: 3, Stderr: "it has no systemd"}} {
			_, err := check.Observe(t.Context(), verifiertest.Fake{OnExec: func(string, []string) (verifier.Output, error) {
				return o, nil
			}})
			assert.ErrorContains(t, err, "list the "+p.name+" of app", name)
		}
		empty, err := check.Observe(t.Context(), verifiertest.Fake{OnExec: func(string, []string) (verifier.Output, error) {
			return verifier.Output{Stdout: end + "\n"}, nil
		}})
		require.NoError(t, err)
		assert.Equal(t, record.CheckCrashed, check.Judge(nil, empty).Status, "%s: an empty list proves nothing", p.name)
		assert.Equal(t, record.CheckCrashed, check.Judge(empty, empty).Status)
	}
}

// The script over a systemctl that prints what the real one does.
func TestUnitsScript(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "systemctl"), []byte(`#!/bin/sh
case $1 in
is-system-running) exit 1 ;;
show) cat <<'X'
Type=simple
RemainAfterExit=no
Id=shop-pos.service
TriggeredBy=
ActiveState=active
UnitFileState=enabled

Type=oneshot
RemainAfterExit=yes
Id=systemd-modules-load.service
ActiveState=active
UnitFileState=static

Id=shop-report.timer
ActiveState=active
UnitFileState=enabled
X
;;
list-unit-files) printf 'shop-pos.service     enabled  enabled\nshop-report.timer enabled enabled\n' ;;
esac
`), 0o700))
	c := exec.CommandContext(t.Context(), "sh", "-c", units.script)
	c.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	out, err := c.Output()
	require.NoError(t, err)
	var now snapshot
	require.NoError(t, units.parse(string(out), &now), string(out))
	assert.Equal(t, map[string]string{"shop-pos.service": "active", "systemd-modules-load.service": "active",
		"shop-report.timer": "active"}, now.Units)
	assert.Equal(t, map[string]string{"shop-pos.service": "enabled", "shop-report.timer": "enabled"}, now.UnitFiles)
}

// The digests of modules are all there, or it is said that they are not: two lists that lack the same are not the same.
func TestModuleFiles(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	loaded := filepath.Join(bin, "loaded")
	require.NoError(t, os.WriteFile(loaded, []byte("vendordev 16384 0 - Live 0x0\n"), 0o600))
	script := strings.NewReplacer("/lib/modules/$(uname -r)", dir, "/proc/modules", loaded).Replace(modules.script)
	look := func() (snapshot, error) {
		c := exec.CommandContext(t.Context(), "sh", "-c", script)
		c.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		out, err := c.Output()
		var now snapshot
		if err == nil {
			require.NoError(t, modules.parse(string(out), &now), string(out))
		}
		return now, err
	}
	now, err := look()
	require.NoError(t, err)
	assert.Empty(t, now.ModuleFiles)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "kernel"), 0o700))
	for _, name := range []string{"vendor dev.ko", "kernel/ext4.ko"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	now, err = look()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{filepath.Join(dir, "vendor dev.ko"): fmt.Sprintf("%x", sha256.Sum256(nil))}, now.ModuleFiles)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "sha256sum"), []byte("#!/bin/sh\nexit 1\n"), 0o700))
	_, err = look()
	assert.ErrorContains(t, err, "exit status 3")
}

// Mounts and log-ins of a real system; it has no systemd.
func TestPartsOfAContainer(t *testing.T) {
	t.Parallel()
	c := verifiertest.Boot(t, "lifeboat/postgres:15", map[string]string{"POSTGRES_PASSWORD": "x"})
	run := func(script string) {
		o, err := c.Exec(t.Context(), "db", []string{"sh", "-ec", script})
		require.NoError(t, err)
		require.Zero(t, o.Exit, o.Stderr)
	}
	check := verifiertest.Make(t, New, "state-unchanged", `{on: db, mounts: true, logins: true}`)
	look := func() verifier.Facts {
		facts, err := check.Observe(t.Context(), c)
		require.NoError(t, err)
		return facts
	}
	run(`useradd -m -s /bin/bash clerk; echo 'clerk:secret' | chpasswd`)
	before := look()
	assert.NotContains(t, string(before), "$y$", "no hash leaves the machine")
	assert.Equal(t, record.CheckPassed, check.Judge(before, look()).Status)
	run(`usermod --lock clerk; useradd late`)
	assert.Equal(t, []string{"log-in of clerk differs: unlocked, bash before the upgrade, locked, bash after the rollback",
		"log-in of late is new after the rollback: without a password, sh"},
		check.Judge(before, look()).Diff)
	run(`usermod --unlock clerk; userdel late`)
	assert.Equal(t, record.CheckPassed, check.Judge(before, look()).Status)
	_, err := verifiertest.Make(t, New, "state-unchanged", `{on: db, units: true}`).Observe(t.Context(), c)
	assert.ErrorContains(t, err, "it has no systemd")
}
