package data

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// grown is a target with trees, and perhaps a manifest beside them and a proof before.
type grown struct {
	verifier.Target
	trees  []verifier.Tree
	beside []byte
	last   *verifier.Proof
}

func (g grown) Trees(context.Context, string) ([]verifier.Tree, error) { return g.trees, nil }
func (g grown) Last(string) (*verifier.Proof, error)                   { return g.last, nil }
func (g grown) Held(string) bool                                       { return true }
func (g grown) Hide(f verifier.Facts) verifier.Facts                   { return f }

func (g grown) Beside(string) ([]byte, string, error) {
	if g.beside == nil {
		return nil, "", nil
	}
	return g.beside, "sha256:m", nil
}

func treeCheckOf(t *testing.T, dir, keys string) verifier.Check {
	t.Helper()
	s, err := scenarios.ParseSettings("tree", "on: app\n"+keys)
	require.NoError(t, err)
	c, problems := New(scenarios.CheckSpec{Kind: "tree", Name: "files", Layer: record.LayerData, Settings: s}, dir)
	require.Empty(t, problems)
	return c
}

func leaf(name string, change func(*tree.Entry)) tree.Entry {
	e := tree.Entry{Path: name, Type: tree.File, Mode: 0o644, UID: 33, GID: 33, Size: 3, Digest: strings.Repeat("ab", 32), Time: time.Unix(100, 0).UTC()}
	if change != nil {
		change(&e)
	}
	return e
}

