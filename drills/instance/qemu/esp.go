package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/filekind"
)

// espBytes of an EFI system partition are looked at: its folders lie at its beginning.
const espBytes = 64 << 20

// loaderScript prints the names of boot loaders in the folders of a FAT file system, as its entries spell them
// (8 letters and 3, "Microsoft FAT Specification"). It reads the image again, which QEMU holds open for reading only.
const loaderScript = `qemu-img convert -q -U -O raw "$0" ` + diskDir + `/esp.raw &&
LC_ALL=C grep -a -o -E '(BOOTX64|BOOTIA32|BOOTAA64|SHIMX64|GRUBX64|GRUB|SYSTEM~1|BOOTMGFW) *EFI' ` + diskDir + `/esp.raw
rm -f ` + diskDir + `/esp.raw`

// nothingBoots adds to the finding that the firmware finds nothing to boot why that is, where it is not the backup's fault.
func (m *Machine) nothingBoots(ctx context.Context, found []finding) {
	i := slices.IndexFunc(found, func(f finding) bool { return f.class == classNoDevice && f.fatal })
	if i < 0 {
		return
	}
	boots := m.drives[0].image
	if of := filekind.Of(at(boots.Disk, 0, filekind.Enough)); boots.Format == "raw" && slices.Contains(instance.DiskFormats(), of.Name) {
		found[i].lack = record.LackFormat
		found[i].words += "; the file begins as " + of.Words
		return
	}
	if m.drives[0].layout.esp == 0 {
		return
	}
	f := &found[i]
	if !m.uefi() {
		f.lack = record.LackUEFI
		f.words += "; it has an EFI system partition"
		return
	}
	loaders, err := within(ctx, hostLimit, m.loaders)
	switch {
	case err != nil: // it stays what it is
	case slices.Contains(loaders, "BOOTX64.EFI"):
	case slices.Contains(loaders, "BOOTAA64.EFI"):
		f.lack = record.LackMachine
		f.words += "; its EFI system partition has a loader for 64-bit ARM"
	case len(loaders) > 0:
		f.lack = record.LackBootEntry
		f.words += "; its EFI system partition has " + strings.Join(loaders, ", ") + " and no BOOTX64.EFI"
	}
}

// loaders lists the files of boot loaders in the EFI system partition.
func (m *Machine) loaders(ctx context.Context) ([]string, error) {
	v := m.drives[0]
	size := min(int64(espBytes), v.virtual-v.layout.esp)
	graph, err := json.Marshal(map[string]any{"driver": "raw", "read-only": true, "offset": v.layout.esp, "size": size,
		"file": v.imageNode()})
	if err != nil {
		return nil, err
	}
	r, err := m.hypervisor.Exec(ctx, instance.Command{Args: []string{"/bin/sh", "-c", loaderScript, "json:" + string(graph)}})
	if err != nil {
		return nil, fmt.Errorf("look for boot loaders: %w", err)
	}
	return loaderNames(r.Stdout), nil
}

func loaderNames(entries string) []string {
	var names []string
	for line := range strings.Lines(entries) {
		name, ok := strings.CutSuffix(strings.TrimSpace(line), "EFI")
		if name = strings.TrimSpace(name) + ".EFI"; ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
