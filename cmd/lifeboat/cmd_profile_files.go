package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/internal/tree"
)

// filesAnswer is what was written of a tree of files.
type filesAnswer struct {
	File    string  `json:"file"`
	Digest  string  `json:"digest"`
	Files   int64   `json:"files"`
	Bytes   int64   `json:"bytes"`
	Paths   int64   `json:"paths"`
	Seconds float64 `json:"seconds"`
}

// profileFiles writes the manifest of the tree in a folder.
func (a *app) profileFiles(c *cobra.Command, f profileFlags) error {
	for _, name := range []string{"host", "port", "user", "database", "password-env", "password-file", "all-databases", "sample", "seed", "timeout", "kind"} {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--files and --%s: one of the two", name)
		}
	}
	switch {
	case c.ArgsLenAtDash() >= 0:
		return errors.New("--files and a dump: one of the two")
	case f.file == "":
		return errors.New("-o FILE is missing: name the manifest, such as files.tar.gz.profile.json")
	}
	began := time.Now()
	got := filesAnswer{File: f.file}
	sum := sha256.New()
	var all []tree.Entry
	if err := tree.Walk(f.files, 1, func(e tree.Entry) error {
		all = append(all, e)
		return c.Context().Err()
	}); err != nil {
		return fmt.Errorf("read %s: %w; no manifest is written", f.files, err)
	}
	totals := tree.Sum(all)
	if why := totals.Empty(); why != "" {
		return fmt.Errorf("read %s: %s; no manifest is written", f.files, why)
	}
	if err := replaceFile(f.file, func(w io.Writer) error {
		m, err := tree.NewWriter(io.MultiWriter(w, sum), began.UTC())
		for _, e := range all {
			if err == nil {
				err = m.Add(e)
			}
		}
		if err == nil {
			err = m.Close()
		}
		return err
	}); err != nil {
		return err
	}
	got.Digest, got.Files, got.Bytes, got.Paths = "sha256:"+hex.EncodeToString(sum.Sum(nil)), totals.Files, totals.Bytes, int64(len(all))
	got.Seconds = time.Since(began).Seconds()
	if a.json {
		return json.NewEncoder(a.stdout).Encode(got)
	}
	_, err := fmt.Fprintf(a.stderr, "wrote %s, %s: %d files of %d bytes, %d paths, read in %.1f s\n", got.File, got.Digest, got.Files, got.Bytes, got.Paths,
		got.Seconds)
	return err
}

// replaceFile writes a file whole, or leaves what was there.
func replaceFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	defer os.Remove(f.Name()) // where it is not gone with its new name
	if err = errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	return nil
}
