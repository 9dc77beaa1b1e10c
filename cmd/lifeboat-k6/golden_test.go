package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

// shapes are the Go types of the kinds.
var shapes = map[string]func() any{
	wire.KindHello:  func() any { return new(wire.Hello) },
	wire.KindIter:   func() any { return new(wire.Iter) },
	wire.KindCheck:  func() any { return new(wire.Check) },
	wire.KindHTTP:   func() any { return new(wire.HTTP) },
	wire.KindDrop:   func() any { return new(wire.Drop) },
	wire.KindMetric: func() any { return new(wire.Metric) },
	wire.KindLog:    func() any { return new(wire.Log) },
	wire.KindBeat:   func() any { return new(wire.Beat) },
	wire.KindFlow:   func() any { return new(wire.Span) },
	wire.KindSQL:    func() any { return new(wire.Span) },
	wire.KindEnd:    func() any { return new(wire.End) },
}

// TestGolden holds the shared streams against the types: a field that was renamed or dropped shows here first.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.ndjson")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	seen := map[string]bool{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		for n, line := range bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")) {
			if len(line) == 0 {
				continue
			}
			var head struct{ Kind string }
			require.NoError(t, json.Unmarshal(line, &head), "%s:%d", f, n+1)
			seen[head.Kind] = true
			require.Contains(t, shapes, head.Kind, "%s:%d", f, n+1)
			assert.Equal(t, n == 0, head.Kind == wire.KindHello, "%s:%d: hello is first and only there", f, n+1)
			v := shapes[head.Kind]()
			dec := json.NewDecoder(bytes.NewReader(line))
			dec.DisallowUnknownFields()
			require.NoError(t, dec.Decode(v), "%s:%d", f, n+1)
			var back bytes.Buffer
			enc := json.NewEncoder(&back)
			enc.SetEscapeHTML(false)
			require.NoError(t, enc.Encode(v))
			assert.Equal(t, string(line), strings.TrimSpace(back.String()), "%s:%d", f, n+1)
		}
	}
	for kind := range shapes {
		assert.True(t, seen[kind], "no golden stream shows a record of kind %s", kind)
	}
}
