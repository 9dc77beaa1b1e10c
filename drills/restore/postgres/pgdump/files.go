package pgdump

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// TOCName is the table of contents of folder and tar dumps.
const TOCName = "toc.dat"

// Other files that are no table's data.
const (
	restoreScript = "restore.sql" // in tar dumps
	blobList      = "blobs.toc"
	maxBlobList   = 64 << 20 // bytes
)

// compressions of data files in folder dumps.
var compressions = []string{".gz", ".zst", ".lz4"}

// OfFolder tells which names pg_dump gives the files of a folder or tar dump.
func OfFolder(name string) bool {
	for _, suffix := range compressions {
		name = strings.TrimSuffix(name, suffix)
	}
	return name == TOCName || strings.HasSuffix(name, ".dat") || isBlobList(name)
}

// Files checks the data files of a folder or tar dump as they pass.
type Files struct {
	seen  map[string]file // by name without the compression's suffix
	blobs []string        // that lists of large objects name
	lists []string
}

type file struct {
	*rows       // after decompression
	opaque bool // compressed in a way that cannot be read here
}

// NewFiles starts with none.
func NewFiles() *Files { return &Files{seen: map[string]file{}} }

// Add reads one file to its end. *dump.Damage: it is not whole, or it is there twice.
func (f *Files) Add(name string, in io.Reader) error {
	plain, kind := name, ""
	for _, suffix := range compressions {
		if s, ok := strings.CutSuffix(name, suffix); ok {
			plain, kind = s, suffix
		}
	}
	if _, twice := f.seen[plain]; twice {
		return damage("%s is there twice", plain)
	}
	br := bufio.NewReaderSize(in, 64<<10)
	u := &unpacking{name: name, in: br}
	data, err := u.open(kind)
	if err != nil {
		return err
	}
	defer u.close()
	if isBlobList(plain) {
		if err := f.addList(plain, data); err != nil {
			return err
		}
	} else {
		rows, err := readRows(data)
		if err != nil {
			return err
		}
		f.seen[plain] = file{rows, kind == ".lz4"}
	}
	_, err = io.Copy(io.Discard, br)
	return err
}

// isBlobList: PostgreSQL 17 writes several, blobs_<id>.toc.
func isBlobList(name string) bool {
	return name == blobList || strings.HasPrefix(name, "blobs_") && strings.HasSuffix(name, ".toc")
}

// addList reads which files hold the large objects.
func (f *Files) addList(name string, r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxBlobList))
	if err != nil {
		return err
	}
	f.lists = append(f.lists, name)
	for line := range bytes.Lines(raw) {
		var oid uint32
		var blob string
		if n, err := fmt.Sscanf(string(line), "%d %s\n", &oid, &blob); n != 2 || err != nil {
			return damage("%s has a line that names no large object", name)
		}
		f.blobs = append(f.blobs, blob)
	}
	return nil
}

// Check compares the files with the table of contents, and tells it the rows that they hold.
func (f *Files) Check(a *Archive) error {
	a.Rows = map[int]int64{}
	wanted := map[string]bool{TOCName: true, restoreScript: true}
	for _, e := range a.Entries {
		if !e.HasData {
			continue
		}
		if isBlobList(e.File) || e.Desc == "BLOBS" {
			// A tar dump names a file of data here that it does not have: its list has the entry's number, or none before 17.
			list := blobList
			if a.Minor >= 16 {
				list = "blobs_" + strconv.Itoa(e.ID) + ".toc"
			}
			if !slices.Contains(f.lists, e.File) && !slices.Contains(f.lists, list) {
				return damage("the list of large objects, %s, is missing", list)
			}
			continue
		}
		wanted[e.File] = true
		if err := f.checkData(e); err != nil {
			return err
		}
		if info := f.seen[e.File]; e.Copy != "" && !info.opaque {
			a.Rows[e.ID] = info.n
		}
	}
	for _, blob := range f.blobs {
		wanted[blob] = true
		if _, ok := f.seen[blob]; !ok {
			return damage("the large object in %s is missing", blob)
		}
	}
	for name := range f.seen {
		if !wanted[name] && strings.HasSuffix(name, ".dat") { // a note beside them does no harm
			return damage("its table of contents does not name the file %s", name)
		}
	}
	return nil
}

func (f *Files) checkData(e Entry) error {
	info, ok := f.seen[e.File]
	switch {
	case !ok:
		return damage("the data of %s, %s, are missing", e.Name(), e.File)
	case info.size == 0, e.Copy != "" && !info.opaque:
		return info.check(e.Name(), ", "+e.File+",")
	}
	return nil
}
