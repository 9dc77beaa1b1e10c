package binlog

import (
	_ "embed"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
)

const image = "lifeboat/mariadb:10.11"

// makes is the script that writes what is read.
//
//go:embed testdata/make.sh
var makes string

type files = accident.Folder

// made is what a real server and its programs made, by path.
var made = sync.OnceValues(func() (files, error) { return restoretest.Made(image, "mysql", makes) })

func sample(t testing.TB) files {
	t.Helper()
	return restoretest.Sample(t, image, "ci/images/kinds.sh", made)
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
