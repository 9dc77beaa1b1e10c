package dump

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/internal/filekind"
)

// Bundled looks at the beginning of a tar, or of a folder that comes as one, for a file that is a backup by itself: a night's folder of
// dumps, or tar czf around one. own tells the names of what belongs to a backup of several files. nil: there is no such file.
func Bundled(head []byte, own func(name string) bool) error {
	var lack error
	tr := tar.NewReader(bytes.NewReader(head))
	for {
		h, err := tr.Next()
		if err != nil {
			return lack
		}
		name := path.Base(h.Name)
		switch {
		case h.Typeflag != tar.TypeReg, strings.HasPrefix(name, "."):
		case own(name):
			return nil
		case lack == nil:
			start := make([]byte, min(h.Size, filekind.Enough))
			n, _ := io.ReadFull(tr, start) // it may lie outside of what is looked at
			lack = Inside(h.Name, filekind.Of(start[:n]))
		}
	}
}

// Inside is a *restore.LackError for a file among others that may be a backup by itself; nil: it is none by its beginning.
func Inside(name string, found filekind.Found) error {
	switch found.Class {
	case filekind.Packed, filekind.Bundle, filekind.Sealed, filekind.Dump, filekind.Foreign:
		return &restore.LackError{Lack: record.LackInside, What: fmt.Sprintf("it is a folder, or an archive, with %s in it, which is %s", name, found.Words)}
	}
	return nil
}
