package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"syscall"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// mysqlServer is the keys that every fault of a server of MariaDB or MySQL has.
type mysqlServer struct {
	Port int `yaml:"port"` // default 3306
}

func (s *mysqlServer) defaults() {
	s.Port = cmp.Or(s.Port, 3306)
}

// asRoot asks by the machine's own client, as root with the password that stands in the machine's own environment: no undo holds it.
const asRoot = `export MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}"
for c in mariadb mysql; do
  if command -v "$c" >/dev/null; then exec "$c" --no-defaults -N -B -r --protocol=tcp -h127.0.0.1 -P"$1" -uroot -e "$2"; fi
done
echo "no mariadb and no mysql" >&2; exit 127`

func (s *mysqlServer) command(query string) instance.Command {
	return shell("", asRoot, strconv.Itoa(s.Port), query)
}

func (s *mysqlServer) ask(ctx context.Context, m instance.Machine, query string) (string, error) {
	out, err := sh(ctx, m, "", asRoot, strconv.Itoa(s.Port), query)
	if err != nil {
		return "", fmt.Errorf("ask the server of %s as root: %w", m.Name(), err)
	}
	return strings.TrimRight(out, "\n"), nil
}

// mysqlSetting is a setting in a file of the new version's packages, with which the server is restarted.
type mysqlSetting struct {
	mysqlServer
	folder string
	line   string
	moved  int // the port that the server listens at instead; 0: it is read-only
}

const defaultSettings = "/etc/mysql/conf.d"

// newMySQLPortMoved: the upgraded server listens at another port. Key: to (default 3307).
func newMySQLPortMoved(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		mysqlServer `yaml:",inline"`
		To          int    `yaml:"to"`     // port that it listens at instead; default 3307
		Folder      string `yaml:"folder"` // whose *.cnf the server reads; default /etc/mysql/conf.d
	}
	problems := s.Decode(&keys)
	keys.defaults()
	keys.To = cmp.Or(keys.To, 3307)
	if keys.To == keys.Port || keys.To < 1 || keys.To > 65535 {
		problems = append(problems, s.Problem("to", "such as to: 3307", "port %d is no other port to move to", keys.To))
	}
	return &mysqlSetting{mysqlServer: keys.mysqlServer, folder: orDefault(keys.Folder), line: "port = " + strconv.Itoa(keys.To), moved: keys.To}, problems
}

// newMySQLReadOnly: the upgraded server takes no writes, as one that was set up as a replica.
func newMySQLReadOnly(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		mysqlServer `yaml:",inline"`
		Folder      string `yaml:"folder"` // whose *.cnf the server reads; default /etc/mysql/conf.d
	}
	problems := s.Decode(&keys)
	keys.defaults()
	return &mysqlSetting{mysqlServer: keys.mysqlServer, folder: orDefault(keys.Folder), line: "read_only = ON"}, problems
}

func orDefault(folder string) string {
	if folder == "" {
		return defaultSettings
	}
	return path.Clean(folder)
}

func (f *mysqlSetting) file() string { return path.Join(f.folder, "zz-lifeboat-fault.cnf") }

// Available implements Fault.
func (f *mysqlSetting) Available(ctx context.Context, t Target) error {
	if _, err := sh(ctx, t.Machine, "root", `test -d "$1"`, f.folder); err != nil {
		return fmt.Errorf("%s has no folder %s, in which its server would read a setting: %w", t.Machine.Name(), f.folder, err)
	}
	return nil
}

// Prepare implements Fault.
func (f *mysqlSetting) Prepare(_ context.Context, t Target) (ledger.Undo, error) {
	return instance.UndoCommand(t.Machine, shell("root", `rm -f "$1"`, f.file()))
}

// Inject implements Fault.
func (f *mysqlSetting) Inject(ctx context.Context, t Target) error {
	if _, err := sh(ctx, t.Machine, "root", `printf '[mysqld]\n%s\n' "$2" > "$1" && chmod 644 "$1"`, f.file(), f.line); err != nil {
		return fmt.Errorf("write %s: %w", f.file(), err)
	}
	return restart(ctx, t.Machine)
}

// Effective implements Fault.
func (f *mysqlSetting) Effective(ctx context.Context, t Target) error {
	if f.moved == 0 {
		is, err := f.ask(ctx, t.Machine, "select @@global.read_only")
		if err == nil && is == "0" {
			err = instance.NotInForce("the server of %s takes writes", t.Machine.Name())
		}
		return err
	}
	if speaks, err := greeted(ctx, t.Machine, f.Port); err != nil || speaks {
		if err == nil {
			err = instance.NotInForce("%s still listens at port %d", t.Machine.Name(), f.Port)
		}
		return err
	}
	speaks, err := greeted(ctx, t.Machine, f.moved)
	if err == nil && !speaks { // it may be down, or not up yet
		err = fmt.Errorf("%s listens neither at port %d nor at port %d", t.Machine.Name(), f.Port, f.moved)
	}
	return err
}

// greeted tells whether a server of MariaDB or MySQL speaks at a port: it speaks first.
func greeted(ctx context.Context, m instance.Machine, port int) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	c, err := m.Dial(ctx, port)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask %s at port %d: %w", m.Name(), port, err)
	}
	defer c.Close() //nolint:errcheck // nothing was written
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	n, err := c.Read(make([]byte, 5))
	if n == 0 && ctx.Err() != nil {
		return false, fmt.Errorf("ask %s at port %d: %w", m.Name(), port, errHung)
	}
	return n > 0 && err == nil, nil
}
