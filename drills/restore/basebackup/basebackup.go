// Package basebackup restores base backups of PostgreSQL: what pg_basebackup writes, as tar files or as a data folder, with
// the WAL that it needs and an archive of WAL behind it. Everything that shows without a server is verified here, on the
// host, before one starts; files are put into the machine before it does.
package basebackup

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind basebackup.
type Settings struct {
	// another backup of the scenario, of restore: {kind: wal}: the archive whose WAL is replayed
	WAL     string `yaml:"wal"`
	Recover Target `yaml:"recover"` // how far the WAL is replayed; default: to its end
	User    string `yaml:"user"`    // superuser of the cluster; default: POSTGRES_USER of the instance, else postgres
	Port    int    `yaml:"port"`    // default 5432
	Data    string `yaml:"data"`    // data folder of the image; default: PGDATA of the instance, else /var/lib/postgresql/data
	OSUser  string `yaml:"os_user"` // whom the image runs the server as, by name or number; default postgres
	// how long recovery may stand still, without a word of the server, before it is given up as inconclusive; default 30m
	Stall scenarios.Duration `yaml:"stall"`
	// the backup is a snapshot of a whole file system at one moment, taken while its server ran: it needs no backup_label
	Snapshot bool `yaml:"snapshot"`
	// the backup is a repository with its own WAL, of the program pgbackrest or barman; default: it is one base backup
	Repository string `yaml:"repository"`
	Stanza     string `yaml:"stanza"` // of a repository that holds several; of Barman: the server
	Set        string `yaml:"set"`    // label of the backup in a repository; default: the newest, or the newest before recover.time
	// that a repository of pgBackRest is encrypted by (repo1-cipher-pass); default: it is not
	CipherPass scenarios.Secret `yaml:"cipher_pass"`
}

// Target is where recovery ends. At most one of the first three is given.
type Target struct {
	Time     *time.Time `yaml:"time"`     // the last transaction before it is the last: 2026-01-31T02:00:00Z
	Name     string     `yaml:"name"`     // of a restore point that pg_create_restore_point made
	Before   string     `yaml:"before"`   // the number of a transaction, which is not replayed
	Timeline string     `yaml:"timeline"` // latest (default): the latest that stems from the backup; or its number
}

func (t Target) latest() bool { return t.Time == nil && t.Name == "" && t.Before == "" }

const (
	defaultUser  = "postgres"
	defaultPort  = 5432
	defaultData  = "/var/lib/postgresql/data"
	defaultStall = scenarios.Duration(30 * time.Minute)
	latest       = "latest"
)

// Folders of the machine, on a volume: whose WAL the server reads, and where tablespaces lie.
const (
	stageFolder = "/var/lib/lifeboat"
	walFolder   = stageFolder + "/wal"
	spaceFolder = stageFolder + "/tablespaces"
)

// Loader restores base backups; safe for concurrent use.
type Loader struct {
	set  Settings
	made machines
}

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	c := Settings{Port: defaultPort, OSUser: defaultUser, Stall: defaultStall, Recover: Target{Timeline: latest}}
	problems := s.Decode(&c)
	given := 0
	for _, is := range []bool{c.Recover.Time != nil, c.Recover.Name != "", c.Recover.Before != ""} {
		if is {
			given++
		}
	}
	c.Recover.Timeline = cmp.Or(c.Recover.Timeline, latest)
	number := func(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
	switch {
	case given > 1:
		problems = append(problems, s.Problem("recover", "give one of time, name and before", "recovery ends at one place"))
	case c.Recover.Before != "" && !number(c.Recover.Before):
		problems = append(problems, s.Problem("recover", "such as before: 740", "%q is no number of a transaction", c.Recover.Before))
	case c.Recover.Timeline != latest && !number(c.Recover.Timeline):
		problems = append(problems, s.Problem("recover", "latest, or its number", "%q is no timeline", c.Recover.Timeline))
	case len(c.Recover.Name) > mostName || strings.ContainsAny(c.Recover.Name, "\n\x00"):
		problems = append(problems, s.Problem("recover", "63 bytes at most", "no restore point has such a name"))
	}
	problems = append(problems, s.ProblemIf(c.Port < 1 || c.Port > 65535, "port", "from 1 to 65535", "%d is no port", c.Port)...)
	switch {
	case !slices.Contains([]string{"", byPgBackRest, byBarman}, c.Repository):
		problems = append(problems, s.Problem("repository", "one of pgbackrest, barman", "%q is unknown", c.Repository))
	case c.Repository == "" && (c.Stanza != "" || c.Set != "" || !c.CipherPass.IsZero()):
		problems = append(problems, s.Problem("repository", "say repository: pgbackrest, or barman", "stanza, set and cipher_pass are of a repository"))
	case c.Repository != "" && c.WAL != "":
		problems = append(problems, s.Problem("wal", "delete it", "a repository has its own WAL"))
	}
	problems = append(problems, s.ProblemIf(c.Data != "" && !path.IsAbs(c.Data), "data", "such as "+defaultData, "%q is no absolute path", c.Data)...)
	problems = append(problems, s.ProblemIf(c.Stall <= 0, "stall", "such as 30m", "%s is no time to wait", c.Stall)...)
	if len(problems) > 0 {
		return nil, problems
	}
	return &Loader{set: c}, nil
}

const mostName = 63

// Measures implements restore.Measuring.
func (l *Loader) Measures() bool { return true }

// Needs names the archive of WAL.
func (l *Loader) Needs() map[string]string {
	if l == nil || l.set.WAL == "" { // nil: its settings have problems of their own
		return nil
	}
	return map[string]string{"wal": l.set.WAL}
}

// Takes implements restore.Choosing.
func (l *Loader) Takes(_ string, other restore.Loader) (hint, problem string) {
	if _, is := other.(*Archive); is {
		return "", ""
	}
	return "name a backup of restore: {kind: wal}", "holds no archive of WAL"
}

// Prepare has the machine created and not started: its data folder is filled before its server sees it.
func (l *Loader) Prepare(r *instance.Request) error {
	at := place{data: path.Clean(cmp.Or(l.set.Data, r.Env["PGDATA"], defaultData)), user: cmp.Or(l.set.User, r.Env["POSTGRES_USER"], defaultUser)}
	if !path.IsAbs(at.data) || at.data == "/" {
		return fmt.Errorf("prepare %s: its data folder is %q, which is no absolute path", r.Name, at.data)
	}
	l.made.set(r.Name, at)
	r.OnVolumes(at.data, stageFolder)
	r.Hold = !r.KeepData
	return nil
}
