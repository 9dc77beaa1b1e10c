package qemu

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/needs"
)

// made runs one of ci/vm's scripts, which keep what they made, and returns the folder that it filled.
func made(t testing.TB, name string) string {
	t.Helper()
	needs.VM(t)
	image := guestImage(t)
	dir := filepath.Join(filepath.Dir(image), name)
	out, err := exec.Command("../../../ci/vm/"+name+".sh", image, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// Images that must not be booted: each is a finding on the backup, in words, and nothing beside the image is read.
func TestVMHostileImages(t *testing.T) {
	dir := made(t, "hostile")
	for _, tc := range []struct{ file, format, says, lack string }{
		{"text.qcow2", "qcow2", "cannot be opened as qcow2", ""},
		{"truncated.qcow2", "qcow2", "errors were found", ""},
		{"backing-shadow.qcow2", "qcow2", `"/etc/shadow"`, record.LackFile},
		{"backing-missing.qcow2", "qcow2", "stands on another file", record.LackFile},
		{"data-file.qcow2", "qcow2", "keeps its data in another file", record.LackFile},
		{"ten-tebibytes.qcow2", "qcow2", "10240 GiB", ""},
		{"encrypted.qcow2", "qcow2", "is encrypted", record.LackPassphrase},
		{"text.qcow2", "vmdk", "cannot be opened as vmdk", ""},
		{"split.vmdk", "vmdk", `["split-f001.vmdk" "split-f002.vmdk"]`, record.LackFile},
		{"no-fallback.raw", "raw", "an EFI system partition and no boot code for BIOS (GPT)", record.LackUEFI},
	} {
		t.Run(tc.file+" as "+tc.format, func(t *testing.T) {
			t.Parallel()
			d := newBench(t)
			path := filepath.Join(dir, tc.file)
			before := digest(t, path)
			ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: "pos", Format: tc.format, Disk: openFile(t, path)})
			require.NoError(t, err)
			_, err = d.Boot(t.Context(), instance.Request{Name: "pos", Generation: 1, Image: ref, Own: &VM{}})
			var bad *instance.BootError
			require.ErrorAs(t, err, &bad)
			t.Log(bad.Reason)
			assert.Contains(t, bad.Reason, tc.says)
			assert.Equal(t, tc.lack, bad.Lack)
			assert.NotContains(t, bad.Reason, "root:", "a line of a file that is not in the backup")
			assert.Equal(t, before, digest(t, path))
		})
	}
}

// A raw image that pretends to be a qcow2 image on another file is what the scenario says it is: raw.
func TestVMForgedHeader(t *testing.T) {
	dir := made(t, "hostile")
	d := newBench(t)
	ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: "pos", Format: "raw",
		Disk: openFile(t, filepath.Join(dir, "forged.raw"))})
	require.NoError(t, err)
	made, err := d.Boot(t.Context(), instance.Request{Name: "pos", Generation: 1, Image: ref, Own: &VM{}})
	require.NoError(t, err)
	q, err := made.(*Machine).qmp(t.Context())
	require.NoError(t, err)
	var all []struct {
		Inserted *struct {
			Image imageInfo `json:"image"`
		} `json:"inserted"`
	}
	require.NoError(t, q.do(t.Context(), "query-block", nil, &all))
	var formats []string
	for _, b := range all {
		if b.Inserted == nil {
			continue
		}
		for i := &b.Inserted.Image; i != nil; i = i.Backing {
			formats = append(formats, i.Format)
		}
	}
	assert.Equal(t, []string{"throttle", "qcow2", "raw"}, formats, "the overlay stands on the raw image, and that on nothing")
}

// imageInfo is a part of QMP's ImageInfo.
type imageInfo struct {
	Format  string     `json:"format"`
	Backing *imageInfo `json:"backing-image"`
}

