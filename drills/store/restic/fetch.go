package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
)

// Fetch gives a file of a snapshot as it is, and a folder as a tar. A folder is restored by restic to the room's volume first, and packed from there:
// restic's own tars know no hard links and no holes.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	v, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	of, node, err := v.find(p.ID)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	body := repository.Pour(func(w io.Writer) error { return v.give(p.ID, of, node, w) }, func() { v.cancel(context.Canceled) }, v.Close)
	return store.Verify(ctx, store.Opened{Body: body, Point: p, Store: s.name, Size: -1, Tar: node.Type == "dir"}), nil
}

// node of a snapshot, as restic lists it.
type node struct {
	Kind string `json:"struct_type"` // node, or snapshot
	Path string `json:"path"`
	Type string `json:"type"`
	snapshot
}

// find asks what a snapshot is and whether it has what is to be taken of it.
func (v *visit) find(id string) (of snapshot, found node, err error) {
	if err := v.askVersion(); err != nil {
		return of, found, err
	}
	if of, err = v.snapshot(id); err != nil {
		return of, found, err
	}
	take := v.s.taken(of)
	if take == "/" {
		return of, node{Path: "/", Type: "dir"}, nil
	}
	few := &repository.Head{Most: mostListed} // a folder comes before what is in it, and behind all paths of its snapshot
	if err := v.restic(id, few, "ls", "--json", "--", of.ID, take); err != nil {
		return of, found, err
	}
	for line := range bytes.Lines(few.Bytes()) {
		var n node
		if err := json.Unmarshal(line, &n); err != nil {
			return of, found, v.s.problem("", "%s prints no list of files: %v", v.s.Version(), err)
		}
		if n.Kind == "node" && n.Path == take {
			return of, n, nil
		}
	}
	return of, found, v.s.problem("name a file or a folder that is in it: take: /path", "snapshot %s, of %s, holds no %s", id,
		strings.Join(of.Paths, ", "), take)
}

// mostListed is what is kept of restic's list of a snapshot, bytes: restic backup --files-from may name thousands of paths.
const mostListed = 16 << 20

// snapshot of a name, as it was listed or as restic tells it now: what it is never changes.
func (v *visit) snapshot(id string) (of snapshot, err error) {
	v.s.mu.Lock()
	listed := v.s.listed
	v.s.mu.Unlock()
	for _, x := range listed {
		if named(listed, x.ID) == id {
			return x, nil
		}
	}
	var out bytes.Buffer
	if err := v.restic(id, &out, "snapshots", "--json", "--", id); err != nil {
		return of, err
	}
	var all []snapshot
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) > 1 {
		return of, v.s.problem("", "%s prints %d snapshots for %s (%v)", v.s.Version(), len(all), id, err)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	for _, f := range v.seen.damagedSnapshots() {
		if strings.HasPrefix(f.name, id) {
			return of, &store.Mismatch{Point: id, What: fmt.Sprintf("%s/%s of its repository is damaged: its content is not what its name promises",
				snapshots, f.name)}
		}
	}
	return of, fmt.Errorf("fetch %s: %w", id, store.ErrNoPoint)
}

// give writes what is taken of a snapshot.
func (v *visit) give(id string, of snapshot, n node, to io.Writer) error {
	switch n.Type {
	case "file":
		return v.restic(id, to, "dump", "--", of.ID, n.Path)
	case "dir":
	default:
		return v.s.problem("name a file or a folder: take: /path", "%s of snapshot %s is a %s", n.Path, id, n.Type)
	}
	const target = store.RoomVolume + "/restored"
	words := []string{"restore", "--target", target}
	if v.s.since(0, sparseSince) {
		words = append(words, "--sparse")
	}
	if n.Path != "/" {
		words = append(words, "--include", escaped(n.Path))
	}
	if err := v.restic(id, io.Discard, append(words, "--", of.ID)...); err != nil {
		return err
	}
	return v.Pack(v.ctx, path.Join(target, n.Path), to)
}

// sparseSince is the version 0.N of restic that makes holes again.
const sparseSince = 15

// escaped is a path as a pattern that means nothing else.
func escaped(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
