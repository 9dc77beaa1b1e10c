package docker

import (
	"archive/tar"
	"errors"
	"testing"

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
	boot := func(name string, head *tar.Header, change func(*instance.Request)) error {
		archive := guestArchive(t, d, head)
		archive.Name = name
		ref, err := d.LoadImage(t.Context(), archive)
		require.NoError(t, err)
		r := serving(name)
		r.Image, r.User = ref, "1000:1000"
		change(&r)
		_, err = d.Boot(t.Context(), r)
		return err
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
		err := boot(name, c.head, func(r *instance.Request) {
			r.Capabilities = c.grant
			if c.run != nil {
				r.Entrypoint = c.run
			}
		})
		if c.lack == "" {
			assert.NoError(t, err, name)
			continue
		}
		var bad *instance.BootError
		require.True(t, errors.As(err, &bad), "%s: %v", name, err)
		assert.Equal(t, c.lack, bad.Lack, "%s: %v", name, bad)
		assert.Equal(t, c.words, bad.Reason, name)
	}
}
