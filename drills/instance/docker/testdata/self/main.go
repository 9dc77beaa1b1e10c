// Command self stands in for lifeboat's own executable in the driver's tests.
package main

import (
	"os"

	"lifeboat/internal/sandbox"
)

func main() {
	if len(os.Args) < 3 || os.Args[1] != "internal" {
		os.Exit(2)
	}
	exit, _ := sandbox.Dispatch(os.Args[2:])
	os.Exit(exit)
}
