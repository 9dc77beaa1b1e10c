package reports

import "lifeboat/drills/record"

// weaknesses are what weakens the proof, whatever the verdict.
func (a author) weaknesses() []record.Reason { return a.v.Weak }
