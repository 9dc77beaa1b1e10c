package record

import "time"

// CheckStatus of one result. Only passed is good; none of the others ever passes.
type CheckStatus string

// The results of a check.
const (
	CheckPassed  CheckStatus = "passed"
	CheckFailed  CheckStatus = "failed"
	CheckSkipped CheckStatus = "skipped"
	CheckCrashed CheckStatus = "crashed"
)

// CheckResult is one answer to one question.
type CheckResult struct {
	Name    string      `json:"name"`
	Layer   Layer       `json:"layer"`
	When    When        `json:"when"`
	Status  CheckStatus `json:"status"`
	Message string      `json:"message,omitempty"` // what was seen, in one line
	Said    *Said       `json:"said,omitempty"`    // the same in its parts
	Facts   string      `json:"facts,omitempty"`   // short rendering of the observation
	Diff    []string    `json:"diff,omitempty"`    // before against after
	// Beside is what it saw that is worth reading and changes no verdict.
	Beside []Observation `json:"beside,omitempty"`
	// Compared: the answer holds what is seen now against what was seen before the upgrade.
	Compared bool `json:"compared,omitempty"`
	// Recorded: what was seen was held against nothing; it is there for the next drill.
	Recorded bool `json:"recorded,omitempty"`
	// FactsDigest is of the whole observation, raw/facts/DIGEST.json, where Facts is cut.
	FactsDigest string   `json:"facts_digest,omitempty"`
	Backup      string   `json:"backup,omitempty"`  // the backup that a failure points at
	Overdue     *Overdue `json:"overdue,omitempty"` // with failed: no answer came in time, and that is all
	// Incident after which it was asked; Build fills it from the event's subject or, without one, from its time.
	Incident int           `json:"incident,omitempty"`
	Started  time.Duration `json:"started_ns"`
	Ended    time.Duration `json:"ended_ns"`
}

// HarnessError is a failure of lifeboat, its host or its engine: never the backup's fault.
type HarnessError struct {
	Phase string        `json:"phase"`
	Error string        `json:"error"`
	At    time.Duration `json:"at_ns,omitempty"` // filled by Build
}

// Observation is worth reading. Those of the engine that end a drill before anything is rehearsed (flow.blind*, and
// upgrade.* where the scenario says stop) make it inconclusive; no other changes a verdict.
type Observation struct {
	ID   string            `json:"id"` // a message of the catalogue
	Args map[string]string `json:"args,omitempty"`
}

// Note was written by a person during the drill.
type Note struct {
	Text string `json:"text"`
}

// Aborted says who ended the drill and why.
type Aborted struct {
	Why string `json:"why"`
	By  string `json:"by,omitempty"` // the event's actor, filled by Build
}

// CleanupEvent tells what became of one thing, or of all (State CleanupProved).
type CleanupEvent struct {
	What     string       `json:"what,omitempty"` // container, network, volume, image, file, process, fault
	Name     string       `json:"name,omitempty"`
	Entry    int          `json:"entry,omitempty"` // of the ledger; 0: of none, or an old journal
	State    CleanupState `json:"state"`
	Error    string       `json:"error,omitempty"`
	Fix      string       `json:"fix,omitempty"`       // the command that removes it by hand
	Left     []string     `json:"left,omitempty"`      // with incomplete and kept: what is still there
	DiskLost []string     `json:"disk_lost,omitempty"` // with kept: backups whose machines lost their disk, which lifeboat itself served
	Count    int          `json:"count,omitempty"`
}

// RawFile enters a file under raw/ by its digest.
type RawFile struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Size   int64  `json:"size_bytes"`
}

// Sealed is the last event of a drill that ended in an orderly way.
type Sealed struct {
	Status RunStatus `json:"status"`
}

// Torn is a line that a crash cut off.
type Torn struct {
	Bytes  int    `json:"bytes"`
	Digest string `json:"digest"`
}

// Booted is an instance that is ready.
type Booted struct {
	Started time.Duration `json:"started_ns"` // when its restore, or else its boot, began
	Ready   time.Duration `json:"ready_ns"`
	Image   string        `json:"image,omitempty"`
	ImageID string        `json:"image_id,omitempty"` // which image that name meant then; empty: its engine does not tell
	Basis   Basis         `json:"basis"`
	// Unseen: neither the scenario nor its image says when it is ready, and nothing was loaded into it. Ready is when its
	// process or its hypervisor ran, which says nothing of what is to run in it, so no time of it is measured.
	Unseen bool `json:"unseen,omitempty"`
	// SealWait is for how long the boot waited for a sealed sandbox: the rest of its sealing was done ahead. 0: not known
	SealWait time.Duration `json:"seal_wait_ns,omitempty"`
	// Facts of how it was booted and is controlled: acceleration, control, firmware, clock skew.
	Facts map[string]string `json:"facts,omitempty"`
}

// Lack is what a machine, its disk or a dump needs and the scenario does not give: it says nothing of the backup.
type Lack struct {
	Kind string `json:"kind"` // one of the constants below
	What string `json:"what"` // in a line, as it was seen
}

