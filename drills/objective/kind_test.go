package objective

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// What was never read could not say when it was made: that is no reason of its own.
func TestNoAgeOfWhatWasNotRestored(t *testing.T) {
	t.Parallel()
	s := checkRun()
	edit(s, func(r *record.Restored) {
		r.Unread, r.Kind = "it is gpg", &record.FileKind{Name: "gpg", Command: "gpg -d x"}
	})
	edit(s, func(p *record.RestorePoint) { *p = record.RestorePoint{Backup: p.Backup, Loaded: true} })
	v := s.judge(t)
	assert.Equal(t, record.StatusInconclusive, v.Status)
	seen := false
	for _, r := range v.Reasons {
		if r.ID == "objective.not_measured" && r.Args["objective"] == "age" {
			seen = true
			assert.True(t, r.Follows)
		}
	}
	assert.True(t, seen)
}