func manifestOf(t *testing.T, all ...tree.Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := tree.NewWriter(&b, time.Unix(1, 0))
	require.NoError(t, err)
	for _, e := range all {
		require.NoError(t, w.Add(e))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// lossy is a tree of which this host did not take all.
func lossy(what string, all ...tree.Entry) []verifier.Tree {
	return []verifier.Tree{{Restored: tree.Restored{Folder: "/srv", Entries: all, Lost: map[string][]string{what: {"a"}}}}}
}

func TestTree(t *testing.T) {
	t.Parallel()
	restored := func(all ...tree.Entry) []verifier.Tree {
		return []verifier.Tree{{Restored: tree.Restored{Folder: "/srv", Entries: all}}}
	}
	part := func(of string, all ...tree.Entry) []verifier.Tree {
		return []verifier.Tree{{Restored: tree.Restored{Folder: "/srv", Entries: all, Only: tree.Pick{of}}}}
	}
	a, b := leaf("a", nil), leaf("d/b", nil)
	sums := strings.Repeat("ab", 32) + "  ./a\n" + strings.Repeat("ab", 32) + " *d/b\n"
	many := make([]tree.Entry, 20)
	for i := range many {
		many[i] = leaf(string(rune('a'+i)), nil)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list"), []byte(sums), 0o600))
	proof := func(files int64) *verifier.Proof {
		f, err := verifier.Encode("tree", forest{Trees: []grove{{Folder: "/srv", Totals: tree.Totals{Files: files, Bytes: 3 * files}}}})
		require.NoError(t, err)
		return &verifier.Proof{Drill: "d1", Facts: f, Another: true}
	}
	for name, c := range map[string]struct {
		keys   string
		of     grown
		status record.CheckStatus
		says   string
	}{
		"nothing was restored":           {"", grown{}, record.CheckCrashed, "no tree of files was restored into app"},
		"another folder":                 {"path: /other", grown{trees: restored(a)}, record.CheckCrashed, "no tree of files"},
		"no file":                        {"", grown{trees: restored()}, record.CheckFailed, "not one file"},
		"no byte":                        {"", grown{trees: restored(leaf("a", func(e *tree.Entry) { e.Size = 0 }))}, record.CheckFailed, "not one byte"},
		"no manifest":                    {"", grown{trees: restored(a, b)}, record.CheckPassed, "2 files in /srv were read back"},
		"as its manifest":                {"", grown{trees: restored(a, b), beside: manifestOf(t, a, b)}, record.CheckPassed, "2 paths in /srv are what its manifest says"},
		"a file is gone":                 {"", grown{trees: restored(a), beside: manifestOf(t, a, b)}, record.CheckFailed, `"d/b" is missing in /srv`},
		"a part, as its manifest says":   {"", grown{trees: part("d", b), beside: manifestOf(t, a, b)}, record.CheckPassed, "1 paths in /srv are what its manifest says"},
		"a part of which a file is gone": {"", grown{trees: part("d", b), beside: manifestOf(t, a, b, leaf("d/c", nil))}, record.CheckFailed, `"d/c" is missing`},
		"a part, and a proof of all":     {"", grown{trees: part("d", b), last: proof(100)}, record.CheckPassed, "1 files"},
		"a file came":                    {"", grown{trees: restored(a, b), beside: manifestOf(t, a)}, record.CheckFailed, `"d/b" is there in /srv`},
		"another mode":                   {"", grown{trees: restored(leaf("a", func(e *tree.Entry) { e.Mode = 0o600 })), beside: manifestOf(t, a)}, record.CheckFailed, "its mode is 0600 and was 0644"},
		"another mode, which is allowed": {"without: [mode]", grown{trees: restored(leaf("a", func(e *tree.Entry) { e.Mode = 0o600 })), beside: manifestOf(t, a)}, record.CheckPassed, "1 paths"},
		"another content":                {"", grown{trees: restored(leaf("a", func(e *tree.Entry) { e.Digest = "x" })), beside: manifestOf(t, a)}, record.CheckFailed, "its content is x and was abab"},
		"content that may change":        {"may_change: [a]", grown{trees: restored(leaf("a", func(e *tree.Entry) { e.Digest = "x" })), beside: manifestOf(t, a)}, record.CheckPassed, ""},
		"a manifest that is cut":         {"", grown{trees: restored(a), beside: manifestOf(t, a)[:90]}, record.CheckCrashed, "cannot be read"},
		"a manifest of nothing":          {"", grown{trees: restored(a), beside: manifestOf(t)}, record.CheckFailed, `"a" is there`},
		"everything ignored":             {"ignore: [a, 'd/**']", grown{trees: restored(a, b), beside: manifestOf(t, a, b)}, record.CheckCrashed, "nothing in /srv was held"},
		"a list beside":                  {"", grown{trees: restored(a, b), beside: []byte(sums)}, record.CheckPassed, "2 files in /srv have the digests"},
		"a list, and more":               {"", grown{trees: restored(a, b, leaf("c", nil)), beside: []byte(sums)}, record.CheckFailed, `"c" is there`},
		"a list in the scenario":         {"file: list", grown{trees: restored(a, leaf("d/b", func(e *tree.Entry) { e.Digest = "y" }))}, record.CheckFailed, "its content is y"},
		"a list in the tree": {"", grown{trees: []verifier.Tree{{Restored: tree.Restored{Folder: "/srv", Lists: map[string]string{"SHA256SUMS": sums},
			Entries: []tree.Entry{leaf("SHA256SUMS", nil), a, b}}}}}, record.CheckPassed, "2 files in /srv have the digests of SHA256SUMS"},
		"a list in the tree, of some of it": {"", grown{trees: []verifier.Tree{{Restored: tree.Restored{Folder: "/srv", Lists: map[string]string{"SHA256SUMS": sums},
			Entries: []tree.Entry{leaf("SHA256SUMS", nil), a, b, leaf("c", nil)}}}}}, record.CheckPassed, "2 files in /srv have the digests of SHA256SUMS"},
		"a list in the tree, and another content": {"", grown{trees: []verifier.Tree{{Restored: tree.Restored{Folder: "/srv",
			Lists: map[string]string{"SHA256SUMS": sums}, Entries: []tree.Entry{a, leaf("d/b", func(e *tree.Entry) { e.Digest = "y" })}}}}},
			record.CheckFailed, "its content is y"},
		"packed without its folder": {"", grown{trees: []verifier.Tree{{Restored: tree.Restored{Folder: "/srv", Rootless: true,
			Entries: []tree.Entry{{Path: tree.Root, Type: tree.Dir, Mode: 0o755}, a}}}},
			beside: manifestOf(t, tree.Entry{Path: tree.Root, Type: tree.Dir, Mode: 0o700}, a)}, record.CheckPassed, "1 paths in /srv"},
		"its folder has another mode": {"", grown{trees: restored(tree.Entry{Path: tree.Root, Type: tree.Dir, Mode: 0o755}, a),
			beside: manifestOf(t, tree.Entry{Path: tree.Root, Type: tree.Dir, Mode: 0o700}, a)}, record.CheckFailed, "its mode is 0755"},
		"a list that is none":        {"", grown{trees: restored(a), beside: []byte("x\n")}, record.CheckCrashed, "line 1 says no SHA-256"},
		"smaller than before":        {"", grown{trees: restored(a, b), last: proof(3)}, record.CheckFailed, "holds 2 files and held 3 in the proof d1"},
		"smaller, which is allowed":  {"shrink: 50%", grown{trees: restored(a, b), last: proof(3)}, record.CheckPassed, ""},
		"as large as before":         {"", grown{trees: restored(many...), last: proof(21)}, record.CheckPassed, "20 files"},
		"an attribute was not taken": {"", grown{trees: lossy("trusted.x", a)}, record.CheckCrashed, "which this host did not take"},
		"devices are not made":       {"", grown{trees: lossy(tree.LostDevice, a)}, record.CheckPassed, ""},
		"the second tree is bad":     {"", grown{trees: append(restored(a), verifier.Tree{Restored: tree.Restored{Folder: "/x"}})}, record.CheckFailed, "the tree in /x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := treeCheckOf(t, dir, c.keys)
			facts, err := check.Observe(t.Context(), c.of)
			require.NoError(t, err)
			got := verifier.Judge(check, record.Before, nil, facts)
			assert.Equal(t, c.status, got.Status, got.Message)
			assert.Contains(t, got.Message, c.says)
			if strings.HasPrefix(name, "no manifest") {
				require.Len(t, got.Beside, 1)
				assert.Equal(t, "unlooked.tree", got.Beside[0].ID)
			}
		})
	}
}

func TestTreeKeys(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{"ignore: ['[']": "is not a pattern", "without: [size]": "is no attribute", "ignore: ['*']": "nothing would be looked at"} {
		s, err := scenarios.ParseSettings("tree", "on: app\n"+keys)
		require.NoError(t, err)
		_, problems := New(scenarios.CheckSpec{Kind: "tree", Settings: s}, "")
		require.Len(t, problems, 1, keys)
		assert.Contains(t, problems[0].Message, want)
	}
}
