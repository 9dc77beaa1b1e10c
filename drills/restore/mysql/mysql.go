// Package mysql restores dumps of mysqldump and mariadb-dump into a booted server of MariaDB or MySQL. The server's own client loads them, in
// the machine; here statements are read, checked and passed on.
package mysql

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind mysql.
type Settings struct {
	Database string `yaml:"database"` // to load into; default: the dump's own name, else app
	// what alone is restored of a dump: a database, or database.table with what it stands on. Views, routines and events beside such tables, triggers and
	// foreign keys that lead to others are left out. Nothing is then proved of the rest, and the report says so
	Only     scenarios.Only   `yaml:"only"`
	User     string           `yaml:"user"`     // that may do everything; default root
	Password scenarios.Secret `yaml:"password"` // default: MARIADB_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD of the instance, else made up
	Port     int              `yaml:"port"`     // default 3306
	Users    map[string]User  `yaml:"users"`    // that may log in, with all rights in the dump's databases: dumps carry no accounts
	// another backup of the scenario, of restore: {kind: binlog}: the binary logs that are replayed behind the dump, which says where in them
	// it is (mysqldump --master-data=2, or --dump-slave for those of its master)
	Binlog  string        `yaml:"binlog"`
	Recover binlog.Target `yaml:"recover"` // how far they are replayed; default: to their end
	// take a dump that says neither at its beginning nor at its end what it is (--compact), of which nobody can know whether its end is missing
	Unmarked bool `yaml:"unmarked"`
	// how long a load may stand still, with no byte taken and no statement ended, before it is given up as
	// inconclusive; default 30m
	Stall scenarios.Duration `yaml:"stall"`
}

// User is one that may log in, from anywhere.
type User struct {
	Password scenarios.Secret `yaml:"password"`
}

const (
	dataFolder      = "/var/lib/mysql"
	defaultUser     = "root"
	defaultDatabase = "app"
	defaultPort     = 3306
	defaultStall    = scenarios.Duration(30 * time.Minute)
)

// Variables from which public images take root's password, and the name of a database that they make.
var (
	rootPasswords = []string{"MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD"}
	madeAtStart   = []string{"MARIADB_DATABASE", "MYSQL_DATABASE"}
)

// Loader loads dumps; safe for concurrent use.
type Loader struct {
	set Settings

	mu     sync.Mutex
	logins map[string]login   // by instance
	filled map[[2]string]bool // instances and databases into which a part was restored
}

// login is who loads into one instance.
type login struct {
	user, password string
	database       string // which the image makes at its first start
}

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	c := Settings{Port: defaultPort, Stall: defaultStall}
	problems := s.Decode(&c)
	if c.Stall <= 0 {
		problems = append(problems, s.Problem("stall", "such as 30m", "%s is no time to wait", c.Stall))
	}
	if c.Port < 1 || c.Port > 65535 {
		problems = append(problems, s.Problem("port", "from 1 to 65535", "%d is no port", c.Port))
	}
	if mysqldump.System(c.Database) {
		problems = append(problems, s.Problem("database", "the database is dropped and made anew at each restore",
			"%s belongs to the server", c.Database))
	}
	if _, ok := c.Users[cmp.Or(c.User, defaultUser)]; ok {
		problems = append(problems, s.Problem("users", "give its password as restore.password", "%s loads the dump", cmp.Or(c.User, defaultUser)))
	}
	switch {
	case len(c.Only) > 0 && c.Database != "":
		problems = append(problems, s.Problem("only", "delete database: what is taken out of a dump of several keeps its name", "only and database are both given"))
	case c.Binlog != "" && strings.Contains(c.Only.String(), "."):
		problems = append(problems, s.Problem("only", "name databases, or delete binlog: logs are replayed into whole databases",
			"it names tables, and binlog is given"))
	}
	for _, name := range c.Only {
		if database, _, _ := strings.Cut(name, "."); mysqldump.System(database) {
			problems = append(problems, s.Problem("only", "name one of the dump's own", "%s belongs to the server", name))
		}
	}
	problems = append(problems, c.Recover.Problems(s, c.Binlog)...)
	if len(problems) > 0 {
		return nil, problems
	}
	return &Loader{set: c, logins: map[string]login{}, filled: map[[2]string]bool{}}, nil
}

// Prepare gives the machine root's password and its data folder on a volume.
func (l *Loader) Prepare(r *instance.Request) error {
	who, err := l.login(r.Name, r.Env)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", r.Name, err)
	}
	env := map[string]string{}
	maps.Copy(env, r.Env)
	if who.user == defaultUser {
		for _, name := range rootPasswords {
			env[name] = who.password
		}
	}
	r.Env = env
	if !slices.Contains(r.Data, dataFolder) {
		r.Data = append(slices.Clone(r.Data), dataFolder)
	}
	return nil
}

// login settles who loads into an instance, once: a later generation of it may stand on the data of the former one.
func (l *Loader) login(name string, env map[string]string) (login, error) {
	password, err := l.set.Password.Reveal()
	if err != nil {
		return login{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	who := l.logins[name]
	who.user = cmp.Or(l.set.User, defaultUser)
	who.password = cmp.Or(password, env[rootPasswords[0]], env[rootPasswords[1]], who.password)
	if who.password == "" {
		who.password = rand.Text()
	}
	who.database = cmp.Or(env[madeAtStart[0]], env[madeAtStart[1]], who.database)
	l.logins[name] = who
	return who, nil
}
