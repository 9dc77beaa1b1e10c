package dir

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"syscall"

	"lifeboat/drills/store/checksums"
	"lifeboat/internal/userfile"
)

// mostSums bounds a list of digests, bytes: that of a million files.
const mostSums = 256 << 20

// sums reads every list of digests that is about the given names: SHA256SUMS beside
// them and within folders, and <name>.sha256.
func (s *Store) sums(root *os.Root, names []string) *checksums.Lists {
	lists := map[string]bool{checksums.Name: true}
	for _, n := range names {
		lists[path.Join(n, checksums.Name)] = true
		for _, list := range checksums.About(n) {
			lists[list] = true
		}
	}
	all := &checksums.Lists{}
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		raw, err := userfile.ReadIn(root, list, mostSums)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // below something that is a file
			continue
		}
		if err != nil { // what it promises is not known, and that is said of every backup that it may be about
			all.Unopened(list, cause(err).Error())
			continue
		}
		all.Add(list, string(raw))
	}
	all.Settle(func(name string) bool {
		_, err := root.Stat(name)
		return err == nil
	})
	return all
}
