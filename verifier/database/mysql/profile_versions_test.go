package mysql

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
	"lifeboat/verifier/database"
)

// versions of servers, as make other-versions builds them beside 10.11.
var versions = []string{"10.5", "10.11", "11.8"}

// richOf is the rich database for a server of a version: without what it does not know.
func richOf(version string) string {
	if version != "10.5" {
		return rich
	}
	text := strings.ReplaceAll(rich, ", uid uuid default null", "")
	text = strings.ReplaceAll(text, " ip, uid, place", " ip, place")
	return regexp.MustCompile(`concat\('123e4567[^)]*\)[^)]*\)\), `).ReplaceAllString(text, "")
}

// A profile taken on a server of one version holds for a copy on the same and on any later one, dumped by the programs of the first; and what is
// lost on the way is found.
func TestProfileAcrossVersions(t *testing.T) {
	needs.Long(t)
	servers := map[string]serving{}
	for _, v := range versions {
		servers[v] = newServer(t, "lifeboat/mariadb:"+v)
	}
	for _, from := range versions {
		source := servers[from]
		source.made("rich", richOf(from))
		was := source.profile("rich", database.ProfileOptions{Scope: unnamed})
		for _, table := range was.Databases[0].Tables {
			assert.Empty(t, table.Unread, table.Name)
		}
		source.shell("mariadb-dump -h127.0.0.1 -psesame --single-transaction -R -E rich > /tmp/rich.dump")
		raw, err := source.c.Read(t.Context(), "db", "/tmp/rich.dump")
		require.NoError(t, err)
		here := filepath.Join(t.TempDir(), "rich.dump")
		require.NoError(t, os.WriteFile(here, raw, 0o644))
		for _, to := range versions[slices.Index(versions, from):] {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				target := servers[to]
				target.t = t
				target.c.Put(t, here, "/tmp/rich.dump")
				target.do("", "create or replace database copy")
				target.shell(running + "copy < /tmp/rich.dump")
				for _, d := range target.held(was, "copy") {
					t.Errorf("%s %s\n%s\n%s", d.ID, d.Where, d.Was, d.Now)
				}
				for _, fault := range []string{"drop index by_city on customers", "alter table customers drop constraint positive", "drop trigger second",
					"update `订单 lines` set amount = amount + 0.01 limit 1", "alter view v_old as select a, b from old where a <> 3", "alter table customers modify y year default 2001"} {
					target.do("copy", fault)
					assert.NotEmpty(t, target.held(was, "copy"), fault)
					target.do("", "create or replace database copy")
					target.shell(running + "copy < /tmp/rich.dump")
				}
			})
		}
	}
}
