package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
	"lifeboat/verifier/verifiertest"
)

const profiledRoles = `create role shop_owner; create role shop_reader; create role "shop ""writer""" login; grant shop_reader to "shop ""writer""";`

// cluster is a server with databases that are dumped, restored and profiled.
type cluster struct {
	t *testing.T
	c *verifiertest.Container
}

func newCluster(t *testing.T) cluster {
	return cluster{t, verifiertest.Postgres(t, profiledRoles)}
}

func (c cluster) server(db string) database.Server {
	return database.Server{User: "postgres", Password: "sesame", Database: db, Timeout: 2 * time.Minute,
		Dial: func(ctx context.Context) (net.Conn, error) { return c.c.Dial(ctx, "db", 5432) }}
}

// do has psql run statements in a database.
func (c cluster) do(db, sql string) {
	c.t.Helper()
	c.shell("psql -qX -o /dev/null -v ON_ERROR_STOP=1 -d " + db + " <<'END OF IT'\n" + sql + "\nEND OF IT")
}

// shell runs a script in the server's container.
func (c cluster) shell(script string) {
	c.t.Helper()
	o, err := c.c.Exec(c.t.Context(), "db", []string{"env", "PGPASSWORD=sesame", "PGHOST=127.0.0.1", "PGUSER=postgres", "bash", "-ec", script})
	require.NoError(c.t, err)
	require.Zero(c.t, o.Exit, script[:min(len(script), 300)]+"\n"+o.Stdout+o.Stderr)
}

func (c cluster) profile(db string, o database.ProfileOptions) database.Profile {
	c.t.Helper()
	p, err := Dialect{}.Profile(c.t.Context(), c.server(db), o)
	require.NoError(c.t, err)
	return p
}

// copied is the profile of a restored copy, as if the copy bore the name of what was dumped.
func (c cluster) copied(db string, like database.Profile) database.Profile {
	c.t.Helper()
	as := like
	as.Databases = append([]database.ProfiledDatabase{}, like.Databases...)
	as.Databases[0].Database = db
	now := c.profile(db, database.ProfileOptions{Like: &as})
	now.Databases[0].Database = like.Databases[0].Database
	return now
}

// restored dumps a database and restores the dump under another name.
func (c cluster) restored(from, to, options string) {
	c.t.Helper()
	c.do("postgres", fmt.Sprintf(`create database %s template template0`, to))
	load := "pg_restore -e -d " + to + " /tmp/" + to
	if !strings.Contains(options, "-F") {
		load = "psql -qX -o /dev/null -v ON_ERROR_STOP=1 -d " + to + " -f /tmp/" + to
	}
	c.shell(fmt.Sprintf("pg_dump -d %s %s -f /tmp/%s && %s && rm -r /tmp/%s", from, options, to, load, to))
}

func rich(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/rich.sql")
	require.NoError(t, err)
	return string(text)
}

func TestProfileOfARestoredCopyIsTheSame(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.do("postgres", "create database rich template template0")
	c.do("rich", rich(t))
	was := c.profile("rich", database.ProfileOptions{})
	require.Len(t, was.Databases, 1)
	for _, table := range was.Databases[0].Tables {
		assert.Empty(t, table.Unread, table.Name)
	}
	if os.Getenv("SHOW") != "" {
		for _, x := range was.Databases[0].Things {
			t.Log(x.Kind, "|", x.Name, "|", x.Is)
		}
		for _, x := range was.Databases[0].Tables {
			t.Logf("%+v", x)
		}
		t.Log(was.Roles)
	}
	for i, options := range []string{"-Fc", "-Fp", "-Fd -j2", "-Ft", "-Fp --column-inserts --quote-all-identifiers"} {
		to := fmt.Sprintf("copy%d", i)
		options = strings.ReplaceAll(options, "-Fp", "")
		c.restored("rich", to, options)
		for _, d := range was.Compare(c.copied(to, was)) {
			t.Errorf("pg_dump %s: %s %s\n%s\n%s", options, d.ID, d.Where, d.Was, d.Now)
		}
	}
}
