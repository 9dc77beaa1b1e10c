package night

import "lifeboat/drills/record"

// Admission is what a check run was to find free before it was begun beside others, bytes.
type Admission struct {
	Memory int64  `json:"memory_bytes"`
	Disk   int64  `json:"disk_bytes"`
	By     string `json:"memory_by"` // declared or measured
}

// How the memory of a check run is known.
const (
	Declared = "declared" // by the scenario's limits, as plan adds them up
	Measured = "measured" // by what its proofs of the nights before held
)

// Need is what a check run is begun with: what its last proofs held, and a quarter more, where they asked what is asked now; else what it
// declares. It is never less than what was measured, and more than what is declared only where that was measured.
func Need(p Planned, declared Room, before []*Night) (Room, string) {
	var held []int64
	for _, n := range before {
		for _, x := range n.Proofs {
			if x.Backup == p.Backup && x.Scenario == p.Scenario && x.Scenario != "" && x.UpTo == p.UpTo && x.Status == record.StatusPassed && x.Held > 0 {
				held = append(held, x.Held)
			}
		}
	}
	most := int64(0)
	for _, x := range held[max(0, len(held)-usual):] {
		most = max(most, x)
	}
	if most == 0 {
		return declared, Declared
	}
	return Room{Memory: max(most, min(most+most/4, declared.Memory)), Disk: declared.Disk}, Measured
}
