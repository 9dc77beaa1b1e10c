package qemu

import (
	"bytes"
	"encoding/hex"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

// tinySystem is a boot sector that prints on the first serial port and stays: a guest that nobody knows.
func tinySystem(says string) []byte {
	code := []byte{
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0xbe, 0x21, 0x7c, // mov si, text
		0xac,       // next: lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x12, // jz stay
		0x88, 0xc4, // mov ah, al
		0xba, 0xfd, 0x03, // mov dx, line status of COM1
		0xec,       // busy: in al, dx
		0xa8, 0x20, // test al, transmitter is empty
		0x74, 0xfb, // jz busy
		0x88, 0xe0, // mov al, ah
		0xba, 0xf8, 0x03, // mov dx, data of COM1
		0xee,       // out dx, al
		0xeb, 0xe9, // jmp next
		0xf4,       // stay: hlt
		0xeb, 0xfd, // jmp stay
	}
	disk := make([]byte, 1<<20)
	copy(disk, code)
	copy(disk[len(code):], says)
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// lockedSystem asks on the first serial port for the passphrase of its disk until it is opensesame, and then for a login.
//
// Without interrupts, since the firmware reads that port, too.
//
//	ask: print prompt · read a line to 0x8000 · compare it with the word and its end · again, or print what follows
func lockedSystem(t *testing.T) []byte {
	t.Helper()
	code, err := hex.DecodeString("fa31c08ed88ec08ed0bc0070be587ce82100bf0080e83300aa3c0d75f8be0080bf7a7cb90b00f3a675e2be857ce80300f4ebfdac84c0741288c4bafd" +
		"03eca82074f888e0baf803eeebe9c3bafd03eca80174f8baf803ecc3")
	require.NoError(t, err)
	disk := make([]byte, 1<<20)
	copy(disk, append(code, "\r\nPlease unlock disk vda3_crypt: \x00opensesame\r\r\ncryptsetup: vda3_crypt: set up successfully\r\n"+
		"pos-1 login: \x00"...))
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// A question for a passphrase is told at once; it is answered where the scenario says how.
func TestVMPassphrase(t *testing.T) {
	needs.EveryVM(t)
	d := newBench(t)
	for name, tc := range map[string]struct{ unlock, words, console string }{
		"nobody gives it": {"", "passphrase: vda3_crypt", "Please unlock"},
		"a wrong one":     {"sesame", "typed 2 times and asked for again", "Please unlock"},
		"the right one":   {"opensesame", "", "set up successfully"},
	} {
		t.Run(name, func(t *testing.T) {
			m := bootRaw(t, d, lockedSystem(t), "locked"+strings.ReplaceAll(name, " ", "-"), VM{Unlock: scenarios.Plain(tc.unlock)})
			began := time.Now()
			var got instance.Diagnosis
			text := ""
			for time.Since(began) < time.Minute && (tc.words != "" && !got.Fatal || !strings.Contains(text, tc.console)) {
				var err error
				got, err = m.Diagnose(t.Context())
				require.NoError(t, err)
				text, err = instance.Console(t.Context(), m)
				require.NoError(t, err)
			}
			t.Logf("told after %s: %s", time.Since(began), got.Words)
			assert.Contains(t, text, tc.console)
			assert.Contains(t, got.Words, tc.words)
			assert.Equal(t, tc.words != "", got.Fatal)
			require.NoError(t, m.Destroy(t.Context()))
		})
	}
}

func rawDisk(t *testing.T, content []byte) *file {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return openFile(t, path)
}

func bootRaw(t *testing.T, d *Driver, content []byte, name string, vm VM) *Machine {
	t.Helper()
	ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: name, Format: "raw", Disk: rawDisk(t, content)})
	require.NoError(t, err)
	m, err := d.Boot(t.Context(), instance.Request{Name: name, Generation: 1, Image: ref, Own: &vm, Memory: 256 << 20})
	require.NoError(t, err)
	return m.(*Machine)
}

// A guest without any control channel boots, and is seen; what needs a channel says what is missing.
func TestVMUnknownGuest(t *testing.T) {
	needs.EveryVM(t)
	d := newBench(t)
	m := bootRaw(t, d, tinySystem("Shop OS 1.0\r\nready for tills\r\n"), "tills", VM{})
	ctx := t.Context()
	require.Eventually(t, func() bool {
		text, err := instance.Console(ctx, m)
		return err == nil && strings.Contains(text, "ready for tills")
	}, time.Minute, time.Second)
	_, err := m.Exec(ctx, instance.Command{Args: []string{"true"}})
	require.ErrorContains(t, err, "install qemu-guest-agent")
	facts := m.Describe(ctx)
	assert.True(t, strings.HasPrefix(facts["control"], "none: "), facts["control"])
	got, err := m.Diagnose(ctx)
	require.NoError(t, err)
	assert.Equal(t, instance.ClassNone, got.Class, got.Words)
	assert.Contains(t, got.Lines, "ready for tills")
	_, err = png.Decode(bytes.NewReader(got.Screen))
	require.NoError(t, err)

	q, err := m.qmp(t.Context())
	require.NoError(t, err)
	require.NoError(t, q.do(ctx, "stop", nil, nil))
	got, err = m.Diagnose(ctx)
	require.NoError(t, err)
	assert.Equal(t, classPaused, got.Class, got.Words)
	assert.False(t, got.Fatal, "it can be resumed")

	require.NoError(t, q.do(ctx, "cont", nil, nil))
	require.NoError(t, m.Stop(ctx))
	s, err := m.State(ctx)
	require.NoError(t, err)
	assert.Equal(t, "the guest did not power off within 1m30s: its power was cut", s.Reason)
	require.NoError(t, m.Start(ctx))
	q, err = m.qmp(t.Context())
	require.NoError(t, err)
	require.NoError(t, q.do(ctx, "quit", nil, nil))
	require.Eventually(t, func() bool {
		s, err = m.State(ctx)
		return err == nil && !s.Running
	}, time.Minute, time.Second)
	assert.Equal(t, "the guest powered off", s.Reason, "this time it ended by itself")
}

// A disk without anything to boot, by either firmware; and those that boot elsewhere.
func TestVMNothingToBoot(t *testing.T) {
	needs.VM(t)
	empty := make([]byte, 1<<20)
	cases := []struct{ name, firmware, file, words, lack string }{
		{"empty-bios", "bios", "", "", ""},
		{"empty-uefi", "uefi", "", "", ""},
	}
	dir := ""
	if needs.AllVMs() {
		dir = made(t, "hostile")
		cases = append(cases, []struct{ name, firmware, file, words, lack string }{
			{"no-fallback", "uefi", "no-fallback.raw", "has SHIMX64.EFI and no BOOTX64.EFI", record.LackBootEntry},
			{"aarch64", "uefi", "aarch64.raw", "has a loader for 64-bit ARM", record.LackMachine},
			{"damaged-loader", "uefi", "luks.raw", "", ""},
			{"not-raw", "bios", "backing-missing.qcow2", "begins as a qcow2 disk image", record.LackFormat},
		}...)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := newBench(t)
			began := time.Now()
			content := empty
			if tc.file != "" {
				var err error
				content, err = os.ReadFile(filepath.Join(dir, tc.file))
				require.NoError(t, err)
			}
			m := bootRaw(t, d, content, "empty", VM{Firmware: tc.firmware})
			if tc.file == "luks.raw" {
				assert.Equal(t, "LUKS 1.2", m.Describe(t.Context())["encrypted"])
			}
			var got instance.Diagnosis
			for !got.Fatal && time.Since(began) < detectLimit {
				var err error
				got, err = m.Diagnose(t.Context())
				require.NoError(t, err)
				time.Sleep(200 * time.Millisecond)
			}
			t.Logf("| %s | %s | %s | %s | %.1f s |", tc.name, got.Class, got.Words, got.Source, time.Since(began).Seconds())
			if tc.file == "" {
				keepConsole(t, m, tc.name)
			}
			assert.Equal(t, classNoDevice, got.Class)
			assert.Contains(t, got.Words, "the firmware finds nothing to boot")
			assert.Contains(t, got.Words, tc.words)
			assert.Equal(t, tc.lack, got.Lack)
		})
	}
}
