package main

import (
	"cmp"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/userfile"
)

// thisProgram is the lifeboat that runs. It is read once: a night begins hundreds of drills.
var thisProgram = sync.OnceValue(func() record.Program {
	var p record.Program
	if info, ok := debug.ReadBuildInfo(); ok {
		p.Commit, p.Modified = commitOf(info)
	}
	p.Digest, _ = fileDigest("/proc/self/exe") // what cannot be read is not known
	return p
})

// k6Program is the k6 of the sidecar that drills run.
var k6Program = sync.OnceValue(func() record.Program {
	path, err := sidecar()
	if err != nil {
		return record.Program{}
	}
	return k6Of(path)
})

func k6Of(sidecar string) (p record.Program) {
	f, err := userfile.Open(sidecar)
	if err != nil {
		return p
	}
	defer f.Close() //nolint:errcheck // it was only read
	if p.Digest, err = digestOf(f); err != nil {
		return record.Program{}
	}
	if info, err := buildinfo.Read(f); err == nil {
		p.Commit, p.Modified = commitOf(info)
		for _, d := range info.Deps {
			if d.Path == k6Module || strings.HasPrefix(d.Path, k6Module+"/v") { // of whichever major version
				p.Version = d.Version
			}
		}
	}
	return p
}

const k6Module = "go.k6.io/k6"

// commitOf says of which commit a program was built, and whether of other files than that has; "" where the build does not say.
func commitOf(info *debug.BuildInfo) (commit string, modified bool) {
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	return commit, modified
}

// slotVariable says for whom starts drills by a timer when they were to begin.
const slotVariable = "LIFEBOAT_PLANNED"

// slot is when a drill was to begin; nil: nobody says.
func slot(said string) (*time.Time, error) {
	said = cmp.Or(said, os.Getenv(slotVariable))
	if said == "" {
		return nil, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, said); err == nil {
			return &at, nil
		}
	}
	return nil, fmt.Errorf("--planned %q: write a time with its zone, like 2026-11-20T02:00+08:00", said)
}
