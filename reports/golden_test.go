package reports

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t *testing.T, f Format, sm sample, l Language) string {
	t.Helper()
	var b bytes.Buffer
	o := Options{Language: l, Width: 100, Samples: sm.samples, RecordDigest: digest(11),
		Paths: map[string]string{"html": "drills/" + sm.record.Header.Drill + "/report.html"}}
	require.NoError(t, f.Render(&b, sm.record, sm.verdict, o))
	return b.String()
}

// forEach renders every sample in every format and language.
func forEach(t *testing.T, check func(t *testing.T, f Format, sm sample, l Language, got string)) {
	for _, sm := range samples(t) {
		for _, f := range Formats() {
			for _, l := range Languages() {
				t.Run(sm.name+"/"+f.Name+"/"+string(l), func(t *testing.T) { check(t, f, sm, l, render(t, f, sm, l)) })
			}
		}
	}
}

func TestGolden(t *testing.T) {
	forEach(t, func(t *testing.T, f Format, sm sample, l Language, got string) {
		ext := map[string]string{"terminal": "txt", "html": "html", "markdown": "md", "json": "json",
			"junit": "xml"}[f.Name]
		path := filepath.Join("testdata", sm.name+"."+string(l)+"."+ext)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err, "write it with: go test ./reports -update")
		assert.Equal(t, string(want), got)
	})
}

func TestNoTextIsMissing(t *testing.T) {
	forEach(t, func(t *testing.T, f Format, sm sample, l Language, got string) {
		assert.NotContains(t, got, "⟦", "a label is not in the catalogue")
		assert.NotContains(t, got, "%!", "a format verb went wrong")
	})
}

// The samples are no fairy tales: the judge of today gives them the verdict that they show.
func TestSamplesAreJudgedAsTheySay(t *testing.T) {
	for _, sm := range samples(t) {
		assert.Equal(t, sm.want, sm.verdict.Status, sm.name)
		assert.Equal(t, sm.want, objective.Judge(sm.record).Status, sm.name)
	}
}
