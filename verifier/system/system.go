// Package system holds the checks of the system layer: a command's answer, a
// file, the state of files, packages and kernel before against after, and what
// the machine of an image or of a disk must show without being told.
package system

import (
	"context"
	"strings"

	"lifeboat/scenarios"
	"lifeboat/verifier"
)

var kinds = verifier.Kinds{"command": newCommand, "disk": newDisk, "file": newFile, "image": newImage, "state-unchanged": newState}

// Kinds of checks that New makes.
func Kinds() []string { return kinds.Names() }

// New makes a check of its part of a scenario. dir is the scenario's folder.
func New(spec scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
	return kinds.New("system", spec)
}

// noInstance says that a check names no instance.
func noInstance(s scenarios.Settings) scenarios.Problem {
	return s.Problem("on", "name the instance, on: db", "%s asks an instance", s.Kind)
}

// absent tells that a machine does not have the program at all: 126 and 127 are
// what shells and container engines say then, the latter with a sentence of theirs.
func absent(o verifier.Output) bool {
	said := o.Stdout + o.Stderr
	return (o.Exit == 126 || o.Exit == 127) &&
		(strings.Contains(said, "not found") || strings.Contains(strings.ToLower(said), "no such file"))
}

// try runs a program that a machine need not have. ok is false where it has none.
func try(ctx context.Context, t verifier.Target, on string, args ...string) (o verifier.Output, ok bool, err error) {
	o, err = t.Exec(ctx, on, args)
	if err != nil && strings.Contains(err.Error(), "executable file not found") {
		return o, false, nil // an engine may say so instead of an exit code; it has no type for it
	}
	return o, err == nil && !absent(o), err
}
