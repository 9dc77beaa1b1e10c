package mysql

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
	"lifeboat/verifier/verifiertest"
)

//go:embed testdata/rich.sql
var rich string

// serving is a server whose databases are profiled, dumped and loaded.
type serving struct {
	t *testing.T
	c *verifiertest.Container
}

func newServer(t *testing.T, image string, args ...string) serving {
	t.Helper()
	args = append([]string{"mariadbd"}, args...)
	s := serving{t, verifiertest.Boot(t, image, map[string]string{"MARIADB_ROOT_PASSWORD": "sesame"}, args...)}
	require.Eventually(t, func() bool { _, ok := s.tried("", "select 1"); return ok }, 2*time.Minute, 200*time.Millisecond)
	s.do("", "create user `shop owner`@`10.%`")
	return s
}

// running is the client that runs scripts as they stand, comments too.
const running = "mariadb --comments --default-character-set=utf8mb4 -h127.0.0.1 -psesame --batch --skip-column-names "

func (s serving) shell(line string) string {
	s.t.Helper()
	o, err := s.c.Exec(s.t.Context(), "db", []string{"bash", "-o", "pipefail", "-ec", line})
	require.NoError(s.t, err)
	require.Zero(s.t, o.Exit, "%s: %s%s", line, o.Stdout, o.Stderr)
	return strings.TrimSpace(o.Stdout)
}

// tried runs statements that may not be possible.
func (s serving) tried(db, sql string) (string, bool) {
	s.t.Helper()
	o, err := s.c.Exec(s.t.Context(), "db", append(strings.Fields(running), "-e", sql, "--database="+db))
	require.NoError(s.t, err)
	return strings.TrimSpace(o.Stdout + o.Stderr), o.Exit == 0
}

func (s serving) do(db, sql string) string {
	s.t.Helper()
	out, ok := s.tried(db, sql)
	require.True(s.t, ok, "%s: %s", sql, out)
	return out
}

// made makes a database by a script.
func (s serving) made(db, script string) {
	s.t.Helper()
	s.do("", "create or replace database `"+db+"`")
	here := filepath.Join(s.t.TempDir(), "script.sql")
	require.NoError(s.t, os.WriteFile(here, []byte(script), 0o644))
	s.c.Put(s.t, here, "/tmp/script.sql")
	s.shell(running + db + " < /tmp/script.sql")
}

// copied loads a dump of a database into another.
func (s serving) copied(from, to string, options ...string) {
	s.t.Helper()
	s.do("", "create or replace database `"+to+"`")
	s.shell(fmt.Sprintf("mariadb-dump -h127.0.0.1 -psesame --single-transaction -R -E %s %s | %s%s", strings.Join(options, " "), from, running, to))
}

func (s serving) server(db string) database.Server {
	return database.Server{User: "root", Password: "sesame", Database: db, Timeout: time.Minute,
		Dial: func(ctx context.Context) (net.Conn, error) { return s.c.Dial(ctx, "db", 3306) }}
}

func (s serving) profile(db string, o database.ProfileOptions) database.Profile {
	s.t.Helper()
	p, err := Dialect{}.Profile(s.t.Context(), s.server(db), o)
	require.NoError(s.t, err)
	return p
}

// of one database of whatever name, as a dump of it is: the database itself is not in it.
var unnamed = database.Scope{NoDatabase: true}

// held compares a copy under another name with a profile.
func (s serving) held(was database.Profile, db string) []database.Difference {
	s.t.Helper()
	like := was
	like.Databases = append([]database.ProfiledDatabase(nil), was.Databases...)
	like.Databases[0].Database = db
	return like.Compare(s.profile(db, database.ProfileOptions{Like: &like}))
}
