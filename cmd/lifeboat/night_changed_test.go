package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/night"
	"lifeboat/drills/record"
)

// TestUnchangedRestsOnWhatStands: no proof that is too old, of another build, of another entry, of a restore point that was held to no
// age, or whose drill is gone saves a backup from being proved.
func TestUnchangedRestsOnWhatStands(t *testing.T) {
	v := nightOf(t, "")
	p := v.plannedNow(t)[0]
	good := night.Proof{Planned: p, Drill: "drill", Status: record.StatusPassed, Started: time.Now().Add(-time.Hour)}
	asked := 0
	v.judge = func(night.Proof) (*record.Record, bool) { asked++; return nil, false }
	for name, c := range map[string]struct {
		bend func(p *night.Proof, h *night.Header)
		want int // whether it comes as far as its drill
	}{
		"it would do":    {func(*night.Proof, *night.Header) {}, 1},
		"too old":        {func(p *night.Proof, _ *night.Header) { p.Started = time.Now().Add(-3 * time.Hour) }, 0},
		"of tomorrow":    {func(p *night.Proof, _ *night.Header) { p.Started = time.Now().Add(time.Hour) }, 0},
		"another build":  {func(_ *night.Proof, h *night.Header) { h.Build = "another" }, 0},
		"no build":       {func(_ *night.Proof, h *night.Header) { h.Build = "" }, 0},
		"another entry":  {func(p *night.Proof, _ *night.Header) { p.Scenario = "sha256:other" }, 0},
		"failed":         {func(p *night.Proof, _ *night.Header) { p.Status = record.StatusFailed }, 0},
		"left something": {func(p *night.Proof, _ *night.Header) { p.Left = 1 }, 0},
		"of any age":     {func(p *night.Proof, _ *night.Header) { p.Older = true }, 0},
	} {
		asked = 0
		last, h := good, night.Header{Build: buildID()}
		c.bend(&last, &h)
		got := v.unchanged(t.Context(), p, []*night.Night{{Header: h, Proofs: []night.Proof{last}}}, 2*time.Hour)
		assert.Nil(t, got, name)
		assert.Equal(t, c.want, asked, name)
	}

	asked = 0
	before := []*night.Night{{Header: night.Header{Build: buildID()}, Proofs: []night.Proof{good}}}
	_, n, err := v.begin(t.Context(), verifyOptions{changed: everyProof}, before, false)
	require.NoError(t, err)
	assert.Empty(t, n.Planned[0].Skipped)
	assert.Zero(t, asked, "a night that cannot be read may say that it failed")
	_, _, err = v.begin(t.Context(), verifyOptions{changed: "soon"}, before, true)
	assert.ErrorContains(t, err, "--changed=soon")
}
