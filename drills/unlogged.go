package drills

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/ledger"
	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/internal/filelock"
)

// unloggedDir of a home holds an empty file for each drill that is not in the home's log yet: it is made before the drill's folder. So a
// start looks at these few; it may be thrown away, since lifeboat audit and lifeboat sweep look at all.
const unloggedDir = "unlogged"

// beginsUnlogged enters a drill that is about to begin.
func beginsUnlogged(home, id string) error {
	dir := filepath.Join(home, unloggedDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, id), nil, 0o600)
}

// Log seals the evidence of a drill that has ended, with its reports, and enters it into the log of its home, once.
func Log(home, id string, s evidence.Sealing) error {
	if err := evidence.LogDrill(home, id, s); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(home, unloggedDir, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// LogAll logs what nobody came to: drills whose process died, or was killed between their end and their log. With all it looks at every drill and
// night of a home, and gives those that are still under way.
func LogAll(home string, all bool, s evidence.Sealing) (open []evidence.Open, err error) {
	var errs []error
	ids, err := unlogged(home, all)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		dir := filepath.Join(home, "drills", id)
		switch over, err := isOver(dir); {
		case err != nil:
			errs = append(errs, fmt.Errorf("log drill %s: %w", id, err))
		case over:
			s.Now = time.Now()
			errs = append(errs, Log(home, id, s))
		default:
			h := headerOf(dir)
			open = append(open, evidence.Open{Drill: id, Series: h.Series, Number: h.Number})
		}
	}
	if all {
		errs = append(errs, logNights(home, s))
		s.Now = time.Now()
		errs = append(errs, evidence.LogAddenda(home, s))
	}
	return open, errors.Join(errs...)
}

// unlogged are the drills of a home that are not in its log.
func unlogged(home string, all bool) (ids []string, err error) {
	dir := filepath.Join(home, unloggedDir)
	if all {
		dir = filepath.Join(home, "drills")
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the drills that are not logged: %w", err)
	}
	for _, e := range entries {
		folder := filepath.Join(home, "drills", e.Name())
		_, err := os.Stat(filepath.Join(folder, journalName))
		switch {
		case strings.HasPrefix(e.Name(), "."), err == nil && all && evidence.Logged(folder):
		case err == nil:
			ids = append(ids, e.Name())
		case !all:
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > aboutToBegin {
				_ = os.Remove(filepath.Join(dir, e.Name())) // it never began; that costs a look each time, and nothing else
			}
		}
	}
	return ids, nil
}

// isOver tells whether nobody writes a drill's journal or reports any more. One that its own process sealed is logged by that process, while
// it lives: the reports come after the seal. One without a ledger was begun by no lifeboat that is known.
func isOver(dir string) (bool, error) {
	scope, err := ledger.LoadScope(dir)
	if err == nil && scope.Owner.Alive() == ledger.Alive { // before its journal is touched: it may be about to lock it
		return false, nil
	}
	if _, e := os.Stat(filepath.Join(filepath.Dir(filepath.Dir(dir)), unprovedDir, filepath.Base(dir))); e == nil && err == nil &&
		time.Now().Before(scope.Deadline) { // the clean-up belongs to the evidence, and is not over
		return false, nil
	}
	f, e := os.Open(filepath.Join(dir, journalName))
	if e != nil {
		return false, e
	}
	defer f.Close() //nolint:errcheck // it was only read
	switch err := filelock.Exclusive(f, 0); {
	case errors.Is(err, filelock.ErrLocked):
		return false, nil
	case err != nil:
		return false, err
	}
	if err != nil || scope.Owner.Alive() == ledger.Dead {
		return true, nil
	}
	if r, _, err := Judge(dir); err == nil && r.Status == record.RunCompleted { // of another host or boot: it cannot be asked
		return true, nil
	}
	return time.Now().After(scope.Deadline), nil
}

// logNights logs the nights that came to their end.
func logNights(home string, s evidence.Sealing) error {
	entries, err := os.ReadDir(night.Dir(home))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list the nights: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || evidence.Logged(filepath.Join(night.Dir(home), e.Name())) {
			continue
		}
		if n, err := night.Read(home, e.Name()); err == nil && n.Sealed() {
			s.Now = time.Now()
			errs = append(errs, evidence.LogNight(home, e.Name(), s))
		}
	}
	return errors.Join(errs...)
}
