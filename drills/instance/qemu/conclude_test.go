package qemu

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

func TestConclude(t *testing.T) {
	t.Parallel()
	unit := finding{class: classUnit, words: "unit failed: shop.service", source: controlAgent}
	full := finding{class: classFull, words: "disk full: /", source: controlAgent}
	panicked := finding{class: classPanic, words: "kernel panic: x", source: sourceConsole}
	shell := finding{class: classInitramfs, words: "initramfs shell: y", source: sourceConsole, fatal: true}
	cases := map[string]struct {
		found                []finding
		class, words, source string
		fatal                bool
	}{
		"nothing": {},
		"the cause before its effect": {[]finding{unit, full}, classFull, "disk full: /; also unit failed: shop.service",
			controlAgent, false},
		"what is final first": {[]finding{panicked, shell}, classInitramfs, "initramfs shell: y; also kernel panic: x",
			sourceConsole, true},
	}
	for name, c := range cases {
		var d instance.Diagnosis
		conclude(&d, c.found)
		assert.Equal(t, c.class, d.Class, name)
		assert.Equal(t, c.words, d.Words, name)
		assert.Equal(t, c.source, d.Source, name)
		assert.Equal(t, c.fatal, d.Fatal, name)
	}
	var d instance.Diagnosis
	conclude(&d, []finding{{class: classUnit, words: strings.Repeat("ü", wordsMost)}})
	assert.LessOrEqual(t, len(d.Words), wordsMost+len("…"))
	assert.True(t, strings.HasSuffix(d.Words, "ü…"))
}

// What is asked may hang for ever; nobody waits for it beyond the limit.
func TestWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		release := make(chan struct{})
		_, err := within(t.Context(), 3*time.Second, func(context.Context) (int, error) { <-release; return 1, nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(began))
		close(release)

		n, err := within(t.Context(), time.Second, func(context.Context) (int, error) { return 2, nil })
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		wrong := errors.New("wrong")
		_, err = within(t.Context(), time.Second, func(context.Context) (int, error) { return 0, wrong })
		require.ErrorIs(t, err, wrong)
	})
}
