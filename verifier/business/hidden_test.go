package business

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier"
)

// A drill that is killed leaves the pulse's stream as it is: no secret that the flow printed may be in it by then.
func TestRawStreamHoldsNoSecret(t *testing.T) {
	raw, err := os.Create(filepath.Join(t.TempDir(), "pulse.ndjson"))
	require.NoError(t, err)
	defer raw.Close()
	p := &pulse{clock: clock{base: time.Now()}, sample: func(verifier.Sample) {}, raw: raw,
		kept: &hiddenLines{to: raw, hide: func(s string) string { return strings.ReplaceAll(s, "hunter22", "***") }}}
	pr, pw := io.Pipe()
	read := make(chan error, 1)
	go func() { read <- p.read(pr) }()
	for _, piece := range []string{"{\"k\":\"note\",\"a\":\"hun", "ter22\"}\n{\"k\":\"note\"}\n{\"k\":\"note\",\"b\":\"hunter22"} {
		_, err = io.WriteString(pw, piece)
		require.NoError(t, err)
	}
	// Nobody says that it is over.
	written := func() string {
		b, err := os.ReadFile(raw.Name())
		require.NoError(t, err)
		return string(b)
	}
	assert.Eventually(t, func() bool { return strings.Count(written(), "\n") == 2 }, time.Minute, time.Millisecond)
	assert.NotContains(t, written(), "hunter")
	_ = pw.Close()
	<-read
	assert.Equal(t, "{\"k\":\"note\",\"a\":\"***\"}\n{\"k\":\"note\"}\n{\"k\":\"note\",\"b\":\"***", written())
}
