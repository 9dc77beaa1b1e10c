package kernel

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

const root = "4c1f9a52-8b0e-4f4b-9a5f-1f3c8f2c7d10"

func menuOf(t *testing.T, name string) string {
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(b)
}

func TestMenuOfDebian(t *testing.T) {
	menu := parseMenu(menuOf(t, "debian12.cfg"))
	assert.Equal(t, []string{"6.12.9+bpo-amd64", "6.1.0-56-amd64", "6.1.0-5-amd64"}, releases(menu))
	assert.Len(t, menu, 7, "one at the top, two of each kernel; the firmware's own starts none")
	for release, want := range map[string]string{
		"6.1.0-5-amd64":    "gnulinux-advanced-" + root + ">gnulinux-6.1.0-5-amd64-advanced-" + root,
		"6.1.0-56-amd64":   "gnulinux-advanced-" + root + ">gnulinux-6.1.0-56-amd64-advanced-" + root,
		"6.12.9+bpo-amd64": "gnulinux-advanced-" + root + ">gnulinux-6.12.9+bpo-amd64-advanced-" + root,
		"6.1.0-5":          "", "6.1": "", "6.1.0-amd64": "", "6": "", "": "", "amd64": "", "6.1.0-5-amd6": "",
	} {
		e, ok := find(menu, release)
		assert.Equal(t, want != "", ok, release)
		assert.Equal(t, want, e.path(), release)
		assert.False(t, e.recovery)
	}
}

func TestMenusOfOthers(t *testing.T) {
	for name, tc := range map[string]struct{ text, release, want string }{
		"no ids, a title with a quote and a bracket": {`
submenu "Older 'kernels' > all" {
  menuentry "My \"own\" Linux" { # comment
    linux16 "/vmlinuz-5.14.0-1.el9.x86_64" ro
  }
}`, "5.14.0-1.el9.x86_64", `Older 'kernels' >> all>My "own" Linux`},
		"only at the top":   {"menuentry 'A' --id=a {\nlinuxefi /boot/vmlinux-6.1 ro\n}\n", "6.1", "a"},
		"only the recovery": {"menuentry 'A' {\nlinux /boot/vmlinuz-6.1 ro single\n}\n", "6.1", ""},
		"another entry's kernel in a comment": {"menuentry 'A' {\n# linux /boot/vmlinuz-6.1 ro\nlinux /boot/vmlinuz-6.2\n}\n",
			"6.1", ""},
		"never closed":          {"menuentry 'A' {\nlinux /boot/vmlinuz-6.1 ro\n", "6.1", ""},
		"closed too often":      {"}\n}\nmenuentry 'A' {\nlinux /boot/vmlinuz-6.1 ro\n}\n", "6.1", "A"},
		"no file":               {"menuentry 'A' {\nlinux\n}\n", "6.1", ""},
		"a word without a name": {"menuentry\nsubmenu {\nlinux /boot/vmlinuz-6.1\n}\n", "6.1", ""},
	} {
		e, ok := find(parseMenu(tc.text), tc.release)
		assert.Equal(t, tc.want != "", ok, name)
		assert.Equal(t, tc.want, e.path(), name)
	}
}

// guest answers the scripts of this package.
type guest struct {
	menu    string // of GRUB; "": none
	tool    string // grub or grub2; "": none
	missing bool   // the kernel's file
	deaf    bool   // the environment block cannot be written
	grubby  string // the default kernel afterwards; "": no grubby
	set     []string
}

