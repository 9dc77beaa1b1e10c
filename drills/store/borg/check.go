package borg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
)

// cast makes a repository on the room's volume whose segments are links to those of the real one, which nobody can write to. borg finds it
// there from then on: it checks one in a transaction, and keeps an index and hints there that it makes again. No archive holds its name.
func (v *visit) cast() error {
	at := store.RoomVolume + "/.lifeboat-" + rand.Text()
	script := "mkdir " + at + " && cd " + store.RoomMount + " && for f in *; do [ -d $f ] || cp $f " + at + "/; done && cp -rs $PWD/data " + at + "/"
	if err := v.shell(script); err != nil {
		return v.s.problem("name an image that holds borg, and a shell with coreutils", "prepare a folder for borg: %v", err)
	}
	v.shadow = at
	return nil
}

// lift takes it away, so that the volume holds nothing but what borg extracted.
func (v *visit) lift() error {
	if v.shadow == "" {
		return nil
	}
	if err := v.shell("rm -rf " + v.shadow); err != nil {
		return v.s.problem("", "remove what was prepared for borg: %v", err)
	}
	return nil
}

func (v *visit) shell(script string) error {
	var said repository.Tail
	if err := v.Run(v.ctx, store.Tool{Args: []string{"sh", "-c", script}, Stderr: &said}); err != nil {
		return fmt.Errorf("%w: %s", err, repository.First(said.String()))
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
	if err := v.cast(); err != nil {
		return nil, err
	}
	words := []string{store.RoomMount}
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
