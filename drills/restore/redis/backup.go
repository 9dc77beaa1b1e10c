package redis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/redis/rdb"
)

// Names that files get in the data folder.
const (
	snapshotName = "dump.rdb"
	logName      = "appendonly.aof"
	partsFolder  = "appendonlydir"
)

// piece is a file that was read.
type piece struct {
	name     string // in the backup; "": it is all of it
	size     int64
	snapshot *rdb.Snapshot // of a snapshot, or at the beginning of a log
	log      *rdb.Log      // nil: it is no log
	err      error         // what is wrong with it
}

// backup is all that was read.
type backup struct {
	snapshots []piece
	logs      []piece          // each in one file
	parts     map[string]piece // of a log in several, by name
	manifest  string
	manifests []string // their names
	inside    error    // what else it may be: a file in it is packed, or of another kind

	chosen  []piece // that the server will read, in that order
	log     string  // name of the log, "": it is a snapshot that is restored
	split   bool    // in several parts
	cut     *rdb.Cut
	besides []string // what lies beside it and is not restored
}

// choose tells which of the files are the backup, and what is wrong with those.
func (b *backup) choose(format, truncated string) error {
	switch {
	case len(b.manifests) > 1:
		return which("it holds logs of several servers (%s): give each a backup of its own", strings.Join(b.manifests, ", "))
	case format != formatRDB && len(b.manifests) == 1:
		if err := b.together(); err != nil {
			return err
		}
	case format != formatRDB && len(b.parts) > 0:
		return &dump.Damage{Reason: fmt.Sprintf("it holds parts of a log (%s) and not the manifest that names them", b.firstPart())}
	case format != formatRDB && len(b.logs) > 0:
		if err := one(b.logs, "logs"); err != nil {
			return err
		}
		b.chosen, b.log = b.logs, logName
	case format != formatAOF && len(b.snapshots) > 0:
		if err := one(b.snapshots, "snapshots"); err != nil {
			return err
		}
		b.chosen = b.snapshots
	case len(b.snapshots)+len(b.logs)+len(b.parts) > 0:
		return &dump.Damage{Reason: fmt.Sprintf("there is none of the format that the scenario says (%s) in it", format)}
	case b.inside != nil:
		return b.inside
	default:
		return &dump.Damage{Reason: "there is neither a snapshot (RDB) nor a log (AOF) of Redis in it"}
	}
	return b.sound(truncated)
}

// beside are the whole snapshots that lie beside the log that is restored.
func (b *backup) beside() []piece {
	if b.log == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.snapshots), func(p piece) bool { return p.err != nil })
}

func which(format string, args ...any) error {
	return &restore.LackError{Lack: record.LackWhich, What: fmt.Sprintf(format, args...)}
}

func one(list []piece, what string) error {
	if len(list) == 1 {
		return nil
	}
	var names []string
	for _, p := range list {
		names = append(names, p.name)
	}
	return which("it holds several %s (%s): give each a backup of its own", what, strings.Join(names, ", "))
}

func (b *backup) firstPart() string { return slices.Sorted(maps.Keys(b.parts))[0] }

// together finds the parts that the manifest names, and what was written behind its back.
func (b *backup) together() error {
	m, err := rdb.ParseManifest(b.manifest)
	if err != nil {
		return err
	}
	b.split, b.log = true, strings.TrimSuffix(b.manifests[0], ".manifest")
	named, last := map[string]bool{}, 0
	for _, p := range m.Parts {
		got, ok := b.parts[p.Name]
		if !ok {
			return &dump.Damage{Reason: fmt.Sprintf("its manifest names %s, which is not there", p.Name)}
		}
		named[p.Name], last = true, max(last, p.Seq)
		b.chosen = append(b.chosen, got)
	}
	for _, name := range slices.Sorted(maps.Keys(b.parts)) {
		log, p, _ := rdb.PartOf(name)
		switch {
		case named[name]:
		case log == b.log && p.Seq > last && b.parts[name].size > 0:
			return &dump.Damage{Reason: fmt.Sprintf("it holds %s, which is younger than its manifest: a server would start without what is in it", name)}
		default:
			b.besides = append(b.besides, name)
		}
	}
	return nil
}

// sound looks at each of the chosen files. Only the last one may be cut off, and only where the scenario allows it.
func (b *backup) sound(truncated string) error {
	for i, p := range b.chosen {
		of := ""
		if p.name != "" && len(b.chosen) > 1 {
			of = p.name + ": "
		}
		if p.err != nil {
			if damage, ok := p.err.(*dump.Damage); ok {
				return &dump.Damage{Reason: of + damage.Reason}
			}
			return p.err
		}
		if p.log == nil || p.log.Cut == nil {
			continue
		}
		if i < len(b.chosen)-1 {
			return &dump.Damage{Reason: fmt.Sprintf("%s%s; another part follows it, so that no server starts from it", of, p.log.Cut.Words())}
		}
		if truncated != cutAllow {
			return &dump.Damage{Reason: fmt.Sprintf("%s%s (a server with aof-load-truncated starts without it: aof_truncated: allow)", of, p.log.Cut.Words())}
		}
		b.cut = p.log.Cut
	}
	return b.filled()
}

// filled refuses what holds nothing.
func (b *backup) filled() error {
	var commands, keys int64
	unknown := false
	for _, p := range b.chosen {
		if p.snapshot != nil {
			keys += p.snapshot.Keys()
			unknown = unknown || p.snapshot.Unknown != ""
		}
		if p.log != nil {
			commands += p.log.Commands
		}
	}
	if keys == 0 && commands == 0 && !unknown {
		return &dump.Damage{Reason: "it holds not one key"}
	}
	return nil
}

// snapshot that is restored, or that the log begins with; nil: there is none.
func (b *backup) snapshot() *rdb.Snapshot {
	if len(b.chosen) == 0 {
		return nil
	}
	return b.chosen[0].snapshot
}

// commands of the log.
func (b *backup) commands() (n int64) {
	for _, p := range b.chosen {
		if p.log != nil {
			n += p.log.Commands
		}
	}
	return n
}

// bytes of the log that a server reads.
func (b *backup) bytes() (n int64) {
	for _, p := range b.chosen {
		n += p.size
	}
	if b.cut != nil {
		n -= b.cut.Of - b.cut.At
	}
	return n
}

// databases is how many a server must have.
func (b *backup) databases() int {
	most := 0
	for _, p := range b.chosen {
		if p.snapshot != nil {
			for n := range p.snapshot.Databases {
				most = max(most, n)
			}
		}
		if p.log != nil {
			most = max(most, p.log.Database)
		}
	}
	return most + 1
}

// made is when a snapshot was made, as it says itself. A log does not: it begins with a snapshot that may be weeks older, and its last
// command is as old as its server was idle.
func (b *backup) made() string {
	if s := b.snapshot(); s != nil && b.log == "" && !s.Made.IsZero() {
		return s.Made.Format(time.DateTime) + " UTC"
	}
	return ""
}

// lastCommand is when the last command of a log was written; zero: servers say so only where they are told to.
func (b *backup) lastCommand() (at time.Time) {
	for _, p := range b.chosen {
		if p.log != nil && !p.log.Made.IsZero() {
			at = p.log.Made
		}
	}
	return at
}
