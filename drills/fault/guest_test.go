package fault

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// Kinds that are made inside a guest; those that are true need a reboot to bite.
var insideKinds = map[string]bool{"initramfs-broken": true, "root-device-wrong": true, "fstab-bad-entry": true,
	"disk-full": false, "service-fails": false, "ssh-locked-out": false, "package-conflict": false}

func TestFaultsInAGuest(t *testing.T) {
	for kind, boots := range insideKinds {
		t.Run(kind, func(t *testing.T) {
			f, problems := build(t, kind, keys[kind])
			require.Empty(t, problems)
			var ran []instance.Command
			result, lost := instance.Result{}, error(nil)
			m := &virtual{scripted: scripted{running: true, exec: func(c instance.Command) (instance.Result, error) {
				ran = append(ran, c)
				return result, lost
			}}}
			target := Target{Machine: m}
			require.NoError(t, f.Available(t.Context(), target))
			ran = nil
			_, err := f.Prepare(t.Context(), target)
			require.NoError(t, err)
			assert.Empty(t, ran, "preparing changes nothing")

			lost = errors.New("no channel into the guest answers")
			require.ErrorIs(t, f.Effective(t.Context(), target), lost, "a guest that is silent before has met nothing")
			require.ErrorIs(t, f.Inject(t.Context(), target), lost)
			assert.Zero(t, m.reboots)

			lost = nil
			require.NoError(t, f.Inject(t.Context(), target))
			assert.Equal(t, boots, m.reboots == 1)
			for _, c := range ran {
				assert.Equal(t, "root", c.User)
			}
			if boots {
				require.ErrorIs(t, f.Effective(t.Context(), target), ErrCameUp, "a guest that answers has come up")
			} else {
				require.NoError(t, f.Effective(t.Context(), target))
			}
			result = instance.Result{Exit: 1, Stderr: "it is as it was"}
			err = f.Effective(t.Context(), target)
			require.ErrorIs(t, err, errNotThere)
			assert.Equal(t, boots, errors.Is(err, ErrCameUp), "a guest that answers has come up, whatever it says: %v", err)
			require.ErrorContains(t, f.Available(t.Context(), target), "it is as it was")

			result, lost = instance.Result{}, errors.New("no channel into the guest answers")
			err = f.Effective(t.Context(), target)
			assert.Equal(t, boots, errors.Is(err, ErrSilent), "only a reboot makes a guest silent: %v", err)
			m.lost = errors.New("no engine")
			require.Error(t, f.Effective(t.Context(), target), "what cannot be asked is not known")

			ran, lost = nil, nil
			container := Target{Machine: m.scripted}
			require.ErrorContains(t, f.Available(t.Context(), container), "db is not a virtual machine")
			require.ErrorContains(t, f.Inject(t.Context(), container), "db is not a virtual machine")
			assert.Empty(t, ran, "a container's disk and kernel are its host's")
		})
	}
}

// A change that is not on the disk is no reason to boot.
func TestNoRebootWithoutTheChange(t *testing.T) {
	f, _ := build(t, "fstab-bad-entry", "")
	n := 0
	m := &virtual{scripted: scripted{exec: func(instance.Command) (instance.Result, error) {
		n++
		return instance.Result{Exit: n / 2}, nil // the change is made, and is not there when it is read back
	}}}
	require.ErrorIs(t, f.Inject(t.Context(), Target{Machine: m}), errNotThere)
	assert.Zero(t, m.reboots)
}

// described is a machine that says how it is commanded.
type described struct {
	virtual
	control string
}

func (m *described) Describe(context.Context) map[string]string {
	return map[string]string{"control": m.control}
}

func TestLockedOutOverSSH(t *testing.T) {
	f, _ := build(t, "ssh-locked-out", "")
	exec := func(instance.Command) (instance.Result, error) { return instance.Result{}, nil }
	m := &described{virtual{scripted: scripted{exec: exec}}, "ssh as root"}
	require.ErrorContains(t, f.Available(t.Context(), Target{Machine: m}), "db is commanded by ssh as root")
	m.control = "guest agent 7.2.22"
	require.NoError(t, f.Available(t.Context(), Target{Machine: m}))
}
