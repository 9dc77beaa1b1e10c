package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

// seedVariable chooses the sample again that a test has printed.
const seedVariable = "LIFEBOAT_SHELF_SEED"

// How many of each are in a sample: those that are caught by their bytes cost little.
const sampledEarly, sampledLate, sampledGood = 6, 4, 3

// usualSeed draws the sample of every run: one that was seen. Others are drawn by the variable, and make shelf runs all.
const usualSeed = 20261144

// A sample of the shelf is verified, each backup in one column in which it must be seen. make shelf verifies all of it in all of them.
func TestSample(t *testing.T) {
	t.Parallel()
	const program = "../../bin/lifeboat"
	if _, err := os.Stat(program); err != nil {
		needs.Skip(t, "make build makes what the shelf is verified by:", err)
	}
	for _, name := range []string{image, kindsImage, redisImage, mariadbImage} {
		if _, err := command(t.Context(), nil, "docker", "image", "inspect", name); err != nil {
			needs.Skip(t, "make images kinds makes what the shelf is restored into:", err)
		}
	}
	seed := uint64(usualSeed)
	if again := os.Getenv(seedVariable); again != "" {
		var err error
		seed, err = strconv.ParseUint(again, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d draws this sample again", seedVariable, seed)
	items, in := sampled(seed)
	lifeboat, err := filepath.Abs(program)
	require.NoError(t, err)
	b, err := newBench(lifeboat, 3, t.Output())
	require.NoError(t, err)
	defer func() { assert.NoError(t, b.Close()) }()
	n := 0
	err = b.prove(context.WithoutCancel(t.Context()), items, func(i item, c column) bool { return in[i.name] == c }, func(r result) {
		n++
		for c, o := range r.outcomes {
			assert.False(t, r.marked(c, o).wrong(), "%s with %s is %s: %s at %s: %s", r.name, c, r.marked(c, o), o.Status, o.At, o.Says)
		}
	})
	require.NoError(t, err)
	assert.Equal(t, len(items), n)
}

// sampled draws backups, and for each a column in which what it is must be seen.
func sampled(seed uint64) (items []item, in map[string]column) {
	lot := rand.New(rand.NewPCG(seed, 0))
	all := slices.DeleteFunc(shelf(), func(i item) bool { return i.shape.machine }) // each boots for a minute
	left := map[bool]map[bool]int{true: {true: sampledEarly, false: sampledLate}, false: {false: sampledGood}}
	in = map[string]column{}
	for _, i := range lot.Perm(len(all)) {
		it := all[i]
		early := it.label != nil && outcome{At: it.label.at}.early()
		var fit []column
		for _, c := range columns {
			if everything(it, c) && (it.label == nil || it.label.seenIn(c)) {
				fit = append(fit, c)
			}
		}
		if left[it.label != nil][early] > 0 && len(fit) > 0 {
			left[it.label != nil][early]--
			items, in[it.name] = append(items, it), fit[lot.IntN(len(fit))]
		}
	}
	return items, in
}

// The same seed draws the same sample, and what is drawn can be seen where it is asked.
func TestSampled(t *testing.T) {
	t.Parallel()
	items, in := sampled(7)
	again, _ := sampled(7)
	require.Len(t, items, sampledEarly+sampledLate+sampledGood)
	for i, it := range items {
		assert.Equal(t, it.name, again[i].name)
		assert.True(t, it.label == nil || it.label.seenIn(in[it.name]), it.name)
	}
}
