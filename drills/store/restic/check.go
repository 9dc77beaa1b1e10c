package restic

import (
	"context"
	"errors"
	"io"

	"lifeboat/drills/store"
)

// Check implements store.Checker. What it found is told by the words of restic, which are the same in all versions; no exit code is (1 is also what could not
// be asked before 0.17).
func (s *Store) Check(ctx context.Context) (c *store.Checked, err error) {
	if s.set.Check == "" {
		return nil, nil
	}
	v, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if err := v.askVersion(); err != nil {
		return nil, err
	}
	words := []string{"check"}
	if s.set.Check == "data" {
		words = append(words, "--read-data")
	}
	said, ended := v.run(io.Discard, words...)
	if refused, trouble := v.seen.otherwise(); trouble != nil || refused != "" {
		return nil, v.judge("", ended, said)
	}
	return s.set.Checks.Judge(s.Version(), ended, said, "repository contains errors", func() error { return v.judge("", ended, said) })
}
