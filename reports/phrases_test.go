package reports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// formsOf collects the forms that checks answer with, and those of a restore's notes.
func formsOf(t *testing.T) []string {
	t.Helper()
	var forms []string
	at := map[string]int{"Passed": 0, "Failed": 0, "Crashed": 0, "Silent": 1, "note": 0, "Note": 0, "noteOnce": 0}
	collect := func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		if i, ok := at[name]; ok && i < len(call.Args) {
			if form, ok := literal(call.Args[i]); ok {
				forms = append(forms, form)
			}
		}
		return true
	}
	for _, root := range []string{"../verifier", "../drills/restore"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				ast.Inspect(f, collect)
			}
			return err
		}))
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// literal is the value of a string, or of strings that are put together.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		x, ok := literal(e.X)
		y, also := literal(e.Y)
		return x + y, ok && also
	}
	return "", false
}

// What checks and restores say stands in Chinese reports in Chinese.
func TestEveryFormHasAPhrase(t *testing.T) {
	forms, phrases := formsOf(t), Messages().phrases[Chinese]
	require.Greater(t, len(forms), 60)
	verb := regexp.MustCompile(`%[a-z]`)
	for _, form := range forms {
		if strings.ContainsFunc(verb.ReplaceAllString(form, ""), func(r rune) bool { return r >= 'a' && r <= 'z' }) {
			assert.NotEmpty(t, phrases[form], "write the Chinese of %q into reports/messages/zh.phrases.yaml, with {1}, {2} … for its verbs", form)
		}
	}
	for form, phrase := range phrases {
		assert.True(t, form == afterRestart || slices.Contains(forms, form), "nobody says %q any more: delete its phrase", form)
		for _, m := range phraseArg.FindAllStringSubmatch(phrase, -1) {
			n, _ := strconv.Atoi(m[1])
			assert.LessOrEqual(t, n, len(verb.FindAllString(form, -1)), form)
		}
	}
}

func TestSaidInChinese(t *testing.T) {
	c := Messages()
	said := record.SaidOf("table %s has %d rows, not %d", "orders", 3, 4)
	text := said.English()
	assert.Equal(t, "表 orders 有 3 行，而不是 4 行", c.Said(Chinese, said, text))
	assert.Equal(t, text, c.Said(English, said, text))
	assert.Equal(t, text, c.Said(Chinese, nil, text), "a journal of old")
	assert.Equal(t, "another text", c.Said(Chinese, said, "another text"), "the text counts, not its parts")
	assert.Equal(t, "重启后：db:5432 可以连接", c.Said(Chinese, record.SaidOf("after a restart: %s takes connections", "db:5432"),
		"after a restart: db:5432 takes connections"))
	assert.Equal(t, "from the future", c.Said(Chinese, record.SaidOf("from the future"), "from the future"))

	a := twoWays()
	a.l = Chinese
	a.r.Checks[0].Message, a.r.Checks[0].Said = text, said
	assert.Contains(t, a.words(record.Reason{ID: "check.failed", Args: map[string]string{"check": a.r.Checks[0].Name,
		"layer": "business", "message": text}}), "表 orders 有 3 行")
}
