// Command quarter replays a quarter of drills and nights into a home, and logs them: see package replay.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "quarter VECTORS HOME FIRST-DAY")
		os.Exit(2)
	}
	begin, err := time.Parse(time.DateOnly, os.Args[3])
	if err == nil {
		var ids []string
		if ids, err = replay.Quarter(os.Args[1], os.Args[2], begin); err == nil {
			for _, id := range ids { // those of a replay are made up, and no lifeboat wrote them
				err = errors.Join(err, os.RemoveAll(filepath.Join(os.Args[2], "drills", id, "reports")))
			}
		}
		if err == nil {
			err = replay.Log(os.Args[2], ids, evidence.Sealing{Tool: "0.1.0"})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quarter:", err)
		os.Exit(1)
	}
}
