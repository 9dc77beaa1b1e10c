package drills

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// unprovedDir of a home holds an empty file for each drill of which it is not proved that nothing is left: it is made
// before the drill's folder, and removed once the clean-up is proved and the journal sealed. So a start looks at these
// few and not at a home's thousands. It may be thrown away: the next start looks at every drill, and makes it anew.
const unprovedDir = "unproved"

// allKnown in it says that every drill of the home was looked at since it was made.
const allKnown = ".complete"

// beginsUnproved enters a drill that is about to begin.
func beginsUnproved(home, id string) error {
	dir := filepath.Join(home, unprovedDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, id), nil, 0o600); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close()) // what the drill makes must not outlive it
}

// proved takes a drill out, by its folder.
func proved(dir string) error {
	err := os.Remove(filepath.Join(filepath.Dir(filepath.Dir(dir)), unprovedDir, filepath.Base(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unprovedDrills are the folders of a home's drills of which it is not proved that nothing is left, oldest first; all
// of its drills where that is not known, or all is set, and then learnt is to be called when each of them was looked at.
func unprovedDrills(home string, all bool) (dirs []string, learnt func() error, err error) {
	index := filepath.Join(home, unprovedDir)
	if _, err := os.Stat(filepath.Join(index, allKnown)); err != nil || all {
		dirs, err := List(home)
		return dirs, func() error { return complete(index, dirs) }, err
	}
	entries, err := os.ReadDir(index)
	if err != nil {
		return nil, nil, fmt.Errorf("list the drills whose clean-up is not proved: %w", err)
	}
	for _, e := range entries {
		dir := filepath.Join(home, "drills", e.Name())
		switch _, err := os.Stat(filepath.Join(dir, journalName)); {
		case strings.HasPrefix(e.Name(), "."):
		case err == nil:
			dirs = append(dirs, dir)
		default:
			forget(e, dir)
		}
	}
	return dirs, func() error { return nil }, nil
}

// forget takes out a drill that has no journal, and is not about to begin one.
func forget(e fs.DirEntry, dir string) {
	if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > aboutToBegin {
		_ = proved(dir) // it costs a look each time, and nothing else
	}
}

// aboutToBegin is longer than any drill takes from its entry to its journal.
const aboutToBegin = time.Hour

// complete enters what a look at all drills of a home found unproved, and says that nothing is missing. Drills that
// began meanwhile have entered themselves.
func complete(index string, dirs []string) error {
	for _, dir := range dirs {
		if isMarked(dir) {
			continue
		}
		if err := beginsUnproved(filepath.Dir(index), filepath.Base(dir)); err != nil {
			return fmt.Errorf("enter drill %s as not proved clean: %w", filepath.Base(dir), err)
		}
		if isMarked(dir) { // it ended meanwhile
			if err := proved(dir); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(index, 0o700); err != nil {
		return fmt.Errorf("remember which drills are not proved clean: %w", err)
	}
	return os.WriteFile(filepath.Join(index, allKnown), nil, 0o600)
}
