//go:build !linux

package tree

import (
	"errors"
	"io"
)

var errLinux = errors.New("trees are read from folders, and unpacked, on Linux alone")

// Walk is for Linux.
func Walk(string, int, func(Entry) error) error { return errLinux }

// Unpack is for Linux.
func Unpack(string, io.Reader) (Made, error) { return Made{}, errLinux }

// Pack is for Linux.
func Pack(string, io.Writer) error { return errLinux }
