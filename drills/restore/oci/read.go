package oci

import (
	"context"

	"lifeboat/drills/restore"
)

var _ restore.Reader = (*Imager)(nil)

// Read verifies an archive to its end, and that the image is in it that is to be booted.
func (i *Imager) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	archive, digest, err := i.verify(ctx, s)
	if err == nil {
		_, err = i.choose(archive)
	}
	if err != nil {
		return restore.Outcome{}, classify(s.Backup, err)
	}
	return restore.Outcome{Digest: digest, Bytes: s.Point.Size}, nil
}
