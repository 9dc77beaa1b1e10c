package docker

import (
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/assert"
)

// What well-known images print when they are given no variable is no fault of a backup of theirs; what others print, what came late,
// and what complains of a variable that was given is.
func TestWants(t *testing.T) {
	t.Parallel()
	const (
		postgres = "Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n" +
			"       superuser. For example, \"-e POSTGRES_PASSWORD=password\" on \"docker run\".\n"
		mysql = "2026-01-31 02:00:00+00:00 [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n" +
			"    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD\n"
		mariadb = "2026-01-31 02:00:00+00:00 [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n" +
			"\tYou need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD\n"
	)
	for name, c := range map[string]struct {
		console string
		env     []string
		exit    int
		ended   string
		want    []string
	}{
		"postgres":            {console: postgres, want: []string{"POSTGRES_PASSWORD"}},
		"mysql":               {console: mysql, want: []string{"MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD"}},
		"mariadb":             {console: "starting\n" + mariadb, want: []string{"MARIADB_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD_HASH", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD"}},
		"it was given":        {console: postgres, env: []string{"POSTGRES_PASSWORD=drill"}},
		"an empty one":        {console: postgres, env: []string{"POSTGRES_PASSWORD="}, want: []string{"POSTGRES_PASSWORD"}},
		"it ended well":       {console: postgres, exit: -1},
		"it ran for a while":  {console: postgres, ended: "2026-01-31T02:02:00Z"},
		"a lost file":         {console: "/start.sh: line 3: DB_HOST: parameter not set\n"},
		"a lost setting":      {console: "PAY_URL is not specified in /etc/shop.conf\n"},
		"words without names": {console: "Database is uninitialized and password option is not specified\n"},
	} {
		if c.exit++; c.ended == "" {
			c.ended = "2026-01-31T02:00:03Z"
		}
		i := container.InspectResponse{Config: &container.Config{Env: append(c.env, "PATH=/bin")},
			State: &container.State{ExitCode: c.exit, StartedAt: "2026-01-31T02:00:00Z", FinishedAt: c.ended}}
		assert.Equal(t, c.want, wants(i, c.console), name)
	}
}
