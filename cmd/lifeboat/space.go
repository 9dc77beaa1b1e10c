package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"lifeboat/drills"
	"lifeboat/drills/instance/docker"
)

// space tells what is left where the engine keeps its data, asked for once, and in the home. An engine on another host
// cannot be looked at: there the home alone is watched.
func (a *app) space() func(context.Context) ([]drills.Space, error) {
	var mu sync.Mutex
	var roots []string
	return func(ctx context.Context) ([]drills.Space, error) {
		mu.Lock()
		defer mu.Unlock()
		if roots == nil {
			got, err := docker.Roots(ctx)
			if err != nil {
				return nil, err
			}
			roots = append(got, existing(a.home))
		}
		var all []drills.Space
		seen := map[uint64]bool{} // two folders of one file system run short once
		for _, root := range roots {
			s, device, err := spaceOf(root)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if !seen[device] {
				all = append(all, s)
			}
			seen[device] = true
		}
		return all, nil
	}
}

// existing is the nearest folder above a path that is there already.
func existing(path string) string {
	path, err := filepath.Abs(path)
	for err == nil && path != "/" && !exists(path) {
		path = filepath.Dir(path)
	}
	return path
}

// spaceOf the file system of a folder, with the number of its device.
func spaceOf(path string) (drills.Space, uint64, error) {
	var s unix.Statfs_t
	var folder unix.Stat_t
	if err := errors.Join(unix.Statfs(path, &s), unix.Stat(path, &folder)); err != nil {
		return drills.Space{}, 0, fmt.Errorf("look what is left at %s: %w", path, err)
	}
	return drills.Space{Path: path, Free: int64(s.Bavail) * s.Bsize, Size: int64(s.Blocks) * s.Bsize,
		Files: int64(s.Ffree), Most: int64(s.Files)}, folder.Dev, nil
}
