// Package program holds the executable that runs inside sandboxes, so that one file is all that a user copies.
package program

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"sync"
)

// The Makefile builds cmd/lifeboat-sandbox into this folder before lifeboat. It is never committed; without it
// everything compiles, and what needs a sandbox says so.
//
//go:embed all:embedded
var files embed.FS

const path = "embedded/lifeboat-sandbox"

// Executable returns the static program for the processor that this lifeboat was built for, or says how to get it. It is read where it lies
// in lifeboat: a copy would be seven megabytes of memory for as long as lifeboat runs.
var Executable = sync.OnceValues(func() (*io.SectionReader, error) {
	f, err := files.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("this lifeboat was built without the program of its sandboxes; build it with make build")
	}
	if err != nil {
		return nil, err
	}
	i, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f.(io.ReaderAt), 0, i.Size()), nil // files of embed.FS are readers at any place
})
