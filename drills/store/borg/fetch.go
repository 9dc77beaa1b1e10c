package borg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
)

// Fetch gives a file of an archive as it is, and a folder as a tar. A folder is extracted by borg to the room's volume first, and packed from there:
// borg's own tars know no extended attributes.
func (s *Store) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	v, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	if p.ID == unreadable { // an archive of that name is there all the same, if the repository can be read
		if err := v.list(p.ID, new(bytes.Buffer)); err != nil {
			return nil, errors.Join(err, v.Close())
		}
	}
	of, err := v.find(p.ID)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	body := repository.Pour(func(w io.Writer) error { return v.give(p.ID, of, w) }, v.stop, v.Close)
	return store.Verify(ctx, store.Opened{Body: body, Point: p, Store: s.name, Size: -1, Tar: of.Path == "" || of.Type == "d"}), nil
}

// item of an archive, as borg lists it.
type item struct {
	Type string `json:"type"` // - is a file, d a folder
	Path string `json:"path"`
}

func archiveOf(point string) string { return strings.Join([]string{store.RoomMount, point}, "::") }

// find asks what of an archive is taken; the item of all of it has no path.
func (v *visit) find(point string) (item, error) {
	words := []string{"--json-lines", "--format", "{type}{path}", archiveOf(point)}
	take := strings.TrimPrefix(v.s.set.Take, "/")
	if take != "" {
		words = append(words, "pp:"+take)
	}
	few := &repository.Head{}
	if err := v.borg(point, few, "list", words...); err != nil {
		return item{}, err
	}
	var all []item
	for line := range bytes.Lines(few.Bytes()) {
		var i item
		if json.Unmarshal(line, &i) != nil {
			break // the last of those that are kept
		}
		all = append(all, i)
	}
	for _, i := range all {
		if path.Clean(i.Path) == take {
			return i, nil
		}
	}
	switch {
	case take != "" && len(all) > 0: // the folder itself is not in it
		return item{Type: "d", Path: take}, nil
	case take != "":
		return item{}, v.s.problem("name a file or a folder that is in it: take: /path", "archive %s holds no %s", point, v.s.set.Take)
	case len(all) == 1 && all[0].Type == "-":
		return all[0], nil
	}
	return item{Type: "d"}, nil
}

// give writes what is taken of an archive.
func (v *visit) give(point string, of item, to io.Writer) error {
	words := []string{"--numeric-ids", "--sparse", archiveOf(point)}
	switch of.Type {
	case "-", "h":
		return v.borg(point, to, "extract", "--stdout", archiveOf(point), "pp:"+of.Path)
	case "d":
	default:
		return v.s.problem("name a file or a folder: take: /path", "%s of archive %s is neither", of.Path, point)
	}
	if of.Path != "" {
		words = append(words, "pp:"+of.Path)
	}
	if err := v.borg(point, io.Discard, "extract", words...); err != nil {
		return err
	}
	if err := v.lift(); err != nil {
		return err
	}
	return v.Pack(v.ctx, path.Join(store.RoomVolume, of.Path), to)
}
