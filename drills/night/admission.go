package night

import (
	"slices"

	"lifeboat/drills/record"
)

// Admission is what a check run was to find free before it was begun beside others, bytes.
type Admission struct {
	Memory int64  `json:"memory_bytes"`
	Disk   int64  `json:"disk_bytes"`
	By     string `json:"memory_by"`         // declared or measured
	DiskBy string `json:"disk_by,omitempty"` // the same; old nights knew the disk as declared only
}

// Basis is how the needs of a check run are known: Declared or Measured.
type Basis struct{ Memory, Disk string }

const (
	Declared = "declared" // by the scenario's limits and the backup's size, as plan adds them up
	Measured = "measured" // by what its proofs of the nights before took
)

// Need is what a check run of restore points of so many bytes is begun with: the most that its last proofs took, and a quarter more, where
// they asked what is asked now; else what it declares. It is never less than what was measured, and more than what is declared only where
// that was measured. The disk grows with the restore points.
func Need(p Planned, declared Room, size int64, before []*Night) (Room, Basis) {
	var memory, disk []int64
	for _, n := range before {
		for _, x := range n.Proofs {
			if x.Backup != p.Backup || x.Scenario != p.Scenario || x.Scenario == "" || x.UpTo != p.UpTo || x.Status != record.StatusPassed {
				continue
			}
			memory, disk = append(memory, x.Held), append(disk, x.grown(size))
		}
	}
	var need Room
	var by Basis
	need.Memory, by.Memory = likely(memory, declared.Memory)
	need.Disk, by.Disk = likely(disk, declared.Disk)
	return need, by
}

// grown is the disk that a proof took, as it would have been with restore points of so many bytes, if those are more than it had.
func (p Proof) grown(size int64) int64 {
	had := int64(0)
	for _, x := range p.Points {
		had += x.Size
	}
	if had <= 0 || size <= had {
		return p.Disk
	}
	return int64(float64(p.Disk) * float64(size) / float64(had))
}

// likely is what will be taken, by what was at the last times; 0 is a time that nobody measured.
func likely(taken []int64, declared int64) (int64, string) {
	taken = slices.DeleteFunc(taken, func(n int64) bool { return n == 0 })
	if len(taken) == 0 {
		return declared, Declared
	}
	most := slices.Max(taken[max(0, len(taken)-usual):])
	return max(most, min(most+most/4, declared)), Measured
}
