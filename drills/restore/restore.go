// Package restore is the contract of the ways in which a backup becomes a
// running system: an Imager makes something bootable of it, a Loader loads it
// into a booted machine.
package restore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/internal/tree"
)

// Source opens the backup again and again: some formats need two passes.
type Source struct {
	Backup string // name in the scenario
	Point  store.Point
	Open   func(ctx context.Context) (store.Stream, error) // already throttled and counted by the engine
	// OpenAt reads it where it lies, throttled by the engine; nil: the store cannot.
	OpenAt func(ctx context.Context) (store.Random, error)
	// Keep gives what fill writes into a file without a name, in the drill's folder, for as long as the drill's machines
	// may read it; nil: nothing is kept.
	Keep func(fill func(*os.File) error) (store.Random, error)
	// Unused: no other instance that could use the machine has been booted yet.
	Unused bool
	// Env is the environment that the image of the instance sets that the backup is loaded into, as far as that is known
	// before it boots. Only for a Looker, and nil where there is no such instance.
	Env func(ctx context.Context) (map[string]string, error)
	// Beside gives another backup of the scenario, one that the Loader Needs; nil: this one is looked at alone.
	Beside func(backup string) (Source, error)
}

// Imager turns a backup into something that a driver can boot.
type Imager interface {
	// Image verifies the backup and hands it to a driver that takes such images: an
	// instance.ImageLoader or an instance.DiskLoader. *BackupError: the backup is bad.
	Image(ctx context.Context, s Source, to instance.Driver) (Outcome, error)
}

// Fitting is an Imager whose images boot only some instances.
type Fitting interface {
	// Fits returns nil, or half a sentence that says what boots them.
	Fits(of instance.Traits) error
}

// Loader loads a backup into a started machine.
type Loader interface {
	// Prepare says what the machine must look like before it starts.
	Prepare(r *instance.Request) error
	// Ready waits until the machine can take the load (not merely listens).
	Ready(ctx context.Context, m instance.Machine) error
	// Load is all or nothing as far as the verdict goes: whatever was not restored is an error.
	// *BackupError: the backup is bad. *ImageError: the instance's image lacks something.
	Load(ctx context.Context, s Source, m instance.Machine) (Outcome, error)
}

// Beforehand is a Loader that loads an instance before that is started: what runs in it finds everything there.
type Beforehand interface {
	Loader
	// Beforehand is the folder of the instance that it fills.
	Beforehand() string
}

// Measuring is a Loader that sees of what it restored to which moment it is consistent: Outcome.Measured.
type Measuring interface{ Measures() bool }

// Needing is a Loader that reads other backups of the scenario too.
type Needing interface {
	// Needs lists them, by the key that names each.
	Needs() map[string]string
}

// Choosing is a Needing that does not take every other backup.
type Choosing interface {
	// Takes returns "", or what another backup, which one of the keys names, is not, and what to name instead.
	Takes(key string, other Loader) (hint, problem string)
}

// Outcome of a restore that worked; of one that did not, the notes.
type Outcome struct {
	Image        string               // of an Imager: the reference to boot
	Facts        *instance.ImageFacts // of an image archive; nil: nobody knows
	Digest       string               // of the bytes as read
	Bytes        int64
	ConsistentTo time.Time // found in the backup itself; zero: it does not say
	ConsistentBy string    // where that was found
	Measured     bool      // ConsistentTo is what the restored system was seen to have reached, whatever was declared of the backup
	Made         string    // when it was made, as the backup itself tells: 2026-01-31 02:00:00, and perhaps a zone
	Told
	// Beside is what became of the other backups that a Needing read, by name: digest and bytes.
	Beside map[string]Outcome
	// Tree is what a Beforehand restored, as it was read afterwards.
	Tree *tree.Restored
	// Part is what of the backup was restored, where the scenario asked for a part; nil: all of it.
	Part *record.Part
	// Verifying is the part of the restore that went into a digest of its own pass; 0: it cost no pass.
	Verifying time.Duration
}

// Told is what a restore had to add, or left out.
type Told struct {
	Notes []string      // in one line each
	Said  []record.Said // the same in their parts, where they have them
}

// Note adds one.
func (t *Told) Note(format string, args ...any) {
	t.Notes, t.Said = append(t.Notes, fmt.Sprintf(format, args...)), append(t.Said, *record.SaidOf(format, args...))
}

// BackupError says that the backup is bad: a finding, the drill has failed.
type BackupError struct {
	Backup string
	Reason string
}

func (e *BackupError) Error() string { return fmt.Sprintf("restore %s: %s", e.Backup, e.Reason) }

// LackError says that the backup needs what the scenario does not give, or cannot be restored alone: the backup may be
// good, the drill is inconclusive.
type LackError struct {
	Backup string
	Lack   string // its kind, as record.Lack has it
	What   string // as it was seen
}

func (e *LackError) Error() string { return fmt.Sprintf("restore %s: %s", e.Backup, e.What) }

// ImageError says that the instance's image lacks something that the backup needs, for
// example an extension: the backup may be good, the drill is inconclusive.
type ImageError struct {
	Backup string
	Reason string
}

func (e *ImageError) Error() string {
	return fmt.Sprintf("restore %s: the instance's image lacks something: %s", e.Backup, e.Reason)
}

// Named is an error of the contract that says which backup it is about: as it is where it says so already, else of this one. nil: err is none.
func Named(backup string, err error) error {
	if x, ok := errors.AsType[*BackupError](err); ok {
		return named(err, x, &x.Backup, backup)
	}
	if x, ok := errors.AsType[*ImageError](err); ok {
		return named(err, x, &x.Backup, backup)
	}
	if x, ok := errors.AsType[*KindError](err); ok {
		return named(err, x, &x.Backup, backup)
	}
	if x, ok := errors.AsType[*LackError](err); ok {
		return named(err, x, &x.Backup, backup)
	}
	if x, ok := errors.AsType[*MisfitError](err); ok {
		return named(err, x, &x.Backup, backup)
	}
	return nil
}

// named fills in the backup where there is none.
func named(err, found error, of *string, backup string) error {
	if *of != "" {
		return err
	}
	*of = backup
	return found
}
