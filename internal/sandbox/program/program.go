// Package program holds the executable that runs inside sandboxes, so that one file is all that a user copies.
package program

import (
	"embed"
	"errors"
	"io/fs"
	"sync"
)

// The Makefile builds cmd/lifeboat-sandbox into this folder before lifeboat. It is never committed; without it
// everything compiles, and what needs a sandbox says so.
//
//go:embed all:embedded
var files embed.FS

const path = "embedded/lifeboat-sandbox"

// Executable returns the static program for the processor that this lifeboat was built for, or says how to get it. It is megabytes, and
// every drill of a process has the same ones: nobody may change them.
var Executable = sync.OnceValues(func() ([]byte, error) {
	b, err := files.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("this lifeboat was built without the program of its sandboxes; build it with make build")
	}
	return b, err
})
