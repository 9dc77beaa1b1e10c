package fault

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// virtual is a machine with a hypervisor, which does what it is told unless it is stubborn.
type virtual struct {
	scripted
	stubborn bool
	lacks    error // what Impairable says
	console  string
	files    map[string]string
	made     []instance.Impairment
	reboots  int
}

func (m *virtual) Impairable(context.Context, instance.Impairment) error { return m.lacks }

func (m *virtual) Impair(_ context.Context, i instance.Impairment) error {
	if !m.stubborn {
		m.made = append(m.made, i)
	}
	return nil
}

func (m *virtual) Impaired(_ context.Context, i instance.Impairment) error {
	for _, made := range m.made {
		if made == i {
			return nil
		}
	}
	return errors.New("the hypervisor knows nothing of it")
}

func (m *virtual) UndoImpairment(i instance.Impairment) ledger.Undo {
	return instance.Encode("mend", i)
}
func (m *virtual) Console(context.Context) (string, error)         { return m.console, nil }
func (m *virtual) Reboot(context.Context) error                    { m.reboots++; return nil }
func (m *virtual) Get(_ context.Context, p string) ([]byte, error) { return []byte(m.files[p]), nil }

func TestFaultsFromBelow(t *testing.T) {
	for kind, want := range map[string]instance.Impairment{
		"disk-slow":      {BytesPerSecond: 2_000_000},
		"disk-latency":   {Latency: 80 * time.Millisecond},
		"disk-error":     {IOError: instance.DiskAll},
		"link-down":      {LinkDown: true},
		"memory-balloon": {Balloon: 256 << 20},
		"machine-paused": {Pause: true},
		"clock-skewed":   {ClockSkew: time.Hour},
	} {
		t.Run(kind, func(t *testing.T) {
			f, problems := build(t, kind, keys[kind])
			require.Empty(t, problems)
			guest := scripted{running: true, exec: func(instance.Command) (instance.Result, error) {
				return instance.Result{Stdout: "1\n0\n"}, nil // the carriers of two cards
			}}
			m := &virtual{scripted: guest, files: map[string]string{"/proc/meminfo": "MemTotal:  200000 kB\n"}}
			target := Target{Machine: m}
			require.NoError(t, f.Available(t.Context(), target))
			undo, err := f.Prepare(t.Context(), target)
			require.NoError(t, err)
			assert.Equal(t, m.UndoImpairment(want), undo)
			assert.Empty(t, m.made, "preparing changes nothing")
			require.Error(t, f.Effective(t.Context(), target))
			require.NoError(t, f.Inject(t.Context(), target))
			assert.Equal(t, []instance.Impairment{want}, m.made)
			require.NoError(t, f.Effective(t.Context(), target))

			m.lacks = errors.New("the guest has no driver")
			require.EqualError(t, f.Available(t.Context(), target), "the guest has no driver")
			deaf := &virtual{scripted: guest, stubborn: true}
			require.NoError(t, f.Inject(t.Context(), Target{Machine: deaf}))
			require.EqualError(t, f.Effective(t.Context(), Target{Machine: deaf}), "the hypervisor knows nothing of it")

			container := Target{Machine: guest}
			const no = "db is not a virtual machine; name one under the key on"
			require.EqualError(t, f.Available(t.Context(), container), no)
			_, err = f.Prepare(t.Context(), container)
			require.EqualError(t, err, no)
			require.EqualError(t, f.Inject(t.Context(), container), no)
			require.EqualError(t, f.Effective(t.Context(), container), no)
		})
	}
}

func TestGuestDeniesWhatTheHypervisorSays(t *testing.T) {
	says := func(out string, err error) scripted {
		return scripted{exec: func(instance.Command) (instance.Result, error) { return instance.Result{Stdout: out}, err }}
	}
	for name, c := range map[string]struct {
		kind string
		m    *virtual
		want string
	}{
		"link up": {"link-down", &virtual{scripted: says("1\n1\n", nil)},
			"no network card of db says that its link is down"},
		"nobody to ask": {"link-down", &virtual{scripted: says("", errors.New("no channel"))}, ""},
		"all memory": {"memory-balloon",
			&virtual{files: map[string]string{"/proc/meminfo": "MemFree: 1 kB\nMemTotal: 1048576 kB\n"}},
			"db still has 1024 MiB of memory"},
		"no Linux": {"memory-balloon", &virtual{files: map[string]string{}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, problems := build(t, c.kind, keys[c.kind])
			require.Empty(t, problems)
			require.NoError(t, f.Inject(t.Context(), Target{Machine: c.m}))
			err := f.Effective(t.Context(), Target{Machine: c.m})
			if c.want == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, c.want)
			}
		})
	}
}

func TestClockBehind(t *testing.T) {
	f, problems := build(t, "clock-skewed", "{by: 90s, direction: behind}")
	require.Empty(t, problems)
	m := &virtual{}
	require.NoError(t, f.Inject(t.Context(), Target{Machine: m}))
	assert.Equal(t, []instance.Impairment{{ClockSkew: -90 * time.Second}}, m.made)
}

func TestKernelPanic(t *testing.T) {
	f, problems := build(t, "kernel-panic", "")
	require.Empty(t, problems)
	var ran []string
	m := &virtual{console: "an old one: Kernel panic - not syncing\n", scripted: scripted{running: true,
		exec: func(c instance.Command) (instance.Result, error) {
			ran = append(ran, c.Args[2])
			return instance.Result{}, nil
		}}}
	target := Target{Machine: m}
	require.NoError(t, f.Available(t.Context(), target))
	undo, err := f.Prepare(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, m.UndoImpairment(instance.Impairment{NMI: true}), undo)
	ran = nil
	require.NoError(t, f.Inject(t.Context(), target))
	assert.Equal(t, []string{`echo 1 > "$1"`}, ran)
	assert.Equal(t, []instance.Impairment{{NMI: true}}, m.made)
	require.ErrorIs(t, f.Effective(t.Context(), target), errNoPanic, "an old panic is none")
	m.console += "Kernel panic - not syncing: NMI: Not continuing\n"
	require.NoError(t, f.Effective(t.Context(), target))

	ran = nil
	container := Target{Machine: m.scripted}
	require.ErrorContains(t, f.Available(t.Context(), container), "is not a virtual machine")
	require.ErrorContains(t, f.Inject(t.Context(), container), "is not a virtual machine")
	assert.Empty(t, ran, "the kernel of a container is its host's")
	m.scripted.exec = func(instance.Command) (instance.Result, error) { return instance.Result{Exit: 1}, nil }
	require.ErrorContains(t, f.Available(t.Context(), target), "cannot be told to panic")
}
