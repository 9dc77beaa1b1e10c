package basebackup

import (
	"fmt"

	"lifeboat/drills/record"
)

// said are the notes of a restore.
type said struct {
	notes []string
	facts []record.Said // the notes in their parts
}

func (s *said) note(format string, args ...any) {
	s.notes, s.facts = append(s.notes, fmt.Sprintf(format, args...)), append(s.facts, *record.SaidOf(format, args...))
}
