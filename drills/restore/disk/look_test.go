package disk

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
)

// What a machine could not boot from is said before there is one, and what QEMU knows better is left to QEMU.
func TestLook(t *testing.T) {
	t.Parallel()
	boot := "\xeb\x63\x90" + strings.Repeat("\x00", 507) + "\x55\xaa"
	for name, c := range map[string]struct {
		format, content, kind string
		bad                   bool
	}{
		"a raw disk":             {format: "raw", content: boot},
		"a raw disk of zeros":    {format: "raw", content: strings.Repeat("\x00", 4096)},
		"a raw disk, forged":     {format: "raw", content: "QFI\xfb\x00\x00\x00\x03"},
		"a raw disk, encrypted":  {format: "raw", content: "LUKS\xba\xbe\x00\x02"},
		"qcow2":                  {format: "qcow2", content: "QFI\xfb\x00\x00\x00\x03"},
		"noise":                  {format: "qcow2", content: "\x9a\x9b\x9c\x9d\x9e"},
		"fixed VHD":              {format: "vhd", content: boot},
		"described VMDK":         {format: "vmdk", content: "# Disk DescriptorFile\nversion=1"},
		"OVA as vmdk":            {"vmdk", tarred(t, "shop.ovf", ""), "ova", false},
		"OVA as raw":             {"raw", tarred(t, "shop.ovf", ""), "ova", false},
		"tar as raw":             {"raw", tarred(t, "disk.raw", ""), "tar", false},
		"VMA as raw":             {"raw", "VMA\x00\x00\x00\x00\x01", "vma", false},
		"qcow2 as vmdk":          {"vmdk", "QFI\xfb\x00\x00\x00\x03", "qcow2", false},
		"VMDK as qcow2":          {"qcow2", "KDMV\x01", "vmdk", false},
		"a raw disk as qcow2":    {"qcow2", boot, "disk", false},
		"a dump":                 {"raw", "-- PostgreSQL database dump\n", "pg_plain", false},
		"a page":                 {"raw", "<!doctype html><title>403</title>", "html", true},
		"nothing":                {"raw", "", "empty", true},
		"zeros as qcow2":         {"qcow2", strings.Repeat("\x00", 4096), "zeros", true},
		"a message of its maker": {"raw", "qemu-img: Could not open 'vm': No such file", "message", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := imager(t, "format: "+c.format).Look(t.Context(), source(t, c.content, ""))
			if c.kind == "" {
				require.NoError(t, err)
				return
			}
			var kind *restore.KindError
			require.ErrorAs(t, err, &kind)
			assert.Equal(t, c.kind, kind.Found.Name)
			assert.Equal(t, c.bad, kind.Bad())
		})
	}
}
