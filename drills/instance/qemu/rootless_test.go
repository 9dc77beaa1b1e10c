package qemu

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func TestRootless(t *testing.T) {
	t.Parallel()
	const id = "af0abd09-9a00-4a0a-b69a-7057285f9ad3"
	for name, c := range map[string]struct {
		bus, device string
		lack, words string
	}{
		"sda on virtio":          {"", "/dev/sda2", record.LackBus, "disks on virtio have names like vda"},
		"vda on sata":            {"sata", "/dev/vda2", record.LackBus, "disks on sata have names like sda"},
		"nvme":                   {"scsi", "/dev/nvme0n1p2", record.LackBus, "names like sda"},
		"vda on virtio":          {"virtio", "/dev/vda9", "", ""},
		"a volume":               {"", "/dev/mapper/vg-root", record.LackBus, "a volume of disks that were not seen"},
		"it is there":            {"", "UUID=" + id, record.LackBus, "it is there, so the guest has no driver for a disk on virtio"},
		"it is there, by dracut": {"", "/dev/disk/by-uuid/" + id, record.LackBus, "it is there"},
		"it is nowhere":          {"", "UUID=00000000-dead-4bad-8000-000000000000", "", ""},
	} {
		m := &Machine{vm: &VM{Bus: c.bus}, drives: []*drive{{layout: layout{uuids: []string{id}}}}}
		found := []finding{{class: classPanic}, {class: classInitramfs, words: "initramfs shell: root device " + c.device + " does not exist"}}
		m.rootless(found)
		assert.Equal(t, c.lack, found[1].lack, name)
		assert.Contains(t, found[1].words, c.words, name)
	}
}

func TestUUIDOf(t *testing.T) {
	t.Parallel()
	assert.Empty(t, uuidOf(nil))
	assert.Empty(t, uuidOf(make([]byte, 2048)))
	assert.Equal(t, "00000000-0000-0000-0000-000000000000", uuidOf([]byte("XFSB")))
	luks := append([]byte("LUKS\xba\xbe"), make([]byte, 162)...)
	assert.Equal(t, "0a1b", uuidOf(append(luks, "0A1B\x00"...)))
	mke2fs, err := exec.LookPath("/sbin/mke2fs")
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "fs")
	const id = "af0abd09-9a00-4a0a-b69a-7057285f9ad3"
	out, err := exec.Command(mke2fs, "-q", "-t", "ext4", "-U", id, path, "4M").CombinedOutput()
	require.NoError(t, err, string(out))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, id, uuidOf(bytes.Clone(b[:2048])))
}
