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
	declared := Room{Memory: 1024 * mib, Disk: 7}
	asked := Planned{Backup: "shop", Scenario: "sha256:a"}
	proof := func(p Planned, held int64, s record.Status) Proof {
		return Proof{Planned: p, Held: held * mib, Status: s}
	}
	other := Planned{Backup: "shop", Scenario: "sha256:b"}
	read := Planned{Backup: "shop", Scenario: "sha256:a", UpTo: record.UpToRead}
	for name, c := range map[string]struct {
		proofs []Proof
		memory int64
		by     string
	}{
		"never proved":             {nil, 1024, Declared},
		"a quarter more":           {[]Proof{proof(asked, 400, record.StatusPassed)}, 500, Measured},
		"the most of the last":     {[]Proof{proof(asked, 400, record.StatusPassed), proof(asked, 200, record.StatusPassed)}, 500, Measured},
		"no more than is declared": {[]Proof{proof(asked, 1000, record.StatusPassed)}, 1024, Measured},
		"never less than measured": {[]Proof{proof(asked, 1500, record.StatusPassed)}, 1500, Measured},
		"a failed one ended early": {[]Proof{proof(asked, 100, record.StatusFailed)}, 1024, Declared},
		"it asks something else":   {[]Proof{proof(other, 100, record.StatusPassed), proof(read, 10, record.StatusPassed)}, 1024, Declared},
		"not measured":             {[]Proof{proof(asked, 0, record.StatusPassed)}, 1024, Declared},
	} {
		got, by := Need(asked, declared, []*Night{{Proofs: c.proofs}})
		assert.Equal(t, Room{Memory: c.memory * mib, Disk: 7}, got, name)
		assert.Equal(t, c.by, by, name)
	}
}
