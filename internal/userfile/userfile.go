// Package userfile opens the files that a user names: scenarios, secrets, flows, scripts, lists of digests, backups.
// Whatever lies there, opening it never waits and reading it ends: a pipe without a writer would hang lifeboat for
// ever, and a device has no end.
package userfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Errors, as the cause of a *fs.PathError.
var (
	ErrNotFile  = errors.New("not a file") // with what it is
	ErrTooLarge = errors.New("too large")  // with the limit
)

// flags of opening: a pipe does not wait for its writer, a terminal does not become ours.
const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY

// Open opens a regular file, at its end links followed. Others are refused with ErrNotFile, before they are opened
// where that can be told: a device may act on it.
func Open(path string) (*os.File, error) {
	return open(path, func() (fs.FileInfo, error) { return os.Stat(path) },
		func() (*os.File, error) { return os.OpenFile(path, flags, 0) })
}

// OpenIn is Open for a path that must not leave a folder.
func OpenIn(root *os.Root, path string) (*os.File, error) {
	return open(path, func() (fs.FileInfo, error) { return root.Stat(path) },
		func() (*os.File, error) { return root.OpenFile(path, flags, 0) })
}

func open(path string, look func() (fs.FileInfo, error), open func() (*os.File, error)) (*os.File, error) {
	info, err := look()
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return nil, err
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil { // another one may have come since
		err = regular(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Read reads a regular file whole: ErrTooLarge when it holds more than most bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	return read(f, err, path, most)
}

// ReadIn is Read for a path that must not leave a folder.
func ReadIn(root *os.Root, path string, most int64) ([]byte, error) {
	f, err := OpenIn(root, path)
	return read(f, err, path, most)
}

// read what was opened, or not.
func read(f *os.File, err error, path string, most int64) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is %w: more than %d bytes", ErrTooLarge, most)}
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func regular(path string, info fs.FileInfo) error {
	what := "something else"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("it is %s, %w", what, ErrNotFile)}
}
