package borg

import (
	"bytes"
	"context"
	"errors"
	"io"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
)

// shadowed is where borg finds the repository when it checks it: its check begins with a transaction, which a mount that cannot be written to refuses.
const shadowed = store.RoomVolume + "/repository"

// shadow makes a repository on the room's volume whose segments are links to those of the real one, which nobody can write to.
func (v *visit) shadow() error {
	const script = "mkdir " + shadowed + " && cd " + store.RoomMount +
		" && for f in *; do [ -d $f ] || cp $f " + shadowed + "/; done && cp -rs $PWD/data " + shadowed + "/"
	var said repository.Tail
	if err := v.Run(v.ctx, store.Tool{Args: []string{"sh", "-c", script}, Stderr: &said}); err != nil {
		return v.s.problem("name an image that holds borg, and a shell with coreutils", "prepare a check by borg: %v: %s", err, repository.First(said.String()))
	}
	return nil
}

// Check implements store.Checker. borg ends with a warning where it found something, and says so.
func (s *Store) Check(ctx context.Context) (c *store.Checked, err error) {
	if s.set.Check == "" {
		return nil, nil
	}
	v, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	var version bytes.Buffer
	if err := v.Run(v.ctx, store.Tool{Args: []string{"borg", "--version"}, Stdout: &version}); err != nil {
		return nil, s.problem("name an image that holds borg", "run borg of image %s: %v", s.set.Image, err)
	}
	if err := v.shadow(); err != nil {
		return nil, err
	}
	words := []string{shadowed}
	if s.set.Check == "data" {
		words = append(words, "--verify-data")
	}
	said, ended := v.run(io.Discard, "check", words...)
	c, err = s.set.Checks.Judge(repository.First(version.String()), ended, said, "s found", func() error { return v.judge("", ended, said) })
	if c != nil && c.Wrong != "" {
		err = v.unlessChanged(nil)
	}
	return c, err
}
