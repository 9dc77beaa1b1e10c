package binlog

import (
	"bytes"
	_ "embed"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
	"lifeboat/internal/needs"
)

const image = "lifeboat/mariadb:10.11"

// makes is the script that writes what is read.
//
//go:embed testdata/make.sh
var makes string

type files = accident.Folder

// made is what a real server and its programs made, by path.
var made = sync.OnceValues(func() (files, error) {
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp:exec", "--user", "mysql", "--entrypoint", "bash", image, "-s")
	var out, told bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(makes), &out, &told
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, told.String())
	}
	return accident.Unpacked(&out)
})

func sample(t testing.TB) files {
	t.Helper()
	if out, err := restoretest.CLI(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
		needs.Skipf(t, "no %s here (run ci/images/kinds.sh): %s", image, out)
	}
	all, err := made()
	require.NoError(t, err)
	return all
}

// word is what the script wrote down.
func word(t testing.TB, of files, key string) string {
	t.Helper()
	for line := range strings.Lines(of["words"]) {
		if k, value, _ := strings.Cut(strings.TrimSpace(line), " "); k == key {
			return value
		}
	}
	t.Fatalf("no %s in %q", key, of["words"])
	return ""
}

func moment(t testing.TB, of files, key string) *time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, word(t, of, key))
	require.NoError(t, err)
	return &at
}

// folder is a tree as a store streams it.
func folder(of files) restore.Source {
	s := restoretest.Source("logs", "2026", []byte(of.Tarred()), "")
	s.Point.Dir = true
	return s
}