func (g *guest) run(_ context.Context, args ...string) (instance.Result, error) {
	switch args[2] {
	case readMenu:
		if g.menu == "" {
			return instance.Result{Exit: 44}, nil
		}
		return instance.Result{Stdout: "/boot/grub/grub.cfg\n" + g.menu}, nil
	case setDefault:
		g.set = args[4:]
		switch {
		case g.missing:
			return instance.Result{Exit: 45, Stderr: "/boot/" + args[5] + " is missing\n"}, nil
		case g.tool == "":
			return instance.Result{Exit: 44}, nil
		case g.deaf:
			return instance.Result{Stdout: "saved_entry=0\n"}, nil
		}
		key := map[string]string{"set-default": "saved_entry", "reboot": "next_entry"}[args[6]]
		return instance.Result{Stdout: "timeout=5\n" + key + "=" + args[4] + "\n"}, nil
	case setGrubby:
		if g.grubby == "" {
			return instance.Result{Exit: 44}, nil
		}
		return instance.Result{Stdout: g.grubby + "\n"}, nil
	}
	return instance.Result{}, errors.New("an unknown script")
}

func TestChoose(t *testing.T) {
	saved, fixed := menuOf(t, "debian12-saved.cfg"), menuOf(t, "debian12.cfg")
	const release = "6.1.0-5-amd64"
	entry := "gnulinux-advanced-" + root + ">gnulinux-" + release + "-advanced-" + root
	for name, tc := range map[string]struct {
		guest   guest
		release string
		want    string
		unfit   string
	}{
		"saved": {guest{menu: saved, tool: "grub"}, release, release + ": " + entry, ""},
		"the next boot": {guest{menu: fixed, tool: "grub"}, release,
			release + ": " + entry + ", for the next boot alone", ""},
		"grubby": {guest{grubby: "/boot/vmlinuz-" + release}, release, release + ": /boot/vmlinuz-" + release, ""},
		"no such kernel": {guest{menu: saved, tool: "grub"}, "6.1.0-5", "",
			"has no entry for kernel 6.1.0-5; it has 6.12.9+bpo-amd64,"},
		"file missing": {guest{menu: saved, tool: "grub", missing: true}, release, "", "is missing"},
		"no tool":      {guest{menu: saved}, release, "", "neither grub-set-default nor grub2-set-default"},
		"not written":  {guest{menu: saved, tool: "grub", deaf: true}, release, "", "GRUB will not read it"},
		"a fixed default": {guest{menu: "menuentry 'A' {\nlinux /vmlinuz-6.1\n}\n", tool: "grub"}, "6.1", "",
			"its default is fixed"},
		"nothing at all": {guest{}, release, "", "no boot loader that can be told"},
		"grubby refuses": {guest{grubby: "/boot/vmlinuz-6.12"}, release, "", "choose kernel " + release + " with grubby"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Choose(t.Context(), tc.guest.run, tc.release)
			var unfit *UnfitError
			if tc.unfit != "" {
				require.ErrorAs(t, err, &unfit)
				assert.Contains(t, unfit.Reason, tc.unfit)
				return
			}
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(got, tc.want), got)
		})
	}
	_, err := Choose(t.Context(), func(context.Context, ...string) (instance.Result, error) {
		return instance.Result{}, errors.New("the agent is gone")
	}, release)
	assert.ErrorContains(t, err, "read the boot menu: the agent is gone")
}

func TestRelease(t *testing.T) {
	answer := func(r instance.Result) Exec {
		return func(context.Context, ...string) (instance.Result, error) { return r, nil }
	}
	got, err := Release(t.Context(), answer(instance.Result{Stdout: "6.1.0-18-amd64\n"}))
	require.NoError(t, err)
	assert.Equal(t, "6.1.0-18-amd64", got)
	for _, bad := range []instance.Result{{}, {Exit: 127, Stderr: "not found"}, {Stdout: "two words\n"}} {
		_, err = Release(t.Context(), answer(bad))
		assert.ErrorAs(t, err, new(*UnfitError))
	}
}

func FuzzMenu(f *testing.F) {
	f.Add("menuentry 'A' --id a {\nlinux /boot/vmlinuz-6.1 ro\n}\n", "6.1")
	f.Fuzz(func(t *testing.T, text, release string) {
		if e, ok := find(parseMenu(text), release); ok && (len(e.ids) == 0 || !strings.HasSuffix(e.image, release)) {
			t.Fatalf("%q: %+v", release, e)
		}
	})
}
