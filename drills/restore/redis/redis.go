// Package redis restores what Redis and Valkey keep on disk: a snapshot (RDB), a log of commands (AOF), or a log in several
// parts. All of it is read here to its end, then put into the server's data folder before the server starts, and what the
// server holds afterwards is held against what was counted here.
package redis

import (
	"path"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind redis.
type Settings struct {
	Format string `yaml:"format"` // auto (default) | rdb | aof: which one counts where a folder holds both; auto takes the log
	// a log that ends inside a command: refuse (default: it is damaged) | allow (the server does without it and what was in it, as
	// it does by itself)
	AOFTruncated string           `yaml:"aof_truncated"`
	Folder       string           `yaml:"folder"`   // in the instance, where its server keeps its data; default /data
	Port         int              `yaml:"port"`     // default 6379
	Password     scenarios.Secret `yaml:"password"` // that the restored server asks for; default: none
	// how long a load may stand still before it is given up as inconclusive; default 30m
	Stall scenarios.Duration `yaml:"stall"`
}

// Formats of a backup.
const (
	formatAuto = "auto"
	formatRDB  = "rdb"
	formatAOF  = "aof"
)

// What becomes of a log that is cut off.
const (
	cutRefuse = "refuse"
	cutAllow  = "allow"
)

const (
	defaultFolder = "/data"
	defaultPort   = 6379
	defaultStall  = scenarios.Duration(30 * time.Minute)
)

// confFile holds lifeboat's settings, in the data folder: it goes over to the next machine with the data.
const confFile = "lifeboat.conf"

// Loader loads backups; safe for concurrent use.
type Loader struct{ set Settings }

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	c := Settings{Format: formatAuto, AOFTruncated: cutRefuse, Folder: defaultFolder, Port: defaultPort, Stall: defaultStall}
	problems := s.Decode(&c)
	if !slices.Contains([]string{formatAuto, formatRDB, formatAOF}, c.Format) {
		problems = append(problems, s.Problem("format", "one of auto, rdb, aof", "%q is unknown", c.Format))
	}
	if !slices.Contains([]string{cutRefuse, cutAllow}, c.AOFTruncated) {
		problems = append(problems, s.Problem("aof_truncated", "one of refuse, allow", "%q is unknown", c.AOFTruncated))
	}
	if !path.IsAbs(c.Folder) || path.Clean(c.Folder) == "/" {
		problems = append(problems, s.Problem("folder", "such as /data", "%q is no absolute path of a folder", c.Folder))
	}
	problems = append(problems, s.ProblemIf(c.Port < 1 || c.Port > 65535, "port", "from 1 to 65535", "%d is no port", c.Port)...)
	problems = append(problems, s.ProblemIf(c.Stall <= 0, "stall", "such as 30m", "%s is no time to wait", c.Stall)...)
	if len(problems) > 0 {
		return nil, problems
	}
	c.Folder = path.Clean(c.Folder)
	return &Loader{set: c}, nil
}

// Prepare puts the data folder on a volume and lifeboat's settings behind the server's command. A machine that is to be loaded
// is held: its server reads its data once, when it starts.
func (l *Loader) Prepare(r *instance.Request) error {
	r.OnVolumes(l.set.Folder)
	if r.KeepData && slices.Contains(r.DropData, l.set.Folder) {
		return nil // it starts with nothing, lifeboat's settings included
	}
	r.Arguments = append(slices.Clone(r.Arguments), "--include", path.Join(l.set.Folder, confFile))
	r.Hold = !r.KeepData
	return nil
}
