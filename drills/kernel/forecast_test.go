package kernel

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// Facts of a Debian 12 with a module of a vendor, as forecast.sh prints them.
const (
	magicA  = "6.1.0-42-amd64 SMP preempt mod_unload modversions "
	magicB  = "6.12.63+deb12-amd64 SMP preempt mod_unload modversions "
	layoutA = "0x3b1ee1bc"
	layoutB = "0x1d2b0d41"
	running = "running\t6.1.0-42-amd64\n"
	target  = "target\t6.12.63+deb12-amd64\t/tmp/x/own/aegis.ko.xz\t\t" + magicB + "\t" + layoutB + "\n"
	vendor  = "module\tvendordev\t/lib/modules/6.1.0-42-amd64/updates/vendordev.ko\tloaded\t" + magicA + "\t" +
		layoutA + "\n"
)

func TestForecast(t *testing.T) {
	const next, now = "6.12.63+deb12-amd64", "6.1.0-42-amd64"
	const unfit = " does not fit (module_layout 0x3b1ee1bc against 0x1d2b0d41)"
	const none = "no build for " + next + ", and the one for " + now
	const builtA, builtB = "6.1.0-42-amd64 SMP preempt mod_unload modversions",
		"6.12.63+deb12-amd64 SMP preempt mod_unload modversions"
	const fits = "its build for " + next + " fits"
	nowhere := []string{"/lib/modules/6.1.0-42-amd64/updates/vendordev.ko", "", magicA, "", layoutA, ""}
	build := func(magic, layout string) string {
		return "build\tvendordev\t/lib/modules/" + next + "/updates/vendordev.ko\t\t" + magic + "\t" + layout + "\n"
	}
	as := func(change ...string) string { return strings.NewReplacer(change...).Replace(vendor) }
	for name, tc := range map[string]struct {
		facts string
		state State
		words string
	}{
		"no build":            {target + vendor, Conflict, none + unfit},
		"a build that fits":   {target + vendor + build(magicB, layoutB), Loads, fits},
		"a build of the past": {target + vendor + build(magicA, layoutA), Conflict, "its build for " + next + unfit},
		"one of two builds":   {target + vendor + build(magicA, layoutA) + build(magicB, layoutB), Loads, fits},
		"another one's build": {target + vendor + strings.Replace(build(magicB, layoutB), "\tvendordev\t", "\tother\t", 1),
			Conflict, none + unfit},
		"same checksum": {target + as(layoutA, layoutB), Conflict,
			"no build for " + next + "; the one for " + now + " would fit, but it is not looked for there"},
		"other flags": {target + as(layoutA, layoutB, "preempt ", ""), Conflict,
			none + ` does not fit (vermagic "6.1.0-42-amd64 SMP mod_unload modversions" against "` + builtB + `")`},
		"without checksums": {target + as(layoutA, ""), Conflict,
			none + ` does not fit (vermagic "` + builtA + `" against "` + builtB + `")`},
		"a file of nobody": {target + as(nowhere...), Conflict,
			"no build for " + next + "; where the loaded one came from is not known"},
		"DKMS with headers": {target + vendor + "headers\ndkms\tvendordev\n", Unknown,
			"no build for " + next + " yet: DKMS will compile it, if it compiles"},
		"DKMS without headers": {target + vendor + "dkms\tvendordev\n", Conflict,
			"no build for " + next + ", and DKMS cannot make one: its headers are missing"},
		"DKMS of another":       {target + vendor + "headers\ndkms\tnvidia\n", Conflict, none + unfit},
		"loaded from elsewhere": {target + as(nowhere...) + as("loaded", "installed"), Conflict, none + unfit},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parseFacts(running + tc.facts + "end\n")
			require.NoError(t, err)
			got := f.forecast()
			require.Len(t, got.Modules, 1)
			assert.Equal(t, tc.state, got.Modules[0].State)
			assert.Equal(t, tc.words, got.Modules[0].Words)
			assert.Equal(t, tc.state == Conflict, len(got.Conflicts()) == 1)
		})
	}
}

func TestForecastInWords(t *testing.T) {
	asked := strings.Replace(vendor, "loaded", "asked", 1)
	free := strings.NewReplacer("vendordev", "other", "loaded", "installed").Replace(vendor)
	fits := strings.NewReplacer("module\tvendordev", "build\tother", "loaded", "", magicA, magicB, layoutA,
		layoutB).Replace(vendor)
	run := func(context.Context, ...string) (instance.Result, error) {
		return instance.Result{Stdout: running + target + free + vendor + asked +
			strings.Replace(free, "module\t", "build\t", 1) + fits + "end\n"}, nil
	}
	f, err := Ask(t.Context(), run, Next{Packages: "/run/kernel-b"})
	require.NoError(t, err)
	assert.Equal(t, `6.1.0-42-amd64 → 6.12.63+deb12-amd64
vendordev (loaded, asked): no build for 6.12.63+deb12-amd64, and the one for 6.1.0-42-amd64 does not fit `+
		`(module_layout 0x3b1ee1bc against 0x1d2b0d41)
other (installed): its build for 6.12.63+deb12-amd64 fits`, f.String())

	none, err := parseFacts(running + target + "end\n")
	require.NoError(t, err)
	assert.Equal(t, "6.1.0-42-amd64 → 6.12.63+deb12-amd64: no module of a third party is loaded, asked for or "+
		"installed", none.forecast().String())
}

func TestAskAnswersOfTheMachine(t *testing.T) {
	for name, tc := range map[string]struct {
		r     instance.Result
		err   error
		unfit bool
		want  string
	}{
		"no tool": {instance.Result{Exit: 44, Stderr: "modinfo is missing\n"}, nil, true, "modinfo is missing"},
		"no kernel": {instance.Result{Exit: 46, Stderr: "there is no package at /run/x\n"}, nil, true,
			"there is no package at /run/x"},
		"cut short": {instance.Result{Stdout: running + target}, nil, false, "it is cut short"},
		"no target": {instance.Result{Stdout: running + "end\n"}, nil, false, "it says not which kernel runs"},
		"no vermagic": {instance.Result{Stdout: running + "target\t6.12\t/x\t\t\t\nend\n"}, nil, false,
			"it says not which kernel runs"},
		"noise":         {instance.Result{Stdout: running + target + "module vendordev\nend\n"}, nil, false, "is not a fact"},
		"agent is gone": {instance.Result{}, errors.New("the agent is gone"), false, "the agent is gone"},
	} {
		_, err := Ask(t.Context(), func(context.Context, ...string) (instance.Result, error) { return tc.r, tc.err },
			Next{Release: "6.12"})
		require.ErrorContains(t, err, tc.want, name)
		assert.Equal(t, tc.unfit, errors.As(err, new(*UnfitError)), name)
	}
}

func FuzzFacts(f *testing.F) {
	f.Add(running + target + vendor + "end\n")
	f.Fuzz(func(t *testing.T, text string) {
		if facts, err := parseFacts(text); err == nil && facts.forecast().Next == "" {
			t.Fatal("a forecast for no kernel")
		}
	})
}
