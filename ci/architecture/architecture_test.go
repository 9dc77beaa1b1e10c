// Package architecture holds the tests about the house: which package may
// import which, what a package must say of itself, what may not be depended on.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// storeys of the house; every import points down, or to a contract in the same storey
// that the table names. The longest prefix counts.
var storeys = []struct {
	prefix string
	storey int
}{
	{"lifeboat/internal/lazy", -1}, // a word that even leaves use
	{"lifeboat/internal", 0},
	{"lifeboat/drills/record", 1}, {"lifeboat/internal/sandbox", 1}, {"lifeboat/internal/tree", 1},
	{"lifeboat/internal/signing", 1}, {"lifeboat/internal/translog", 1}, // formats that stand on those below
	{"lifeboat/scenarios", 2}, {"lifeboat/drills/ledger", 2},
	{"lifeboat/drills/instance", 3}, {"lifeboat/drills/store", 3}, {"lifeboat/drills/objective", 3}, {"lifeboat/scenarios/library", 3},
	{"lifeboat/drills/store/remote", 3}, {"lifeboat/drills/store/repository", 3}, {"lifeboat/drills/store/checksums", 3}, // what stores share
	{"lifeboat/verifier", 4}, {"lifeboat/verifier/database", 4}, // what checks share
	{"lifeboat/drills/store/chunks", 4}, {"lifeboat/drills/store/sidecars", 4},
	{"lifeboat/drills/secrets", 3}, {"lifeboat/drills/secrets/", backEnds}, // what must not be shown, and what searches for it in tests
	{"lifeboat/drills/night", 4},                                        // a list of check runs and what came of each
	{"lifeboat/drills/restore", 4}, {"lifeboat/drills/restore/dump", 4}, // what loaders of dumps share
	{"lifeboat/drills/restore/", backEnds}, {"lifeboat/drills/fault", backEnds}, {"lifeboat/drills/detect", backEnds},
	{"lifeboat/drills/kernel", backEnds}, {"lifeboat/drills/machines", backEnds},
	{"lifeboat/drills/instance/", backEnds}, {"lifeboat/drills/store/", backEnds},
	{"lifeboat/verifier/", backEnds}, {"lifeboat/reports", backEnds},
	{"lifeboat/drills/evidence", backEnds}, // sealed, signed and verified: it judges drills and reads nights
	{"lifeboat/drills", 6},
	{"lifeboat/cmd", 7}, {"lifeboat/ci", 7},
}

// backEnds is the storey of what the engine knows by a contract alone.
const backEnds = 5

// below are imports within one storey that point down all the same, each with its reason.
var below = map[string][]string{
	// A virtual machine stands in a sandbox of docker's: one seal, one record of attempts to get out, one network.
	"lifeboat/drills/instance/qemu": {"lifeboat/drills/instance/docker"},
	// What tests of loaders and stores share.
	"lifeboat/drills/instance/docker/dockertest": {"lifeboat/drills/instance/instancetest"},
	// It chooses among the systems that are known.
	"lifeboat/verifier/database/dialects": {"lifeboat/verifier/database/mysql", "lifeboat/verifier/database/postgres"},
	// Dumps and physical backups are asked for in the same sessions.
	"lifeboat/drills/restore/mariadbbackup": {"lifeboat/drills/restore/mysql/session", "lifeboat/drills/restore/mysql/binlog"},
	// A repository lies where other backups do, and the ways there are the same.
	"lifeboat/drills/store/restic": {"lifeboat/drills/store/http", "lifeboat/drills/store/s3"},
	// The program of sandboxes unpacks trees and reads them, where nothing but their volume is.
	"lifeboat/internal/sandbox": {"lifeboat/internal/tree"},
	// The page of an audit is drawn from what the audit found, as a report is from a record.
	"lifeboat/reports": {"lifeboat/drills/evidence"},
}

// forbidden dependencies, each with its reason.
var forbidden = map[string]string{
	"go.k6.io/k6":              "AGPL-3.0: it would make lifeboat AGPL; the sidecar in its own module links it",
	"github.com/docker/docker": "frozen at v28.5.2 with open advisories; github.com/moby/moby/client is its maintained path",
}

