package objective

import "lifeboat/drills/record"

// onlyRead judges a drill that restored nothing, since it was only to read: it may fail, and can never pass.
func (j *judge) onlyRead() record.Verdict {
	j.run()
	j.clocks()
	j.restores()
	j.limits()
	j.objectives()
	j.phases()
	j.cleanup()
	j.unknown("read.only", args{})
	return j.verdict()
}

// WellRead tells that all that is to be said against a backup is that it was only read.
func WellRead(r *record.Record, v record.Verdict) bool {
	return r.Header.UpTo == record.UpToRead && v.Status == record.StatusInconclusive && len(v.Reasons) == 1 &&
		v.Reasons[0].ID == "read.only" && Highest(Ladder(r)) == 1
}
