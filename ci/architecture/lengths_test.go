package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The longest that reads well, with room: most are far below. Tables of tests are long by nature.
type limits struct{ line, file, function int }

var (
	ofCode  = limits{line: 160, file: 300, function: 80}
	ofTests = limits{line: 200, file: 400, function: 300}
)

func TestLengths(t *testing.T) {
	const top = "../.."
	for _, room := range []string{"ci", "cmd", "drills", "internal", "reports", "scenarios", "verifier"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(top, room), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			name, _ := filepath.Rel(top, path)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, problem := range tooLong(t, name, string(text)) {
				t.Error(problem)
			}
			return nil
		}))
	}
}

// tooLong says what of a file is longer than it may be.
func tooLong(t *testing.T, name, text string) []string {
	t.Helper()
	limit := ofCode
	if strings.HasSuffix(name, "_test.go") {
		limit = ofTests
	}
	var found []string
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > limit.file {
		found = append(found, fmt.Sprintf("%s: %d lines, at most %d: a part of it is a file of its own", name, len(lines), limit.file))
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > limit.line {
			found = append(found, fmt.Sprintf("%s:%d: %d characters, at most %d", name, i+1, n, limit.line))
		}
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		at := set.Position(f.Pos())
		if n := set.Position(f.End()).Line - at.Line + 1; n > limit.function {
			found = append(found, fmt.Sprintf("%s:%d: %s has %d lines, at most %d", name, at.Line, f.Name.Name, n, limit.function))
		}
	}
	return found
}

// The rule itself is tested on what is too long.
func TestTooLong(t *testing.T) {
	line := "//" + strings.Repeat("字", ofCode.line-2)
	function := "func f() {\n" + strings.Repeat("\n", ofCode.function) + "}\n"
	assert.Empty(t, tooLong(t, "a.go", "package a\n"+line+"\nfunc f() {}\n"), "characters count, bytes do not")
	assert.Len(t, tooLong(t, "a.go", "package a\n"+line+"字\n"), 1)
	assert.Len(t, tooLong(t, "a.go", "package a\n"+function), 1)
	assert.Empty(t, tooLong(t, "a_test.go", "package a\n"+function))
	assert.Len(t, tooLong(t, "a.go", "package a\n"+strings.Repeat("\n", ofCode.file)), 1)
}
