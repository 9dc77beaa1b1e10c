package business

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What failed is told by its name, before the error of the iteration.
func TestFailedChecksAreNamed(t *testing.T) {
	var said []string
	for _, s := range pulsed(t, "pulse-outage") {
		if !s.OK {
			said = append(said, s.Said())
		} else if s.Dropped == 0 {
			assert.NotEmpty(t, s.Passed, "what passed is known by its name, too")
		}
	}
	require.NotEmpty(t, said)
	assert.True(t, strings.HasPrefix(said[0], "is 200"), said[0])

	var f ranChecks
	for _, l := range []line{{VU: 1, Iter: 4, Name: "a"}, {VU: 2, Iter: 4, Name: "b"}, {VU: 1, Iter: 4, Name: "a"},
		{VU: 1, Iter: 4, Name: "good", OK: true}} {
		f.add(l)
	}
	assert.Equal(t, ran{failed: []string{"b"}}, f.take(line{VU: 2, Iter: 4}))
	assert.Equal(t, ran{failed: []string{"a"}, passed: []string{"good"}}, f.take(line{VU: 1, Iter: 4}))
	assert.Empty(t, f.take(line{VU: 1, Iter: 4}))
	for i := range mostKnown + 1 {
		f.add(line{Name: strings.Repeat("x", i), OK: true})
	}
	assert.Empty(t, f.take(line{}), "some of them would be taken for all")
	for i := range int64(2 * mostOpen) {
		f.add(line{Iter: i, Name: "a"})
	}
	assert.LessOrEqual(t, len(f.of), mostOpen, "iterations that never end are forgotten")
}

func TestPlainError(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"GoError: dial tcp 127.0.0.1:1: connect: connection refused\n\tat reflect.methodValueCall (native)\n\tat file:///x": "" +
			"dial tcp 127.0.0.1:1: connect: connection refused",
		"Uncaught (in promise) Error: late boom\n\tat file:///flow.js:3:9(4)": "late boom",
		"order 12 is\n not there": "order 12 is not there",
	} {
		assert.Equal(t, want, plainError(in))
	}
	long := plainError(strings.Repeat("登录", 400))
	assert.Less(t, len(long), mostOfError+8)
	assert.True(t, strings.HasSuffix(long, " …") && !strings.Contains(long, "\ufffd"), long)
}
