package disk

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lifeboat/drills/restore"
	"lifeboat/internal/filekind"
)

// Look tells from the first bytes what is packed, encrypted, an image of another format, or no disk at all. A raw disk may
// begin as it likes, with zeros or with the header of another format: it is what the scenario says, unless it is packed.
func (i *Imager) Look(ctx context.Context, s restore.Source) error {
	stream, err := s.Open(ctx)
	if err != nil {
		return fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer stream.Close()
	head := make([]byte, filekind.Enough)
	n, err := io.ReadFull(stream, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	if found := filekind.Of(head[:n]); !i.takes(found.Kind) {
		return &restore.KindError{Backup: s.Backup, Found: found}
	}
	return nil
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
