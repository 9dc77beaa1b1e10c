package night

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// A check run is begun with what its proofs held and a margin, and with what it declares where nobody measured what is asked now.
func TestNeed(t *testing.T) {
	t.Parallel()
	const mib = int64(1 << 20)
	declared := Room{Memory: 1024 * mib, Disk: 600 * mib}
	asked := Planned{Backup: "shop", Scenario: "sha256:a"}
	proof := func(p Planned, held, disk int64, s record.Status) Proof {
		return Proof{Planned: p, Held: held * mib, Disk: disk * mib, Status: s, Points: []Point{{Backup: "shop", Size: 60 * mib}, {Size: 40 * mib}}}
	}
	other := Planned{Backup: "shop", Scenario: "sha256:b"}
	read := Planned{Backup: "shop", Scenario: "sha256:a", UpTo: record.UpToRead}
	const passed = record.StatusPassed
	for name, c := range map[string]struct {
		proofs       []Proof
		size         int64 // now
		memory, disk int64
		by           Basis
	}{
		"never proved":             {nil, 100, 1024, 600, Basis{Declared, Declared}},
		"a quarter more":           {[]Proof{proof(asked, 400, 200, passed)}, 100, 500, 250, Basis{Measured, Measured}},
		"the most of the last":     {[]Proof{proof(asked, 400, 100, passed), proof(asked, 200, 200, passed)}, 100, 500, 250, Basis{Measured, Measured}},
		"no more than is declared": {[]Proof{proof(asked, 1000, 500, passed)}, 100, 1024, 600, Basis{Measured, Measured}},
		"never less than measured": {[]Proof{proof(asked, 1500, 700, passed)}, 100, 1500, 700, Basis{Measured, Measured}},
		"a failed one ended early": {[]Proof{proof(asked, 100, 10, record.StatusFailed)}, 100, 1024, 600, Basis{Declared, Declared}},
		"it asks something else":   {[]Proof{proof(other, 100, 10, passed), proof(read, 10, 10, passed)}, 100, 1024, 600, Basis{Declared, Declared}},
		"not measured":             {[]Proof{proof(asked, 0, 0, passed)}, 100, 1024, 600, Basis{Declared, Declared}},
		"an engine elsewhere":      {[]Proof{proof(asked, 400, 0, passed)}, 100, 500, 600, Basis{Measured, Declared}},
		"twice as large by now":    {[]Proof{proof(asked, 400, 200, passed)}, 200, 500, 500, Basis{Measured, Measured}},
		"half as large by now":     {[]Proof{proof(asked, 400, 200, passed)}, 50, 500, 250, Basis{Measured, Measured}},
	} {
		got, by := Need(asked, declared, c.size*mib, []*Night{{Proofs: c.proofs}})
		assert.Equal(t, Room{Memory: c.memory * mib, Disk: c.disk * mib}, got, name)
		assert.Equal(t, c.by, by, name)
	}
}
