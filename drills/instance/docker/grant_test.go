package docker

import (
	"archive/tar"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// capability file of IPC_LOCK and SYS_NICE (bits 14 and 23), effective: struct vfs_cap_data, revision 2.
const lockAndNice = "\x01\x00\x00\x02\x00\x40\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestFileCapabilities(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"IPC_LOCK", "SYS_NICE"}, fileCapabilities([]byte(lockAndNice)))
	assert.Equal(t, []string{"IPC_LOCK", "SYS_NICE"}, fileCapabilities([]byte("\x01\x00\x00\x01\x00\x40\x80\x00\x00\x00\x00\x00")), "revision 1")
	assert.Equal(t, []string{"BPF", "63"}, fileCapabilities([]byte("\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x80\x00\x00\x00\x00")))
	assert.Empty(t, fileCapabilities(nil))
}

// A program that its file gives rights which the sandbox does not is named with them, and starts once they are granted; nothing
// else that it does not hold is.
func TestGrants(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	boot := func(name string, head *tar.Header, grant, run []string, ends bool) (kind, words string, err error) {
		archive := guestArchive(t, d, head, "1000:1000")
		archive.Name = name
		ref, err := d.LoadImage(t.Context(), archive)
		require.NoError(t, err)
		r := serving(name)
		r.Image, r.Own = ref, Own{Capabilities: grant}
		if run != nil {
			r.Entrypoint = run
		}
		m, err := d.Boot(t.Context(), r)
		var bad *instance.BootError
		if errors.As(err, &bad) {
			return bad.Lack, bad.Reason, nil
		}
		if err != nil || !ends {
			return "", "", err
		}
		var state instance.State // on a busy host it ends after the boot was watched
		require.Eventually(t, func() bool { state, err = m.State(t.Context()); return err == nil && !state.Running }, time.Minute, 50*time.Millisecond)
		console, err := instance.Console(t.Context(), m)
		require.NoError(t, err)
		kind, words = m.(instance.Lacking).Lacks(t.Context(), console)
		return kind, words, nil
	}
	withCaps := func() *tar.Header {
		return &tar.Header{Mode: 0o755, Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": lockAndNice}}
	}
	for name, c := range map[string]struct {
		head  *tar.Header
		grant []string
		run   []string
		lack  string
		words string
	}{
		"plain":   {head: &tar.Header{Mode: 0o755}},
		"caps":    {withCaps(), nil, nil, record.LackCapability, "/guest: IPC_LOCK, SYS_NICE"},
		"some":    {withCaps(), []string{"IPC_LOCK"}, nil, record.LackCapability, "/guest: SYS_NICE"},
		"granted": {withCaps(), []string{"IPC_LOCK", "SYS_NICE"}, nil, "", ""},
		"setuid": {&tar.Header{Mode: 0o4755}, nil, []string{"/guest", "complain", "1", "sudo: the \"no new privileges\" flag is set"},
			record.LackSetuid, "/guest"},
	} {
		kind, words, err := boot(name, c.head, c.grant, c.run, c.lack != "")
		require.NoError(t, err, name)
		assert.Equal(t, c.lack, kind, "%s: %s", name, words)
		assert.Equal(t, c.words, words, name)
	}
}
