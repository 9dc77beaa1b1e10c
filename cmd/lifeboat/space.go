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
		for _, root := range roots {
			s, err := spaceOf(root)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, s)
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

func spaceOf(path string) (drills.Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return drills.Space{}, fmt.Errorf("look what is left at %s: %w", path, err)
	}
	return drills.Space{Path: path, Free: int64(s.Bavail) * s.Bsize, Size: int64(s.Blocks) * s.Bsize,
		Files: int64(s.Ffree), Most: int64(s.Files)}, nil
}
