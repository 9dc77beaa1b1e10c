// Package oci makes a bootable image of an image archive: one of docker save,
// or an OCI layout in a tar or a folder. Every digest in it is verified here,
// since an engine takes archives whose parts are missing, changed or exchanged.
package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind oci.
type Settings struct {
	Tag      string `yaml:"tag"`      // name and tag, or id; needed when the archive holds several
	Platform string `yaml:"platform"` // os/architecture; default linux and this host's
}

// Imager makes images of archives; safe for concurrent use.
type Imager struct {
	tag      string
	os, arch string
	large    int64 // bytes; see largeEnough
}

// New makes the imager of its settings.
func New(s scenarios.Settings) (*Imager, []scenarios.Problem) {
	c := Settings{Platform: "linux/" + runtime.GOARCH}
	problems := s.Decode(&c)
	osName, arch, ok := strings.Cut(c.Platform, "/")
	if !ok || osName == "" || arch == "" {
		problems = append(problems, s.Problem("platform", "write it like linux/amd64", "%q is no platform", c.Platform))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Imager{tag: c.Tag, os: osName, arch: arch, large: largeEnough}, nil
}

// Fits implements restore.Fitting.
func (i *Imager) Fits(of instance.Traits) error {
	if of.Boots != instance.Images {
		return errors.New("an image archive boots a container")
	}
	return nil
}

// broken says what is wrong with an archive.
type broken struct{ reason string }

func (e *broken) Error() string { return e.reason }

func bad(format string, args ...any) error { return &broken{reason: fmt.Sprintf(format, args...)} }

// within tells where something is wrong; it stays the kind of error that it is.
func within(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }

// Image reads the backup twice: once to verify it, once to hand to the engine what was
// verified and nothing else. An archive keeps its contents' list at its end, so one
// pass cannot do both.
func (i *Imager) Image(ctx context.Context, s restore.Source, driver instance.Driver) (restore.Outcome, error) {
	to, ok := instance.As[instance.ImageLoader](driver)
	if !ok {
		return restore.Outcome{}, fmt.Errorf("restore %s: instances of this kind boot no container image", s.Backup)
	}
	archive, digest, err := i.verify(ctx, s)
	if err != nil {
		return restore.Outcome{}, classify(s.Backup, err)
	}
	wanted, err := i.choose(archive)
	if err != nil {
		return restore.Outcome{}, classify(s.Backup, err)
	}
	facts := wanted.facts(wanted.says)
	reading, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := s.Open(reading)
	if err != nil {
		return restore.Outcome{}, classify(s.Backup, err)
	}
	defer stream.Close()
	pr, pw := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := i.write(reading, pw, stream, wanted, digest)
		written <- err
		pw.CloseWithError(err)
	}()
	ref, err := to.LoadImage(ctx, instance.ImageArchive{Archive: pr, ID: wanted.id, Layers: wanted.plain(), Name: s.Backup})
	pr.CloseWithError(io.ErrClosedPipe)
	if err != nil {
		stop() // the rest of a throttled backup may take hours
	}
	// What broke the archive on the way explains what the engine said of it.
	if e := <-written; e != nil && !errors.Is(e, io.ErrClosedPipe) && (err == nil || !errors.Is(e, context.Canceled)) {
		err = e
	} else if e != nil && err == nil {
		err = errors.New("the engine did not read the archive to its end")
	}
	if err != nil {
		return restore.Outcome{}, classify(s.Backup, err)
	}
	return restore.Outcome{Image: ref, Digest: stream.Digest(), Bytes: stream.Bytes(), Told: restore.Told{Notes: wanted.notes},
		Facts: facts}, nil
}

// Exposes implements restore.Exposing.
func (i *Imager) Exposes(ctx context.Context, s restore.Source) ([]int, error) {
	archive, _, err := i.verify(ctx, s)
	if err != nil {
		return nil, classify(s.Backup, err)
	}
	wanted, err := i.choose(archive)
	if err != nil {
		return nil, classify(s.Backup, err)
	}
	return wanted.facts(wanted.says).TCP, nil
}

// classify makes one of the contract's errors of what is the backup's fault.
func classify(backup string, err error) error {
	if named := restore.Named(backup, err); named != nil {
		return named
	}
	if errors.As(err, new(*broken)) || errors.As(err, new(*store.Mismatch)) {
		return &restore.BackupError{Backup: backup, Reason: err.Error()}
	}
	if refused, ok := errors.AsType[*instance.RefusedError](err); ok {
		return &restore.BackupError{Backup: backup, Reason: fmt.Sprintf("every digest in it is right, and yet %s", refused.Error())}
	}
	return fmt.Errorf("restore %s: %w", backup, err)
}

// verify reads the archive to its end and checks the digest of every part.
func (i *Imager) verify(ctx context.Context, s restore.Source) (*archive, string, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return nil, "", err
	}
	defer stream.Close()
	a, err := i.read(ctx, stream)
	if mismatch := readOn(stream, err); mismatch != nil {
		return nil, "", mismatch
	}
	if err != nil {
		return nil, "", err
	}
	return a, stream.Digest(), nil
}

// readOn reads the rest of a stream and tells whether its digest explains an error.
func readOn(stream io.Reader, err error) error {
	var mismatch *store.Mismatch
	if errors.As(err, &mismatch) {
		return mismatch
	}
	var mine *broken
	if err != nil && !errors.As(err, &mine) {
		return nil
	}
	_, e := io.Copy(io.Discard, stream)
	if errors.As(e, &mismatch) {
		if mine != nil {
			return bad("%v; %v", mismatch, err)
		}
		return mismatch
	}
	return e
}