type listed struct {
	ImportPath string
	Doc        string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,Deps,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

func storeyOf(path string) (int, bool) {
	best, length := 0, -1
	for _, s := range storeys {
		exact := !strings.HasSuffix(s.prefix, "/")
		fits := path == s.prefix || strings.HasPrefix(path, strings.TrimSuffix(s.prefix, "/")+"/") && (exact || path != s.prefix)
		if fits && len(s.prefix) > length {
			best, length = s.storey, len(s.prefix)
		}
	}
	return best, length >= 0
}

// mayImport tells whether from may import to; both are packages of lifeboat.
func mayImport(from, to string) bool {
	a, known := storeyOf(from)
	b, ok := storeyOf(to)
	if !known || !ok {
		return false
	}
	if b < a || b == a && strings.HasPrefix(from, to+"/") || slices.Contains(below[from], to) {
		return true
	}
	return sameFamily(from, to)
}

// sameFamily: packages below the same back-end belong to it.
func sameFamily(from, to string) bool {
	f, g := strings.Split(from, "/"), strings.Split(to, "/")
	const depth = 4 // lifeboat/drills/restore/postgres
	return len(f) >= depth && len(g) > depth && strings.Join(f[:depth], "/") == strings.Join(g[:depth], "/") ||
		strings.HasPrefix(to, from+"/")
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		_, known := storeyOf(p.ImportPath)
		assert.True(t, known, "%s stands in no storey: say in ci/architecture and docs/design.md where it belongs", p.ImportPath)
		for _, to := range p.Imports {
			if strings.HasPrefix(to, "lifeboat/") {
				assert.True(t, mayImport(p.ImportPath, to), "%s imports %s: an import points down", p.ImportPath, to)
			}
		}
	}
}

// The rule itself is tested on imports that must not be.
func TestRule(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     bool
	}{
		{"lifeboat/drills", "lifeboat/drills/instance", true},
		{"lifeboat/drills", "lifeboat/drills/record", true},
		{"lifeboat/drills/instance/docker", "lifeboat/drills/instance", true},
		{"lifeboat/drills/restore/postgres", "lifeboat/drills/restore", true},
		{"lifeboat/drills/restore/postgres/pgdump", "lifeboat/drills/restore", true},
		{"lifeboat/drills/restore/postgres", "lifeboat/drills/restore/dump", true},
		{"lifeboat/drills/restore/postgres", "lifeboat/drills/restore/postgres/pgdump", true},
		{"lifeboat/cmd/lifeboat", "lifeboat/drills", true},
		{"lifeboat/drills/record", "lifeboat/scenarios", false},
		{"lifeboat/drills", "lifeboat/cmd/lifeboat", false},
		{"lifeboat/drills/instance/docker", "lifeboat/drills", false},
		{"lifeboat/drills/restore/postgres", "lifeboat/drills/restore/oci", false},
		{"lifeboat/drills/restore/postgres", "lifeboat/drills/instance/docker", false},
		{"lifeboat/verifier/data", "lifeboat/verifier/service", false},
		{"lifeboat/reports", "lifeboat/drills", false},
		{"lifeboat/drills/record", "lifeboat/drills/objective", false},
		{"lifeboat/internal/userfile", "lifeboat/scenarios", false},
		{"lifeboat/drills/store/http", "lifeboat/drills/store/chunks", true},
		{"lifeboat/drills/store/chunks", "lifeboat/drills/store/http", false},
		{"lifeboat/drills/store/remote", "lifeboat/drills/store/chunks", false},
	} {
		assert.Equal(t, tc.want, mayImport(tc.from, tc.to), "%s → %s", tc.from, tc.to)
	}
}

// The engine knows contracts and no back-end.
func TestEngineKnowsNoBackEnd(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "lifeboat/drills" {
			continue
		}
		for _, to := range p.Imports {
			for _, contract := range []string{"lifeboat/drills/instance/", "lifeboat/drills/store/", "lifeboat/drills/restore/", "lifeboat/verifier/"} {
				assert.False(t, strings.HasPrefix(to, contract) && behind(to), "drills imports the back-end %s", to)
			}
		}
	}
}

// behind tells whether a package stands behind a contract.
func behind(path string) bool {
	storey, _ := storeyOf(path)
	return storey >= backEnds
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 {
			assert.NotEmpty(t, p.Doc, "%s has no comment", p.ImportPath)
		}
		for _, vague := range []string{"pkg", "lib", "util", "utils", "common", "types", "helpers"} {
			assert.NotContains(t, strings.Split(p.ImportPath, "/"), vague)
		}
	}
}

func TestForbiddenDependencies(t *testing.T) {
	for _, p := range packages(t) {
		for _, d := range p.Deps {
			for prefix, why := range forbidden {
				assert.False(t, d == prefix || strings.HasPrefix(d, prefix+"/"), "%s depends on %s: %s", p.ImportPath, d, why)
			}
		}
	}
}