// Kinds of lacks. Each has words and a next step in the catalogue, as lack.KIND and lack_next.KIND.
const (
	LackAddress    = "address"    // the guest is up on another network
	LackCard       = "card"       // the guest is up and its network card is another one to it
	LackDisk       = "disk"       // the guest waits for another disk
	LackPassphrase = "passphrase" // a disk is encrypted
	LackUEFI       = "uefi"       // the disk boots by UEFI and not by BIOS
	LackBIOS       = "bios"       // the other way round
	LackBootEntry  = "boot-entry" // the disk boots by an entry in the variables of production's UEFI
	LackMachine    = "machine"    // the disk boots on machines of another kind
	LackFormat     = "format"     // the image is booted as raw and begins as another format
	LackBus        = "bus"        // the guest does not see the disk that it boots from
	LackFile       = "file"       // the image stands on another file
	LackReplay     = "replay"     // the image was not closed: its log must be replayed into it
	LackGeometry   = "geometry"   // the image says two sizes
	LackCapability = "capability" // a program of the container has file capabilities that it is not given
	LackSetuid     = "setuid"     // a program of the container changes its user when it is started
	LackVariable   = "variable"   // the image's entry point wants a variable of the environment
	LackCommand    = "command"    // the image names no command, and the scenario neither
	LackIncrement  = "increment"  // the archive is a part of several, or holds only what changed
	LackTag        = "tag"        // the archive holds several images, or another one than is named

	LackBase      = "base"      // an archive of WAL is no system
	LackDelta     = "delta"     // the base backup is incremental
	LackSuperuser = "superuser" // the scenario does not name a superuser of the cluster
	LackWAL       = "wal"       // the base backup holds no WAL, and the scenario names no archive of it
	LackTarget    = "target"    // the WAL does not hold the place where recovery should end
	LackEarly     = "early"     // recovery should end before the backup itself does
	LackTimeline  = "timeline"  // the timeline that is wanted does not stem from the backup

	LackStanza = "stanza" // the repository holds several clusters
	LackSet    = "set"    // the repository does not hold the backup that is wanted
	LackCipher = "cipher" // the repository is encrypted, and not by the key of the scenario

	LackHash  = "hash"  // the snapshot has no hash at its end
	LackLogin = "login" // the restored server asks for a user and a password

	LackTables   = "tables"   // the dump holds data, or indexes, and not their tables
	LackDatabase = "database" // the dump holds no database, or not the one that is wanted
	LackSeveral  = "several"  // the file holds several dumps that would take each other's place
	LackInside   = "inside"   // the backup is a file among others in a folder, or in an archive
	LackRoles    = "roles"    // the backup whose roles are wanted holds none
	LackWhole    = "whole"    // the dump is a part of a database that needs the rest
	LackLeftOut  = "left-out" // something stands on what the scenario leaves out
	LackEnd      = "end"      // the dump does not say where it ends
	LackForm     = "form"     // the dump is of a form that is not restored
	LackChunks   = "chunks"   // files of rows may be missing, and nothing says how many there were
	LackLabels   = "labels"   // the scenario leaves out some labels of an object, and not all

	LackCompressed = "compressed" // the files of a physical backup are compressed or encrypted one by one
	LackKey        = "key"        // its tablespaces are encrypted, and nobody has the key

	LackPart      = "part"       // the backup does not hold what alone is wanted of it
	LackWhich     = "which"      // the backup holds several that may be meant
	LackOccupied  = "occupied"   // what alone is wanted of the backup would take the place of what is there
	LackPosition  = "position"   // the backup does not say where in the binary logs it is
	LackSealedLog = "sealed-log" // a binary log is encrypted
	LackLogs      = "logs"       // the binary logs are none that are replayed behind that backup
)

// Bad says in a line what went wrong with a restore, whoever's fault it is; "": nothing.
func (r Restored) Bad() string {
	if r.Lack != nil {
		return r.Lack.What
	}
	return r.BackupBad + r.ImageBad + r.Unread
}

// BootFailure is an instance that did not come up, where that is not known to be its backup's doing: in an upgrade, with an
// image of the engine, or after it met others.
type BootFailure struct {
	During string   `json:"during"`           // restore | upgrade | rollback
	Backup string   `json:"backup,omitempty"` // that it was booted from; empty: an image of the engine
	Point  string   `json:"point,omitempty"`
	Image  string   `json:"image,omitempty"`  // of the engine
	Why    string   `json:"why"`              // "it ended with exit code 1"
	Lines  []string `json:"lines,omitempty"`  // the last of its console
	Met    []string `json:"met,omitempty"`    // instances that it had spoken to: "db (backup shop-db)"
	Sought []string `json:"sought,omitempty"` // what it looked for and no instance is
	// NotAsked is why it is not known whom it met.
	NotAsked string        `json:"not_asked,omitempty"`
	Started  time.Duration `json:"started_ns"`
	Ended    time.Duration `json:"ended_ns"`
}

// Diagnosis is what a machine shows of itself when it does not do what it should.
type Diagnosis struct {
	Class  string        `json:"class"`            // kernel-panic, initramfs-shell, emergency-mode, …
	Words  string        `json:"words"`            // in a line: "kernel panic: VFS: Unable to mount root fs"
	Source string        `json:"source"`           // console | screen | agent | ssh | serial | network | hypervisor
	At     time.Duration `json:"at_ns"`            // when it was seen
	Lines  []string      `json:"lines,omitempty"`  // the last of the console
	Screen string        `json:"screen,omitempty"` // file below raw/
	Lack   string        `json:"lack,omitempty"`   // kind of what the scenario does not give, if that is what is wrong
}

// DiskRead says how much of a disk image was read where it lies.
type DiskRead struct {
	Backup  string `json:"backup"`
	Fetched int64  `json:"fetched_bytes"`
	Size    int64  `json:"size_bytes"`
}
