package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// instanceKind is a text by which code would ask for one kind of instances, instead of what such can do.
var instanceKind = regexp.MustCompile(`^"(docker|qemu)"$|\bkinds?:? (docker|qemu)\b`)

// ownKinds may name them: their own folders, the kit's lines, and what starts the program docker beside a test.
var ownKinds = []string{"drills/instance/docker/", "drills/instance/qemu/", "cmd/lifeboat/kit.go",
	"drills/instance/instancetest/", "drills/restore/restoretest/", "verifier/verifiertest/"}

// What an instance can do is asked of its kind's Traits, and never which kind it is.
func TestKindsOfInstancesAreNamedInOnePlace(t *testing.T) {
	const top = "../.."
	for _, room := range []string{"cmd/lifeboat", "drills", "internal", "reports", "scenarios", "verifier"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(top, room), func(path string, _ os.DirEntry, err error) error {
			name, _ := filepath.Rel(top, path)
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
				slices.ContainsFunc(ownKinds, func(own string) bool { return strings.HasPrefix(name, own) }) {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && instanceKind.MatchString(text.Value) {
					t.Errorf("%s says %s: ask instance.Traits for what it means", name, text.Value)
				}
				return true
			})
			return nil
		}))
	}
	for text, found := range map[string]bool{`"qemu"`: true, `"boot it with kind: qemu"`: true, `"use kind docker"`: true,
		`"docker import FILE"`: false, `"qemu-img convert"`: false, `"a kind of docker"`: false} {
		assert.Equal(t, found, instanceKind.MatchString(text), text)
	}
}
