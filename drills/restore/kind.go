package restore

import (
	"context"
	"fmt"
	"path"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
	"lifeboat/internal/lazy"
)

// Looker is a Loader or an Imager that tells from the beginning of a backup what cannot be restored, within seconds and
// before anything boots. What it does not tell is no word on the backup.
type Looker interface {
	// Look reads no more than it must. *KindError and *BackupError are as those of a restore; what cannot be asked now is
	// asked again when the backup is restored, so other errors end nothing.
	Look(ctx context.Context, s Source) error
}

// Reader is a Loader or an Imager that can read a backup to its end without restoring it.
type Reader interface {
	// Read verifies what shows without a machine; its errors are those of a restore. Outcome has digest, bytes and time.
	Read(ctx context.Context, s Source) (Outcome, error)
}

// Dater is a Loader that tells from the beginning of a backup when it was made.
type Dater interface {
	// Made is Outcome.Made; "" where the backup does not say so near its beginning.
	Made(ctx context.Context, s Source) (string, error)
}

// Environed is an Imager that tells without restoring it what environment its image sets.
type Environed interface {
	// Env is empty where that cannot be told from the image's description alone.
	Env(ctx context.Context, s Source) (map[string]string, error)
}

// Exposing is an Imager of images that say which ports they serve.
type Exposing interface {
	// Exposes are the TCP ports that the image of a backup exposes. It reads all of the backup.
	Exposes(ctx context.Context, s Source) ([]int, error)
}

// KindError says that what lies in the place of a backup is of a kind that is not restored as the scenario says. It is
// a finding where that is no backup at all; otherwise it is no word on the backup, and the drill is inconclusive.
type KindError struct {
	Backup string
	Found  filekind.Found
	Why    string // one of unpack.Whys; "" where the kind says it all
	File   string // name of the restore point, for the command that unpacks it
}

// Bad tells whether there is no backup at all.
func (e *KindError) Bad() bool { return e.Found.Class == filekind.Nothing }

// Reason is the error without the backup's name.
func (e *KindError) Reason() string {
	s := "it is " + e.Found.Words
	if e.Found.Said != "" {
		s += fmt.Sprintf(": %q", e.Found.Said)
	}
	if e.Why != "" {
		s += ", and it " + unpack.Whys[e.Why]
	}
	if command := e.Found.Command(e.File); command != "" {
		s += " (unpack it with " + command + ")"
	}
	return s
}

func (e *KindError) Error() string { return fmt.Sprintf("restore %s: %s", e.Backup, e.Reason()) }

// Fact is the error for the record.
func (e *KindError) Fact() *record.FileKind {
	return &record.FileKind{Name: e.Found.Name, Said: e.Found.Said, Why: e.Why, Command: e.Found.Command(e.File)}
}

var piece = lazy.Regexp(`(?:^x|\.)a[a-z]$|\.(?:part|z|r)\d+(?:\.rar)?$|\.0\d\d$|(?:^|\D)\.0\d$`) // shop.2026.11.08 is of a day

// Piece tells whether what is wrong with a restore point may be that it is a piece of a larger file, as split and archivers call them: none is bad
// for not being whole. One that is not what was promised of it is.
func Piece(p store.Point, reason string) bool {
	return !p.Dir && piece().MatchString(path.Base(p.ID)) && !(p.Digest.Given() && strings.Contains(reason, p.Digest.String()))
}

// MisfitError says that a backup is made for something else than what it is to be restored to: no word on the backup.
type MisfitError struct {
	Backup string
	What   string // one of the constants below
	Has    string // what the backup is made for
	Wants  string // what is there
}

// What does not fit. Each has words and a next step in the catalogue, as misfit.WHAT and misfit_next.WHAT.
const (
	MisfitPlatform = "platform" // of an image: os/architecture
	MisfitServer   = "server"   // of a dump: the server's version, which must not be newer than the one that loads it
	MisfitSnapshot = "snapshot" // of a server's own files: the version of a server that reads them
	MisfitArchive  = "archive"  // of a dump: the version of the program that reads it
	MisfitData     = "data"     // of a data folder: the server, which must be of that very version
	MisfitMachine  = "machine"  // of a data folder: the kind of machine that it was written on
)

// Reason is the error without the backup's name.
func (e *MisfitError) Reason() string {
	switch e.What {
	case MisfitServer:
		return fmt.Sprintf("it was dumped from %s, and the instance's image has %s (take an image of that version or later)", e.Has,
			e.Wants)
	case MisfitSnapshot:
		return fmt.Sprintf("it was written by %s, and the instance's image has %s, which does not read it (take an image of that version or "+
			"later)", e.Has, e.Wants)
	case MisfitData:
		return fmt.Sprintf("its data folder is that of %s, and the instance's image has %s (take an image of that very version)", e.Has, e.Wants)
	case MisfitMachine:
		return fmt.Sprintf("its data folder was written on %s, and here is %s (drill it on such a host)", e.Has, e.Wants)
	case MisfitArchive:
		return fmt.Sprintf("its format is read by %s or later, and the instance's image has %s (take an image of that version or "+
			"later, or name a newer client in it: restore.programs)", e.Has, e.Wants)
	}
	return fmt.Sprintf("its image is for %s, wanted is %s (set platform:, or drill it on such a host)", e.Has, e.Wants)
}

func (e *MisfitError) Error() string { return fmt.Sprintf("restore %s: %s", e.Backup, e.Reason()) }
