package drills

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// What was asked stands in the drill's folder: texts without secrets, data by their digest or, with keep, as they were.
func TestWhatWasAskedIsKept(t *testing.T) {
	t.Setenv("SCRIPT_TOKEN", flowToken)
	yaml := strings.NewReplacer("script: flow.js", "script: flows/flow.js, env: {TOKEN: {env: SCRIPT_TOKEN}}").Replace(simple)
	for name, keep := range map[string]bool{"texts": false, "data, too": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files = map[string]string{"flows/flow.js": "// " + flowToken + "\nexport default function () {}\n",
				"flows/data.csv": "a,b\n", "flows/logo.png": "\x89PNG\x00", "notes.txt": "not asked for"}
			text := yaml
			if keep {
				text = "keep: true\n" + text
			}
			res := w.run(text)
			raw, err := os.ReadFile(filepath.Join(res.Dir, askedList))
			require.NoError(t, err)
			var list []asked
			require.NoError(t, json.Unmarshal(raw, &list))
			got := map[string]asked{}
			for _, a := range list {
				got[a.Path] = a
				content, err := os.ReadFile(filepath.Join(res.Dir, askedFolder, a.Path))
				assert.Equal(t, a.Kept, err == nil, "%s: %v", a.Path, err)
				assert.NotContains(t, string(content), flowToken[:12])
			}
			require.Len(t, list, 4, "%s", raw)
			assert.True(t, got["s.yaml"].Kept && got["flows/data.csv"].Kept && got["flows/flow.js"].Hidden)
			assert.Equal(t, keep, got["flows/logo.png"].Kept)
			assert.EqualValues(t, 5, got["flows/logo.png"].Size)
			digest, size, err := digestFile(filepath.Join(res.Dir, askedList))
			require.NoError(t, err)
			assert.Contains(t, res.Record.Raw, record.RawFile{Path: askedList, Digest: digest, Size: size})
		})
	}
}

type talking struct{ fakeCheck }

func (talking) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	return json.Marshal(strings.Repeat("packages ", 1000) + flowToken)
}

func (talking) Judge(_, after verifier.Facts) verifier.Answer {
	return verifier.Passed("%d bytes", len(after))
}

// Facts too long for the journal are kept whole, without secrets, by their digest.
func TestLongFactsAreKeptWhole(t *testing.T) {
	t.Setenv("SCRIPT_TOKEN", flowToken)
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Checks["data/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return talking{fakeCheck{w, s.Name}}, nil
		}
	}
	res := w.run(strings.Replace(simple, "script: flow.js", "script: flow.js, env: {TOKEN: {env: SCRIPT_TOKEN}}", 1))
	seen := 0
	for _, c := range res.Record.Checks {
		if c.Layer != record.LayerData {
			assert.Empty(t, c.FactsDigest)
			continue
		}
		seen++
		name := filepath.Join("raw", "facts", strings.TrimPrefix(c.FactsDigest, "sha256:")+".json")
		digest, size, err := digestFile(filepath.Join(res.Dir, name))
		require.NoError(t, err)
		assert.Equal(t, c.FactsDigest, digest)
		assert.Contains(t, res.Record.Raw, record.RawFile{Path: name, Digest: digest, Size: size})
		whole, err := os.ReadFile(filepath.Join(res.Dir, name))
		require.NoError(t, err)
		assert.True(t, json.Valid(whole))
		assert.NotContains(t, string(whole), flowToken[:12])
	}
	assert.Equal(t, 2, seen)
}
