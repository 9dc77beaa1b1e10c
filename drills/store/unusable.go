package store

// Unusable is why a point cannot be restored as it lies in its store, by its name in the reports' catalogue; "": it can.
type Unusable string

// The reasons.
const (
	Partial    Unusable = "partial"    // its name says that it is still being written
	Special    Unusable = "special"    // neither a file nor a folder: a pipe, a socket, a device
	Dangling   Unusable = "dangling"   // a link to nothing, or out of the store
	Mixed      Unusable = "mixed"      // a folder that holds something like that
	Hollow     Unusable = "hollow"     // a folder without a file
	Absent     Unusable = "absent"     // a list of digests names it, and it is not there; nobody knows how old it was
	Damaged    Unusable = "damaged"    // what says what it is, is not what its name promises
	Unreadable Unusable = "unreadable" // it may be good, and nobody here may read it
)

// Words are those of the reports' catalogue, in English.
func (u Unusable) Words() string {
	return map[Unusable]string{
		Partial:    "still being written, by its name",
		Special:    "neither a file nor a folder",
		Dangling:   "a link to nothing that is in the store",
		Mixed:      "a folder that holds more than files",
		Hollow:     "a folder without a file",
		Absent:     "named in a list of digests and not there",
		Damaged:    "damaged itself",
		Unreadable: "not to be read by lifeboat",
	}[u]
}
