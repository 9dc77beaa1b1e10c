package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/reports"
)

// A line says how far it is, in the reader's language, not oftener than anybody can read it, and nothing of it is left at the end.
func TestProgress(t *testing.T) {
	t.Parallel()
	for lang, want := range map[reports.Language][]string{reports.English: {"3 of 1000 drills verified", "unpacking: 50 %"},
		reports.Chinese: {"已核验 3/1000 次演练", "正在解包：50%"}} {
		p := (&app{}).progress(lang)
		p.of("audit.verifying", 1, 1000) // nobody looks on
		var screen bytes.Buffer
		p.to = &screen
		for done := range int64(1000) {
			p.of("audit.verifying", done+3, 1000)
		}
		said := screen.String()
		assert.True(t, strings.HasPrefix(said, "\r\x1b[K"+want[0]), "%q", said)
		assert.True(t, strings.HasSuffix(said, "\r\x1b[K"), "the last words are taken away")
		assert.Less(t, strings.Count(said, want[0][:3]), 20)

		screen.Reset()
		p = &progress{to: &screen, say: p.say}
		n, err := io.Copy(io.Discard, &counted{Reader: io.LimitReader(strings.NewReader(strings.Repeat("x", 100)), 50), p: p, all: 100})
		require.NoError(t, err)
		assert.EqualValues(t, 50, n)
		assert.Contains(t, screen.String(), want[1])
	}
}
