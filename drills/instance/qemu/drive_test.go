package qemu

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/needs"
)

func driven(buses ...string) *Machine {
	m := &Machine{request: instance.Request{Name: "pos"}, layers: []layer{{number: 1}, {number: 2}}}
	for i, bus := range buses {
		m.drives = append(m.drives, &drive{index: i, here: i == 0, image: instance.DiskImage{Format: "qcow2"},
			spec: Disk{Bus: bus, Serial: strings.Repeat("data", i)}})
	}
	return m
}

func TestDiskArguments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		buses   []string
		devices []string
	}{
		"one": {[]string{""}, []string{"virtio-blk-pci,drive=disk,id=disk0,bootindex=0"}},
		"two of virtio": {[]string{"", ""}, []string{"virtio-blk-pci,drive=disk,id=disk0,bootindex=0",
			"virtio-blk-pci,drive=disk1,id=disk1,serial=data"}},
		"sata": {[]string{"sata", "sata"}, []string{"ich9-ahci,id=ahci0", "ide-hd,bus=ahci0.0,drive=disk,id=disk0,bootindex=0",
			"ide-hd,bus=ahci0.1,drive=disk1,id=disk1,serial=data"}},
		"ide": {[]string{"ide", "ide", "ide"}, []string{"ide-hd,bus=ide.0,unit=0,drive=disk,id=disk0,bootindex=0",
			"ide-hd,bus=ide.0,unit=1,drive=disk1,id=disk1,serial=data",
			"ide-hd,bus=ide.1,unit=0,drive=disk2,id=disk2,serial=datadata"}},
		"mixed": {[]string{"virtio", "scsi"}, []string{"virtio-blk-pci,drive=disk,id=disk0,bootindex=0", "virtio-scsi-pci,id=scsi0",
			"scsi-hd,bus=scsi0.0,scsi-id=1,drive=disk1,id=disk1,serial=data"}},
	} {
		m := driven(c.buses...)
		a, err := m.diskArguments()
		require.NoError(t, err, name)
		var devices []string
		for i, arg := range a {
			if arg == "-device" {
				devices = append(devices, a[i+1])
			}
		}
		assert.Equal(t, c.devices, devices, name)
	}
	_, err := driven("nvme").diskArguments()
	require.ErrorContains(t, err, "nvme")
}

// No two drives share a file, a socket or a node.
func TestDrivesShareNothing(t *testing.T) {
	t.Parallel()
	m := driven("", "", "")
	seen := map[string]bool{}
	for _, v := range m.drives {
		for _, name := range []string{v.backup(), v.socket(), v.head(), v.said("info.json"), v.node(), v.path(layer{number: 1}),
			v.path(layer{number: 11}), v.layerNode(layer{number: 1}), v.layerNode(layer{number: 11})} {
			assert.False(t, seen[name], name)
			seen[name] = true
		}
	}
}

// A second disk is there under its name, is written to in an overlay, and goes back with the first.
func TestVMSecondDisk(t *testing.T) {
	needs.EveryVM(t)
	for _, bus := range []string{"virtio", "scsi"} {
		t.Run(bus, func(t *testing.T) {
			d := newBench(t)
			image := filepath.Join(t.TempDir(), "data.raw")
			require.NoError(t, os.WriteFile(image, append([]byte("orders of May"), make([]byte, 8<<20)...), 0o600))
			require.NoError(t, os.Truncate(image, 8<<20))
			before := digest(t, image)
			data := openFile(t, image)
			data.remote = bus == "scsi" // lifeboat reads it for QEMU
			ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: "data", Format: "raw", Disk: data})
			require.NoError(t, err)
			more := Disk{Bus: bus, Serial: "SN0001"}
			if bus == "scsi" {
				more.WWN = "0x5000c500a1b2c3d4"
			}
			m := d.bootGuest(t, openFile(t, guestImage(t)), VM{Disks: []Disk{more}}, ref)
			assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", detectLimit))
			ctx := t.Context()
			read := func() string {
				t.Helper()
				require.Eventually(t, func() bool {
					_, err := m.control(ctx)
					return err == nil
				}, 2*time.Minute, time.Second, "the agent comes up after the service")
				r, err := m.Exec(ctx, instance.Command{Args: []string{"sh", "-c", `cd /dev/disk/by-id && for d in *SN0001 wwn-0x5*; do
  [ -e "$d" ] && head -c 13 "$d" && exit; done; ls`}})
				require.NoError(t, err)
				return r.Stdout + r.Stderr
			}
			assert.Equal(t, "orders of May", read())
			require.NoError(t, m.Snapshot(ctx, "before"))
			require.NoError(t, m.guestScript(ctx, `cd /dev/disk/by-id && for d in *SN0001 wwn-0x5*; do
  [ ! -e "$d" ] || printf 'orders of Oct' | dd of="$d" conv=notrunc,fsync status=none; done; sync`))
			assert.Equal(t, "orders of Oct", read())
			require.NoError(t, m.Revert(ctx, "before"))
			assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", detectLimit))
			assert.Equal(t, "orders of May", read())
			require.NoError(t, m.Destroy(ctx))
			assert.Equal(t, before, digest(t, image), "the backup was written to")
		})
	}
}