// The same machine from every format, from both firmwares, and read by lifeboat instead of QEMU.
func TestVMFormats(t *testing.T) {
	needs.EveryVM(t)
	dir := made(t, "formats")
	for _, format := range instance.DiskFormats() {
		if format == "qcow2" {
			continue // all other tests boot it
		}
		name := "shop-pos." + format
		t.Run(name, func(t *testing.T) {
			d := newBench(t)
			path := filepath.Join(dir, name)
			ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: "pos", Format: format, Disk: openFile(t, path)})
			require.NoError(t, err)
			began := time.Now()
			m, err := d.Boot(t.Context(), instance.Request{Name: "pos", Generation: 1, Image: ref,
				Own: &VM{Ports: []int{servicePort}}})
			require.NoError(t, err)
			awaitHTTP(t, m.(*Machine), "/healthz", 3*time.Minute)
			t.Logf("the service answers after %s", time.Since(began))
		})
	}
}

func TestVMUEFI(t *testing.T) {
	needs.EveryVM(t)
	d := newBench(t)
	began := time.Now()
	m := d.bootGuest(t, openFile(t, guestImage(t)), VM{Firmware: "uefi"})
	awaitHTTP(t, m, "/healthz", 3*time.Minute)
	t.Logf("the service answers after %s", time.Since(began))
	_, err := m.Get(t.Context(), "/sys/firmware/efi/fw_platform_size")
	require.NoError(t, err)

	const variables = "/sys/firmware/efi/efivars"
	const variable = variables + "/Lifeboat-5a5a5a5a-0000-4000-8000-000000000000"
	require.NoError(t, m.Snapshot(t.Context(), "before"))
	require.NoError(t, m.guestScript(t.Context(), "mountpoint -q "+variables+" || mount -t efivarfs efivarfs "+variables+
		"\nprintf '\\007\\000\\000\\000x' >"+variable))
	require.NoError(t, m.guestScript(t.Context(), "test -e "+variable))
	require.NoError(t, m.Revert(t.Context(), "before"))
	awaitHTTP(t, m, "/healthz", 3*time.Minute)
	require.NoError(t, m.guestScript(t.Context(), "mountpoint -q "+variables+" || mount -t efivarfs efivarfs "+variables))
	assert.Error(t, m.guestScript(t.Context(), "test -e "+variable), "boot entries go back, too")
}

// Read through lifeboat, as it is where the image lies on object storage; QEMU asks only for what the guest needs.
func TestVMLazy(t *testing.T) {
	needs.EveryVM(t) // make test boots from a web server in a whole drill
	d := newBench(t)
	disk := openFile(t, guestImage(t))
	disk.remote = true
	began := time.Now()
	clock := time.Date(2031, 2, 3, 3, 5, 6, 0, time.UTC)
	m := d.bootGuest(t, disk, VM{Control: []string{"ssh"}, Hostname: "drilled", MAC: "52:54:00:aa:bb:cc",
		Clock: &clock, Seed: "#cloud-config\n{}\n"})
	awaitHTTP(t, m, "/healthz", 4*time.Minute)
	t.Logf("the service answers after %s; %d of %d MiB were read", time.Since(began), disk.Fetched()>>20, disk.Size()>>20)
	assert.Less(t, disk.Fetched(), disk.Size())
	assert.Positive(t, disk.Fetched())

	require.Eventually(t, func() bool {
		_, err := m.control(t.Context())
		return err == nil
	}, 2*time.Minute, time.Second, "the SSH server comes up after the service")
	r, err := m.Exec(t.Context(), instance.Command{Args: []string{"sh", "-c", "cat; exit 3"}, Stdin: tarOf(t, "x", nil)})
	require.NoError(t, err)
	assert.Equal(t, 3, r.Exit)
	assert.Len(t, r.Stdout, 1536)
	assert.Equal(t, "ssh as root", m.Describe(t.Context())["control"])
	_, err = m.Get(t.Context(), "/no/such/file")
	require.ErrorIs(t, err, fs.ErrNotExist)

	r, err = m.Exec(t.Context(), instance.Command{Args: []string{"sh", "-c", `date -u +%F; cat /sys/class/net/e*/address; grep HOSTNAME /run/systemd/netif/leases/*
mkdir /run/seed && mount -o ro LABEL=cidata /run/seed && cat /run/seed/user-data`}})
	require.NoError(t, err)
	assert.Equal(t, "2031-02-03\n52:54:00:aa:bb:cc\nHOSTNAME=drilled\n#cloud-config\n{}\n", r.Stdout, r.Stderr)
}
