package kernel

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// Stand-ins for what reads a module: here one holds its own facts, as KEY=VALUE lines.
const (
	fakeModinfo = `#!/bin/sh
case $1 in
-n) f=$(find "$TESTROOT/lib/modules/6.1.0-42-amd64" -name "$2.ko*" | head -n 1); [ -n "$f" ] || exit 1; echo "$f" ;;
-F) f=$3; [ -e "$f" ] || f=$(find "$TESTROOT/lib/modules/6.1.0-42-amd64" -name "$3.ko*" | head -n 1)
    sed -n "s/^$2=//p" "$f" ;;
esac
`
	fakeModprobe = `#!/bin/sh
[ "$1" = --dump-modversions ] || exit 1
echo "0x00000001	printk"
sed -n 's/^layout=\(.*\)/\1	module_layout/p' "$2"
echo "0x00000002	kfree"
`
)

// machine is a folder that looks like the root of one.
type machine struct {
	t    *testing.T
	root string
	bin  string
}

func newMachine(t *testing.T) machine {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("dpkg-deb is missing: apt-get install dpkg")
	}
	m := machine{t, t.TempDir(), t.TempDir()}
	for name, text := range map[string]string{"modinfo": fakeModinfo, "modprobe": fakeModprobe,
		"uname": "#!/bin/sh\necho 6.1.0-42-amd64\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(m.bin, name), []byte(text), 0o700))
	}
	m.module("/lib/modules/6.1.0-42-amd64/kernel/fs/ext4/ext4.ko", magicA, layoutA, "intree=Y\n")
	m.module("/lib/modules/6.1.0-42-amd64/updates/vendor-dev.ko", magicA, layoutA, "")
	m.write("/sys/module/vendor_dev/taint", "OE\n")
	m.write("/sys/module/ext4/taint", "\n")
	m.write("/etc/modules", "# nothing\n\next4\n")
	m.write("/etc/modules-load.d/vendor.conf", "vendor-dev # the card reader\n; none\nnowhere\n")
	return m
}

func (m machine) write(name, text string) {
	at := filepath.Join(m.root, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(at), 0o700))
	require.NoError(m.t, os.WriteFile(at, []byte(text), 0o600))
}

func (m machine) module(name, magic, layout, more string) {
	m.write(name, "vermagic="+magic+"\nlayout="+layout+"\n"+more)
}

// deb builds a package of what was written below a folder of the root.
func (m machine) deb(name, from, to string) {
	m.write(filepath.Join(from, "DEBIAN/control"),
		"Package: "+name+"\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@example.com>\nDescription: x\n")
	require.NoError(m.t, os.Chmod(filepath.Join(m.root, from, "DEBIAN"), 0o755))
	require.NoError(m.t, os.MkdirAll(filepath.Join(m.root, to), 0o700))
	out, err := exec.Command("dpkg-deb", "--build", filepath.Join(m.root, from),
		filepath.Join(m.root, to, name+".deb")).CombinedOutput()
	require.NoError(m.t, err, string(out))
}

func (m machine) run(ctx context.Context, args ...string) (instance.Result, error) {
	c := exec.CommandContext(ctx, args[0], append(args[1:len(args)-1:len(args)-1], m.root)...)
	c.Env = []string{"PATH=" + m.bin + ":" + os.Getenv("PATH"), "TESTROOT=" + m.root, "TMPDIR=" + m.t.TempDir()}
	var out, complaint strings.Builder
	c.Stdout, c.Stderr = &out, &complaint
	err := c.Run()
	r := instance.Result{Exit: c.ProcessState.ExitCode(), Stdout: out.String(), Stderr: complaint.String()}
	if r.Exit > 0 {
		err = nil
	}
	return r, err
}

