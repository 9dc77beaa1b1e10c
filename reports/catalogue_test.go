package reports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

func placeholders(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestCataloguesAreInStep(t *testing.T) {
	c := Messages()
	for name, texts := range map[string]map[Language]map[string]string{"labels": c.labels, "sentences": c.sentences,
		"next": c.next} {
		for key, en := range texts[English] {
			zh, ok := texts[Chinese][key]
			if assert.True(t, ok, "%s: zh lacks %s", name, key) {
				assert.Equal(t, placeholders(en), placeholders(zh), "%s: the placeholders of %s", name, key)
			}
		}
		for key := range texts[Chinese] {
			assert.Contains(t, texts[English], key, "%s: en lacks %s", name, key)
		}
	}
}

func TestEveryPlaceholderIsWellFormed(t *testing.T) {
	forms := []string{"", "up", "down", "limit", "size", "rate", "rateup", "ratedown", "count",
		"objective", "layer", "status", "phase", "decision", "trigger", "probe", "signal", "lack", "lack_next", "clock_state", "held_by", "scope",
		"filekind", "unpack_why", "unusable", "misfit", "misfit_next", "unlooked", "addendum", "role", "checked_how"}
	braces := regexp.MustCompile(`\{[^{}]*\}`)
	for _, l := range Languages() {
		for _, texts := range []map[string]string{Messages().labels[l], Messages().sentences[l], Messages().next[l]} {
			for key, text := range texts {
				for _, b := range braces.FindAllString(text, -1) {
					m := placeholder.FindStringSubmatch(b)
					if assert.Equal(t, b, strings.Join(m[:min(1, len(m))], ""), "%s %s", l, key) {
						assert.Contains(t, forms, m[2], "%s %s", l, key)
					}
				}
				assert.Equal(t, strings.Count(text, "["), strings.Count(text, "]"), "%s %s", l, key)
			}
		}
	}
}

func TestEveryMessageOfTheJudgeHasWords(t *testing.T) {
	for _, m := range objective.Messages {
		if !assert.True(t, Messages().Knows(m.ID), "no words for %s", m.ID) {
			continue
		}
		for _, l := range Languages() {
			for _, p := range placeholders(Messages().sentences[l][m.ID]) {
				assert.Contains(t, m.Args, p, "%s: %s has no argument of that name", l, m.ID)
			}
		}
	}
}

// The engine's own observations, and what it says was not rehearsed, are string
// literals in its source: each must have words.
func TestEveryMessageOfTheEngineHasWords(t *testing.T) {
	ids := engineIDs(t)
	assert.NotEmpty(t, ids)
	for _, id := range ids {
		assert.True(t, Messages().Knows(id), "no words for %s", id)
	}
}

func engineIDs(t *testing.T) []string {
	t.Helper()
	var ids []string
	collect := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			all := []ast.Expr{n}
			if list, ok := n.Type.(*ast.ArrayType); ok && isObservation(list.Elt) { // its elements do not say their type again
				all = n.Elts
			} else if !isObservation(n.Type) {
				return true
			}
			for _, one := range all {
				lit, ok := one.(*ast.CompositeLit)
				if !ok {
					continue
				}
				for _, e := range lit.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "ID" {
						if lit, ok := kv.Value.(*ast.BasicLit); ok {
							id, _ := strconv.Unquote(lit.Value)
							ids = append(ids, id)
						}
					}
				}
			}
		case *ast.BasicLit:
			if id, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING &&
				regexp.MustCompile(`^(not|content)\.[a-z_]+$`).MatchString(id) {
				ids = append(ids, id)
			}
		}
		return true
	}
	for _, root := range []string{"../drills", "../verifier"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(f, collect)
			return nil
		}))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func isObservation(of ast.Expr) bool {
	sel, ok := of.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Observation"
}

// Every label that the code asks for by a literal exists; one that is put together is found by the golden tests.
func TestEveryLabelExists(t *testing.T) {
	call := regexp.MustCompile(`\b(?:say|Text)\("([a-z0-9_.]+[a-z0-9])"`)
	columns := regexp.MustCompile(`columns\("[-n]*"((?:, "[a-z0-9_]*")+)\)`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	commands, err := filepath.Glob("../cmd/lifeboat/*.go")
	require.NoError(t, err)
	found := 0
	for _, path := range append(files, commands...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range call.FindAllSubmatch(src, -1) {
			found++
			assert.True(t, Messages().HasLabel(string(m[1])), "%s: no label %s", path, m[1])
		}
		for _, m := range columns.FindAllSubmatch(src, -1) {
			for _, key := range strings.Split(strings.Trim(string(m[1]), `, "`), `", "`) {
				assert.True(t, key == "" || Messages().HasLabel("column."+key), "%s: no column %s", path, key)
			}
		}
	}
	assert.Greater(t, found, 80)
}

func TestSentence(t *testing.T) {
	args := map[string]string{
		"objective": "restored",
		"limit":     "2h0m0s",
		"measured":  "2h0m0.04s",
		"over":      "40ms",
		"scope":     "incident 1",
	}
	for _, tc := range []struct {
		name   string
		l      Language
		reason record.Reason
		want   string
	}{
		{"bounds are rounded to the safe side", English, record.Reason{ID: "objective.missed", Args: args},
			"Restored and verified took 2 h 0 min 0.1 s, over the limit of 2 h by 0.04 s (Incident 1)."},
		{"chinese", Chinese, record.Reason{ID: "objective.missed", Args: args},
			"“恢复并验证通过”耗时 2 小时 0 分 0.1 秒，超出目标值 2 小时达 0.04 秒（事件 1）。"},
		{"an optional part without its argument", English, record.Reason{ID: "rollback.failed",
			Args: map[string]string{"incident": "1", "error": ""}},
			"The rollback failed (incident 1)."},
		{"a missing argument leaves no hole", English, record.Reason{ID: "check.missing",
			Args: map[string]string{"layer": "data"}},
			"The data check “–” was planned and never answered."},
		{"an objective of the user's own", English, record.Reason{ID: "objective.not_measured",
			Args: map[string]string{"objective": "status_to_management", "limit": "15m0s"}},
			"status_to_management was not measured, though a limit of 15 min was set."},
		{"sizes and rates", English, record.Reason{ID: "restore.too_slow", Args: map[string]string{"backup": "db",
			"bytes": "1900000000", "took": "3m41s", "rate": "8599999", "needed": "290000", "objective": "restored"}},
			"Restoring db (1.9 GB) took 3 min 41.0 s at 8.5 MB/s; to stay within “Restored and verified” it needs ≥ 290 kB/s."},
		{"an unknown id", English, record.Reason{ID: "from.the.future", Args: map[string]string{"b": "2", "a": "1"}},
			"from.the.future (a=1, b=2)"},
		{"an unknown id without arguments", Chinese, record.Reason{ID: "from.the.future"}, "from.the.future"},
		{"an unknown language is English", Language("fr"), record.Reason{ID: "checks.none"}, "No check ran."},
		{"an argument that looks like a placeholder stays as it is", English, record.Reason{ID: "checks.none",
			Args: nil}, "No check ran."},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, Messages().Sentence(tc.l, tc.reason)) })
	}
}

func FuzzSentence(f *testing.F) {
	f.Add("objective.missed", "{limit}", "[x]")
	f.Add("nothing", "", "1h")
	f.Fuzz(func(t *testing.T, id, a, b string) {
		for _, l := range Languages() {
			Messages().Sentence(l, record.Reason{ID: id, Args: map[string]string{"objective": a, "limit": b, a: b,
				"measured": a}})
		}
	})
}
