package mydumper

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// mostMetadata is what is read of metadata alone, bytes.
const mostMetadata = 64 << 20

// Begun is when a folder was begun, by its metadata; "": they do not say it, or are not there. No more of it is read than that takes.
func Begun(ctx context.Context, s restore.Source) (string, error) {
	in, _, err := dump.OpenOf(ctx, s)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // it was only read
	at := ""
	err = dump.Members(in, "its tar", func(h *tar.Header, from io.Reader) error {
		if fileOf(h.Name).is != metadata {
			return nil
		}
		raw, err := io.ReadAll(io.LimitReader(from, mostMetadata))
		if err != nil {
			return err
		}
		at = understood(string(raw)).Started
		return fs.SkipAll
	})
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return at, err
}
