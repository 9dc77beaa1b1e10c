package disk

import (
	"context"
	"fmt"

	"lifeboat/drills/restore"
	"lifeboat/internal/filekind"
)

// Look tells from the first bytes, and from those of what is packed in it, what is encrypted, an image of another format,
// or no disk at all. A raw disk may begin as it likes, with zeros or with the header of another format: it is what the
// scenario says, unless it is packed.
func (i *Imager) Look(ctx context.Context, s restore.Source) error {
	stream, err := s.Open(ctx)
	if err != nil {
		return fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer stream.Close()
	w, err := i.unwrap(s, reading{stream})
	w.done()
	return err
}

// takes tells whether a file of a kind may be an image of the declared format. What qemu-img says better is left to it.
func (i *Imager) takes(k filekind.Kind) bool {
	raw, fixed := i.settings.Format == "raw", i.settings.Format == "vhd" // whose only mark is at its end
	switch k.Class {
	case filekind.Unknown:
		return true
	case filekind.Image:
		return raw && !k.In("oci", "rootfs") || k.In(i.settings.Format) || fixed && k.In("disk", "iso") ||
			i.settings.Format == "vmdk" && k.In("vmdk_text")
	case filekind.Nothing:
		return k.In("zeros") && (raw || fixed)
	}
	return raw && k.In("luks")
}
