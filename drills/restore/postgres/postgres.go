// Package postgres restores dumps of PostgreSQL's pg_dump into a booted
// server. Whatever interprets the dump runs in the machine; here bytes are
// only read, checked and passed on.
package postgres

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind postgres.
type Settings struct {
	Database    string           `yaml:"database"`     // to load into; default: the dump's own name, else app
	User        string           `yaml:"user"`         // superuser; default: POSTGRES_USER of the instance, else postgres
	Password    scenarios.Secret `yaml:"password"`     // default: POSTGRES_PASSWORD of the instance, else made up
	Port        int              `yaml:"port"`         // default 5432
	Format      string           `yaml:"format"`       // auto (default) | custom | plain | directory | tar
	Jobs        int              `yaml:"jobs"`         // pg_restore -j: 1 (default) to 64; above 1 the backup is copied
	CreateRoles bool             `yaml:"create_roles"` // make the roles that the dump names and cannot carry; default true
	Roles       map[string]Role  `yaml:"roles"`        // that may log in: no dump of one database carries their passwords
	// another backup of the scenario, made by pg_dumpall or pg_dumpall --globals-only: its roles, with their passwords
	// and memberships, are restored first
	RolesFrom  string   `yaml:"roles_from"`
	Extensions []string `yaml:"extensions"` // made before the load: dumps of schemas or tables alone hold none
	// what alone is restored: of a dump of format custom, directory or tar schema.table or a schema, with what it stands on; of a script of
	// pg_dumpall a database, with the roles of its server. Nothing is then proved of the rest, and the report says so
	Only     scenarios.Only `yaml:"only"`
	LeaveOut LeaveOut       `yaml:"leave_out"` // what only a provider's server has
	Programs string         `yaml:"programs"`  // folder in the instance where psql and pg_restore are; default: on its path
	// how long a load may stand still, with no byte taken and no statement ended, before it is given up as
	// inconclusive; default 30m
	Stall scenarios.Duration `yaml:"stall"`
}

// Role is one that may log in.
type Role struct {
	Password  scenarios.Secret `yaml:"password"`
	Superuser bool             `yaml:"superuser"`
	MemberOf  []string         `yaml:"member_of"` // roles whose rights it has: no dump of one database holds memberships
}

// LeaveOut names what a dump holds and the scenario's server need not have. What was left out is in the report.
type LeaveOut struct {
	Extensions []string `yaml:"extensions"` // with the data of their own tables
	Labels     []string `yaml:"labels"`     // of SECURITY LABEL: their providers
	Tables     []string `yaml:"tables"`     // schema.table: the data of a table that nothing in the dump makes
}

// Formats of a dump.
const (
	formatAuto      = "auto"
	formatCustom    = "custom"
	formatPlain     = "plain"
	formatDirectory = "directory"
	formatTar       = "tar"
)

// Folders of the machine that lie on volumes.
const (
	dataFolder  = "/var/lib/postgresql/data"
	stageFolder = "/var/lib/lifeboat" // where a dump is put that pg_restore cannot take from a stream
)

const (
	defaultUser     = "postgres"
	defaultDatabase = "app"
	defaultPort     = 5432
	maxJobs         = 64
	defaultStall    = scenarios.Duration(30 * time.Minute)
)

// Loader loads dumps; safe for concurrent use.
type Loader struct {
	set Settings

	mu     sync.Mutex
	logins map[string]login   // by instance
	filled map[[2]string]bool // instances and databases into which a part was restored
}

// login is the superuser of one instance.
type login struct{ user, password string }

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	c := Settings{Port: defaultPort, Format: formatAuto, Jobs: 1, CreateRoles: true, Stall: defaultStall}
	problems := s.Decode(&c)
	formats := []string{formatAuto, formatCustom, formatPlain, formatDirectory, formatTar}
	if !slices.Contains(formats, c.Format) {
		problems = append(problems, s.Problem("format", "one of auto, custom, plain, directory, tar", "%q is unknown",
			c.Format))
	}
	if c.Jobs < 1 || c.Jobs > maxJobs {
		problems = append(problems, s.Problem("jobs", "from 1 to 64", "%d is out of range", c.Jobs))
	}
	if c.Stall <= 0 {
		problems = append(problems, s.Problem("stall", "such as 30m", "%s is no time to wait", c.Stall))
	}
	if c.Port < 1 || c.Port > 65535 {
		problems = append(problems, s.Problem("port", "from 1 to 65535", "%d is no port", c.Port))
	}
	if c.Programs != "" && !path.IsAbs(c.Programs) {
		problems = append(problems, s.Problem("programs", "such as /usr/lib/postgresql/17/bin", "%q is no absolute path",
			c.Programs))
	}
	for _, table := range c.LeaveOut.Tables {
		if schema, name, ok := strings.Cut(table, "."); !ok || schema == "" || name == "" {
			problems = append(problems, s.Problem("leave_out", "such as cron.job", "%q names no table of a schema", table))
		}
	}
	if slices.Contains(serverOwn, c.Database) {
		problems = append(problems, s.Problem("database", "the database is dropped and made anew at each restore",
			"%s belongs to the server", c.Database))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Loader{set: c, logins: map[string]login{}, filled: map[[2]string]bool{}}, nil
}

// Needs names the backup that holds the roles.
func (l *Loader) Needs() map[string]string {
	if l == nil || l.set.RolesFrom == "" { // nil: its settings have problems of their own
		return nil
	}
	return map[string]string{"roles_from": l.set.RolesFrom}
}

// program is how a program is called in the machine: PostgreSQL's own may lie in a folder that the scenario names.
func (l *Loader) program(name string) string {
	if name != "psql" && name != "pg_restore" {
		return name
	}
	return path.Join(l.set.Programs, name)
}

// Prepare gives the machine its superuser's password and its folders on volumes.
func (l *Loader) Prepare(r *instance.Request) error {
	who, err := l.login(r.Name, r.Env)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", r.Name, err)
	}
	env := map[string]string{}
	maps.Copy(env, r.Env)
	if env["POSTGRES_HOST_AUTH_METHOD"] != "trust" {
		env["POSTGRES_PASSWORD"] = who.password
	}
	env["POSTGRES_USER"] = who.user
	r.Env = env
	for _, folder := range []string{dataFolder, stageFolder} {
		if !slices.Contains(r.Data, folder) {
			r.Data = append(slices.Clone(r.Data), folder)
		}
	}
	return nil
}

// login settles who the superuser of an instance is, once: a later generation of
// it may stand on the data of the former one.
func (l *Loader) login(name string, env map[string]string) (login, error) {
	password, err := l.set.Password.Reveal()
	if err != nil {
		return login{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	who := l.logins[name]
	who.user = cmp.Or(l.set.User, env["POSTGRES_USER"], who.user, defaultUser)
	who.password = cmp.Or(password, env["POSTGRES_PASSWORD"], who.password)
	if who.password == "" {
		who.password = rand.Text()
	}
	l.logins[name] = who
	return who, nil
}
