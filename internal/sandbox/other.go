//go:build !linux

package sandbox

import (
	"errors"
	"io"

	"lifeboat/internal/decoy"
)

var errLinux = errors.New("sandboxes are Linux network namespaces: this executable was built for another system")

func run(Config, io.Writer) error { return errLinux }

func runDecoy(decoy.Kind, io.Writer) error { return errLinux }

func kill([]string) error { return errLinux }
