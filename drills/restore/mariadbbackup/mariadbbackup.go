// Package mariadbbackup restores physical backups of MariaDB: what mariadb-backup writes, as folders, tars or streams, a full one alone or with
// the increments that go on from it. What shows without a server is verified here, on the host; the backup is prepared in the machine, by its
// own mariadb-backup, on a copy.
package mariadbbackup

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/mysql/session"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind mariadb-backup.
type Settings struct {
	User     string           `yaml:"user"`     // that gets the password below and all rights, from the server's own loopback alone; default root
	Password scenarios.Secret `yaml:"password"` // default: MARIADB_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD of the instance, else made up
	Port     int              `yaml:"port"`     // default 3306
	Data     string           `yaml:"data"`     // data folder of the image; default /var/lib/mysql
	OSUser   string           `yaml:"os_user"`  // whom the image runs the server as; default mysql
	// another backup of the scenario, of restore: {kind: binlog}: the binary logs that are replayed behind the backup
	Binlog  string        `yaml:"binlog"`
	Recover binlog.Target `yaml:"recover"` // how far they are replayed; default: to their end
	// how long a stream, or the replay of binary logs, may stand still, with no byte taken, before it is given up as inconclusive; default 30m
	Stall scenarios.Duration `yaml:"stall"`
}

const (
	defaultUser   = "root"
	defaultPort   = 3306
	defaultData   = "/var/lib/mysql"
	defaultOSUser = "mysql"
	defaultStall  = scenarios.Duration(30 * time.Minute)
)

// Folders and files of the machine.
const (
	homeFolder  = "/var/lib/lifeboat"      // lifeboat's own, on a volume
	confPath    = homeFolder + "/my.cnf"   // settings of the server
	initPath    = homeFolder + "/init.sql" // what it runs when it starts first
	goPath      = homeFolder + "/go"       // it may start
	stageFolder = "lifeboat-restore"       // in the data folder, while it is filled
)

// Loader restores physical backups; safe for concurrent use.
type Loader struct {
	set Settings

	mu     sync.Mutex
	logins map[string]string // passwords, by instance
}

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	c := Settings{User: defaultUser, Port: defaultPort, Data: defaultData, OSUser: defaultOSUser, Stall: defaultStall}
	problems := s.Decode(&c)
	problems = append(problems, s.ProblemIf(c.Port < 1 || c.Port > 65535, "port", "from 1 to 65535", "%d is no port", c.Port)...)
	if !path.IsAbs(c.Data) || path.Clean(c.Data) == "/" {
		problems = append(problems, s.Problem("data", "such as "+defaultData, "%q is no absolute path of a folder", c.Data))
	}
	problems = append(problems, s.ProblemIf(c.Stall <= 0, "stall", "such as 30m", "%s is no time to wait", c.Stall)...)
	if strings.ContainsAny(c.OSUser, "\n= ") || c.OSUser == "" {
		problems = append(problems, s.Problem("os_user", "such as "+defaultOSUser, "%q is no name of a user", c.OSUser))
	}
	if problems = append(problems, c.Recover.Problems(s, c.Binlog)...); len(problems) > 0 {
		return nil, problems
	}
	c.Data, c.User = path.Clean(c.Data), cmp.Or(c.User, defaultUser)
	return &Loader{set: c, logins: map[string]string{}}, nil
}

// start is what a machine runs first; its $0 is the user of the server. It waits until its data folder is filled, and becomes what the image
// runs, with lifeboat's settings.
const start = `trap 'exit 0' TERM INT
while [ ! -e ` + goPath + ` ]; do sleep 0.1; done
trap - TERM INT
export MYSQL_HOME=` + homeFolder + ` MARIADB_HOME=` + homeFolder + `
if [ $# = 0 ] || [ "${1#-}" != "$1" ]; then
  for c in mariadbd mysqld; do if command -v "$c" >/dev/null; then set -- "$c" "$@"; break; fi; done
fi
if [ "$(id -u)" = 0 ]; then mkdir -p /run/mysqld && chown "$0": /run/mysqld; fi
if command -v docker-entrypoint.sh >/dev/null; then exec docker-entrypoint.sh "$@"; fi
exec "$@"`

// harmless keeps a server from doing what production did: run events, follow another server, write what others follow. It stands behind
// whatever the scenario says.
var harmless = []string{"--event-scheduler=OFF", "--skip-slave-start", "--skip-log-bin"}

// Prepare has the machine wait for its data.
func (l *Loader) Prepare(r *instance.Request) error {
	password, err := l.set.Password.Reveal()
	if err != nil {
		return fmt.Errorf("prepare %s: %w", r.Name, err)
	}
	l.mu.Lock()
	l.logins[r.Name] = cmp.Or(password, r.Env["MARIADB_ROOT_PASSWORD"], r.Env["MYSQL_ROOT_PASSWORD"], l.logins[r.Name], rand.Text())
	l.mu.Unlock()
	r.OnVolumes(l.set.Data, homeFolder)
	if r.KeepData && slices.Contains(r.DropData, l.set.Data) {
		return nil // it starts with nothing, as its image has it
	}
	r.Entrypoint = []string{"sh", "-c", start, l.set.OSUser}
	r.Arguments = append(slices.Clone(r.Arguments), harmless...)
	return nil
}

// login is who asks the server of a machine.
func (l *Loader) login(machine string) (session.Login, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	password, ok := l.logins[machine]
	if !ok {
		return session.Login{}, fmt.Errorf("restore into %s: nobody prepared it", machine)
	}
	return session.Login{User: l.set.User, Password: password, Port: l.set.Port}, nil
}
