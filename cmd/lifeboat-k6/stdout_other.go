//go:build !unix

package main

import "os"

// setStdoutAside returns the real standard output and lets k6 write to standard error instead.
func setStdoutAside() (*os.File, error) {
	out := os.Stdout
	os.Stdout = os.Stderr
	return out, nil
}
