package qemu

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func TestReadInside(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		said          []string
		class, words  string
		settled, sshd bool
	}{
		"good":     {said: []string{"state\trunning", "sshd-up\tssh.service"}, settled: true, sshd: true},
		"starting": {said: []string{"state\tstarting"}},
		"full": {said: []string{"full\t/ has 0 KiB of 9 KiB left"}, class: classFull,
			words: "disk full: / has 0 KiB of 9 KiB left"},
		"read-only": {said: []string{"read-only\t/dev/vda2"}, class: classReadOnly,
			words: "read-only root: the kernel no longer writes to /dev/vda2"},
		"unit": {said: []string{"state\tdegraded", "unit\tshop.service: exit-code 2", "unit\tb.service: signal",
			"said\tno device"},
			class: classUnit, words: "unit failed: shop.service: exit-code 2: no device; b.service: signal", settled: true},
		"sshd": {said: []string{"state\tdegraded", "unit\tssh.service: exit-code 255", "said\tgone", "sshd-down\tssh.service",
			"sshd-wrong\tline 9: Bad configuration option"}, class: classLockedOut,
			words: "ssh locked out: ssh.service does not run; line 9: Bad configuration option", settled: true},
		"locked": {said: []string{"locked\t/etc/nologin keeps everybody but root out"}, class: classLockedOut,
			words: "ssh locked out: /etc/nologin keeps everybody but root out"},
		"module": {said: []string{"state\trunning", "module\tvendordev, which is to be loaded at the start of 6.12"},
			class: classNoModule, words: "module missing: vendordev, which is to be loaded at the start of 6.12", settled: true},
		"maintenance": {said: []string{"state\tmaintenance"}, class: classEmergency,
			words: "emergency mode: systemd is in maintenance"},
	}
	for name, c := range cases {
		v := readInside(strings.Join(c.said, "\n")+"\n", controlAgent)
		assert.Equal(t, c.settled, v.settled, name)
		assert.Equal(t, c.sshd, v.sshd, name)
		if c.class == "" {
			assert.Empty(t, v.findings, name)
			continue
		}
		if assert.Len(t, v.findings, 1, name) {
			assert.Equal(t, finding{class: c.class, words: c.words, source: controlAgent}, v.findings[0], name)
		}
	}
}

// The script against programs that say what real ones say. rpm's words are those of rpm 4.18 for a package whose
// library was replaced by a newer one.
func TestInsideScript(t *testing.T) {
	t.Parallel()
	const systemd = `case "$*" in *is-system-running) echo degraded ;;
*list-units*) echo 'shop.service loaded failed failed Shop' ;;
*ExecMainStatus*) printf 'Result=exit-code\nExecMainStatus=2\nNRestarts=5\nId=shop.service\n' ;;
*) printf 'Id=ssh.service\nActiveState=%s\nUnitFileState=enabled\n\nId=ssh.socket\nActiveState=inactive\n' STATE
  echo UnitFileState=disabled ;;
esac`
	cases := map[string]struct {
		programs map[string]string
		want     []string
	}{
		"nothing is known": {},
		"rpm": {map[string]string{"rpm": `echo 'Unsatisfied dependencies for shop-app-1.0-1.noarch:'
printf '\tshop-lib = 1.0 is needed by (installed) shop-app-1.0-1.noarch\n'; exit 1`},
			[]string{"package\tshop-lib = 1.0 is needed by (installed) shop-app-1.0-1.noarch"}},
		"a half configured package": {map[string]string{"dpkg-query": `printf 'ii |libc6|2.36\nrc |old|1\niF |shop|1.0\n'`,
			"dpkg": "exit 0"}, []string{"package\tshop 1.0 is half configured"}},
		"a full disk": {map[string]string{"df": `printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\n'
case $2 in -k) printf '/dev/vda2 2988392 2988392 0 100%% /\n/dev/vdb 100 1 99 1%% /srv\n' ;; *) ;; esac`},
			[]string{"full\t/ has 0 KiB of 2988392 KiB left"}},
		"a failed unit": {map[string]string{"systemctl": strings.ReplaceAll(systemd, "STATE", "active"),
			"journalctl": "echo no device"},
			[]string{"state\tdegraded", "unit\tshop.service: exit-code 2, restarted 5 times", "said\tno device",
				"sshd-up\tssh.service"}},
		"addresses": {map[string]string{"ip": `case "$*" in
*address*) echo '2: ens3    inet 192.168.10.20/24 brd 192.168.10.255 scope global ens3\       valid_lft forever'
  echo '4: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0' ;;
*route*) echo 'default via 192.168.10.1 dev ens3 proto static' ;; esac`},
			[]string{"address\t192.168.10.20/24 on ens3", "router\t192.168.10.1"}},
		"no sshd": {map[string]string{"systemctl": strings.ReplaceAll(systemd, "STATE", "failed")},
			[]string{"state\tdegraded", "unit\tshop.service: exit-code 2, restarted 5 times", "sshd-down\tssh.service"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, tool := range []string{"awk", "tr", "grep", "timeout"} {
				real, err := exec.LookPath(tool)
				require.NoError(t, err)
				require.NoError(t, os.Symlink(real, filepath.Join(dir, tool)))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "ip"), []byte("#!/bin/sh\n"), 0o755)) // not this host's
			for program, script := range c.programs {
				require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
			}
			cmd := exec.Command("/bin/sh", "-c", insideScript)
			cmd.Env = []string{"PATH=" + dir}
			out, err := cmd.Output()
			require.NoError(t, err)
			var got []string
			for l := range strings.Lines(string(out)) {
				switch key, _, _ := strings.Cut(l, "\t"); key {
				case "read-only", "sshd-wrong", "locked", "card":
					continue // of this host
				}
				got = append(got, strings.TrimSpace(l))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestInsideSilent(t *testing.T) {
	t.Parallel()
	given := netip.MustParseAddr("10.0.2.15")
	for name, c := range map[string]struct{ said, words, lack string }{
		"as it was given":        {"state\trunning\ncard\tens3\naddress\t10.0.2.15/24 on ens3", "", ""},
		"another one beside":     {"state\trunning\ncard\tens3\naddress\t10.9.9.9/24 on ens3\naddress\t10.0.2.15/24 on ens3", "", ""},
		"it has not come up yet": {"state\tstarting\ncard\tens3\naddress\t10.9.9.9/24 on ens3", "", ""},
		"it cannot say":          {"state\trunning\n", "", ""},
		"static": {"state\tdegraded\ncard\tens3\naddress\t192.168.10.20/24 on ens3\nrouter\t192.168.10.1", "network silent: the guest " +
			"is up, it has the address 192.168.10.20/24 on ens3 and the router 192.168.10.1; it is reached at 10.0.2.15",
			record.LackAddress},
		"none": {"state\trunning\ncard\tenp0s2\n", "network silent: the guest is up, its network card enp0s2 has no address; " +
			"it is reached at 10.0.2.15", record.LackCard},
	} {
		f, silent := readInside(c.said+"\n", controlAgent).silent(given)
		assert.Equal(t, c.words != "", silent, name)
		assert.Equal(t, c.words, f.words, name)
		assert.Equal(t, c.lack, f.lack, name)
	}
}