func TestScriptOnPackages(t *testing.T) {
	m := newMachine(t)
	m.module("/b/image/lib/modules/6.12.63+deb12-amd64/kernel/arch/x86/aegis.ko.xz", magicB, layoutB, "intree=Y\n")
	m.module("/b/image/lib/modules/6.12.63+deb12-amd64/kernel/fs/ext4.ko.xz", magicB, layoutB, "intree=Y\n")
	m.deb("linux-image-6.12.63+deb12-amd64", "/b/image", "/run/kernel-b")
	f, err := Ask(t.Context(), m.run, Next{Packages: "/run/kernel-b"})
	require.NoError(t, err)
	const next = "6.12.63+deb12-amd64"
	assert.Equal(t, Forecast{Running: "6.1.0-42-amd64", Next: next, Modules: []Outlook{{
		Module: "vendor_dev", Why: []string{"loaded", "asked", "installed"}, State: Conflict,
		Words: "no build for " + next + ", and the one for 6.1.0-42-amd64 does not fit " +
			"(module_layout 0x3b1ee1bc against 0x1d2b0d41)",
	}}}, f)

	one, err := Ask(t.Context(), m.run, Next{Packages: "/run/kernel-b/linux-image-" + next + ".deb"})
	require.NoError(t, err)
	assert.Equal(t, f, one, "a single package")

	m.module("/b/vendor/lib/modules/"+next+"/updates/vendor-dev.ko", magicB, layoutB, "")
	m.deb("vendor-modules", "/b/vendor", "/run/kernel-b")
	f, err = Ask(t.Context(), m.run, Next{Packages: "/run/kernel-b"})
	require.NoError(t, err)
	require.Len(t, f.Modules, 1)
	assert.Equal(t, Loads, f.Modules[0].State, "a package brings a build of it")

	m.module("/b/again/usr/lib/modules/6.13/kernel/a.ko", magicB, layoutB, "")
	m.deb("linux-modules-6.13", "/b/again", "/run/kernel-b")
	_, err = Ask(t.Context(), m.run, Next{Packages: "/run/kernel-b"})
	assert.ErrorContains(t, err, "/run/kernel-b holds two kernels")
	f, err = Ask(t.Context(), m.run, Next{Packages: "/run/kernel-b/linux-modules-6.13.deb"})
	require.NoError(t, err)
	assert.Equal(t, "6.13", f.Next, "modules below /usr")

	_, err = Ask(t.Context(), m.run, Next{Packages: "/run/none"})
	assert.ErrorContains(t, err, "there is no package at /run/none")
	_, err = Ask(t.Context(), m.run, Next{Packages: "/run/kernel-b/vendor-modules.deb"})
	assert.ErrorContains(t, err, "holds the modules of a kernel")
}

func TestScriptOnARelease(t *testing.T) {
	m := newMachine(t)
	_, err := Ask(t.Context(), m.run, Next{Release: "6.12.63+deb12-amd64"})
	assert.ErrorContains(t, err, "there is no kernel 6.12.63+deb12-amd64")

	m.module("/lib/modules/6.12.63+deb12-amd64/kernel/fs/ext4.ko.xz", magicB, layoutB, "intree=Y\n")
	state := func() State {
		f, err := Ask(t.Context(), m.run, Next{Release: "6.12.63+deb12-amd64"})
		require.NoError(t, err)
		require.Len(t, f.Modules, 1)
		return f.Modules[0].State
	}
	assert.Equal(t, Conflict, state())
	m.module("/var/lib/dkms/vendor/1.0/6.1.0-42-amd64/x86_64/module/vendor-dev.ko", magicA, layoutA, "")
	assert.Equal(t, Conflict, state(), "DKMS without headers")
	m.write("/lib/modules/6.12.63+deb12-amd64/build/Makefile", "")
	assert.Equal(t, Unknown, state(), "DKMS with headers")
	m.module("/lib/modules/6.12.63+deb12-amd64/kernel/drivers/vendor_dev.ko.xz", magicB, layoutB, "intree=Y\n")
	assert.Equal(t, Loads, state(), "it has become part of the kernel's own tree, under a name spelt otherwise")

	require.NoError(t, os.Remove(filepath.Join(m.root, "sys/module/vendor_dev/taint")))
	require.NoError(t, os.Remove(filepath.Join(m.root, "lib/modules/6.1.0-42-amd64/updates/vendor-dev.ko")))
	f, err := Ask(t.Context(), m.run, Next{Release: "6.12.63+deb12-amd64"})
	require.NoError(t, err)
	assert.Empty(t, f.Modules, "what is asked for and does not exist has nothing to lose")
	require.NoError(t, os.Remove(filepath.Join(m.bin, "modinfo")))
	if _, err := exec.LookPath("modinfo"); err != nil {
		_, err = Ask(t.Context(), m.run, Next{Release: "6.12.63+deb12-amd64"})
		assert.ErrorContains(t, err, "modinfo is missing")
	}
}
