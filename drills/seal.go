package drills

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// seal ends the journal, computes the record from it, and judges. It comes
// after the clean-up, so that the record holds the proof of it.
func (d *drill) seal(left []record.CleanupEvent) (*Result, error) {
	var errs []error
	errs = append(errs, d.rawFiles(), d.unheld())
	errs = append(errs, d.Append(record.KindSealed, record.Subject{}, record.Sealed{Status: record.RunCompleted}))
	if d.clean && errors.Join(errs...) == nil {
		errs = append(errs, markClean(d.dir))
	}
	errs = append(errs, d.journal.Close(), d.ledger.Close())
	if d.reaper != nil && d.clean {
		errs = append(errs, d.reaper.Release())
	} else if d.reaper != nil {
		errs = append(errs, d.reaper.Keep()) // it tries once more at the deadline; lifeboat sweep does before
	}
	r, v, err := Judge(d.dir)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("seal drill %s: %w", d.id, err)
	}
	if err := writeRecord(d.dir, r); err != nil {
		return nil, err
	}
	return &Result{Drill: d.id, Dir: d.dir, Record: r, Verdict: v, Left: left}, nil
}

// unheld says for how long the drill had no reaper: it was clean all the same, but nobody stood by.
func (d *drill) unheld() error {
	if d.reaper == nil {
		return nil
	}
	var sum time.Duration
	gaps := d.reaper.Gaps()
	for _, gap := range gaps {
		sum += gap
	}
	if len(gaps) == 0 {
		return nil
	}
	return d.Append(record.KindObservation, record.Subject{}, record.Observation{ID: "reaper.gone", Args: map[string]string{
		"count": strconv.Itoa(len(gaps)), "span": sum.Round(time.Millisecond).String()}})
}

// Judge reads a drill's journal and judges it: anybody can, at any time.
func Judge(dir string) (*record.Record, record.Verdict, error) {
	b, err := os.ReadFile(filepath.Join(dir, journalName))
	if err != nil {
		return nil, record.Verdict{}, fmt.Errorf("read the journal: %w", err)
	}
	events, err := record.Read(bytes.NewReader(b))
	var damage *record.Damage
	if err != nil && !(errors.As(err, &damage) && damage.Torn) { // what stands before a torn end is good
		return nil, record.Verdict{}, fmt.Errorf("read the journal of %s: %w", filepath.Base(dir), err)
	}
	r, err := record.Build(events)
	if err != nil {
		return nil, record.Verdict{}, fmt.Errorf("compute the record of %s: %w", filepath.Base(dir), err)
	}
	return r, objective.Judge(r), nil
}

func writeRecord(dir string, r *record.Record) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the record: %w", err)
	}
	if err := writeWhole(filepath.Join(dir, "record.json"), b); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, line []byte) error {
	if err := os.WriteFile(path+".new", append(line, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// rawFiles enters everything under raw/ by its digest, and the list of what was asked.
func (b *books) rawFiles() error {
	list := filepath.Join(b.dir, askedList)
	if _, err := os.Stat(list); err == nil { // none where the drill ended before it
		if err := b.rawFile(list); err != nil {
			return err
		}
	}
	return filepath.WalkDir(filepath.Join(b.dir, "raw"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return b.rawFile(path)
	})
}

// rawFile enters one file by its digest.
func (b *books) rawFile(path string) error {
	digest, size, err := digestFile(path)
	if err != nil {
		return fmt.Errorf("digest %s: %w", path, err)
	}
	rel, err := filepath.Rel(b.dir, path)
	if err != nil {
		return err
	}
	return b.Append(record.KindRaw, record.Subject{}, record.RawFile{Path: filepath.ToSlash(rel), Digest: digest, Size: size})
}

func digestFile(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), n, err
}
