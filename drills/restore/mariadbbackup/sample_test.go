package mariadbbackup

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
	"lifeboat/scenarios"
)

const image = "lifeboat/mariadb:10.11"

// makes is the script that writes what is restored.
//
//go:embed testdata/make.sh
var makes string

type files = accident.Folder

// made is what a real server's mariadb-backup made, by path.
var made = sync.OnceValues(func() (files, error) { return restoretest.Made(image, "mysql", makes) })

func sample(t testing.TB) files {
	t.Helper()
	return restoretest.Sample(t, image, "ci/images/kinds.sh", made)
}

func loader(t testing.TB, text string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("mariadb-backup", text)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

// folder is a tree as a store streams it, file one file.
func folder(of files) restore.Source {
	s := restoretest.Source("db", "2026", []byte(of.Tarred()), "")
	s.Point.Dir = true
	return s
}

func oneFile(content string) restore.Source {
	return restoretest.Source("db", "2026.xb", []byte(content), "")
}

// flip changes one bit in the middle of a file, or at a place.
func flip(content string, at int) string {
	b := []byte(content)
	b[at] ^= 1
	return string(b)
}

// replace changes a word of a small file.
func replace(content, old, new string) string {
	if !strings.Contains(content, old) {
		panic(fmt.Sprintf("no %q in %q", old, content))
	}
	return strings.Replace(content, old, new, 1)
}
