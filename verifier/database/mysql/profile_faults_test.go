package mysql

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
	"lifeboat/verifier/database"
)

// structural asks a database for statements that change its structure, one each; others are those that no catalogue gives, a line each.
var (
	//go:embed testdata/structural.sql
	structural string
	//go:embed testdata/others.sql
	others string
)

// changes of a value, by its type; any other takes another row's.
var changes = map[string]string{
	"int": "%s ^ 1", "bigint": "%s + 1", "smallint": "%s + 200", "decimal": "%s + 0.01", "double": "%s * 1.0000000000000002", "float": "%s + 1",
	"date": "%s + interval 1 day", "datetime": "%s + interval 1000 microsecond", "timestamp": "%s - interval 1 second",
	"time": "addtime(%s, '00:00:00.01')", "year": "%s + 1", "varchar": "concat(%s, ' ')", "text": "insert(%s, 1, 1, 'q')",
	"char": "concat('z', %s)", "mediumblob": "concat(%s, x'00')", "bit": "%s ^ 1", "longtext": "json_set(%s, '$.b', 0)", "enum": "1 + %s %% 3",
	"set": "%s ^ 1", "inet6": "'::2'", "uuid": "uuid()", "point": "point(7, 8)",
}

// dumped is mariadb-dump's word on a database, in which neither the order of rows counts nor since when they hold: what leaves it alone is no change.
func (s serving) dumped(db string) string {
	return s.shell("mariadb-dump -h127.0.0.1 -psesame --skip-extended-insert --skip-comments -R -E " + db + " | grep -v 'INTO .versioned' | sort | sha256sum")
}

// wounds are statements of which each changes something in a database, mostly.
func (s serving) wounds(db string) (structure, columns []string) {
	s.t.Helper()
	s.do("", "create or replace function mysql.q(t text) returns text deterministic return concat('`', replace(t, '`', '``'), '`')")
	ask := strings.NewReplacer(" q(", " mysql.q(", ",q(", ",mysql.q(").Replace(structural)
	structure = append(strings.Split(s.do(db, "select replace(s, char(10), ' ') from ("+ask+") x order by s"), "\n"), strings.Split(strings.TrimSpace(others), "\n")...)
	require.Greater(s.t, len(structure), 300)
	columns = strings.Split(s.do(db, `select concat_ws('|', mysql.q(table_name), mysql.q(column_name), data_type) from information_schema.columns
		where table_schema = database() and is_generated = 'NEVER' and table_name in (select table_name from information_schema.tables
		where table_schema = database() and table_type = 'BASE TABLE') order by 1`), "\n")
	return structure, columns
}

// wound is one of them: as often a change of rows as one of the structure.
func wound(structure, columns []string, r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return structure[r.IntN(len(structure))]
	}
	parts := strings.Split(columns[r.IntN(len(columns))], "|")
	table, column := parts[0], parts[1]
	one := fmt.Sprintf("order by sha2(concat_ws(',', '%d', %s), 256) limit 1", r.IntN(1000), column)
	value := "null"
	if form, known := changes[parts[2]]; known && r.IntN(4) > 0 {
		value = fmt.Sprintf(form, column)
	}
	const set = "set foreign_key_checks = 0, timestamp = 1; "
	switch r.IntN(5) {
	case 0:
		return fmt.Sprintf(set+"delete from %s %s", table, one)
	case 1: // rows change a value
		return fmt.Sprintf(set+"select min(%[2]s), max(%[2]s) into @a, @b from %[1]s; update %[1]s set %[2]s = if(%[2]s = @a, @b, @a) where %[2]s in (@a, @b)", table, column)
	case 2:
		return fmt.Sprintf("insert into %s select * from %[1]s %s", table, one)
	}
	return fmt.Sprintf(set+"update %s set %s = %s %s", table, column, value, one)
}

// seed of random tests: told, so that they can be repeated.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if given := os.Getenv("LIFEBOAT_SEED"); given != "" {
		var err error
		s, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("LIFEBOAT_SEED=%d repeats this", s)
	return s
}

// testFaults plants random faults in copies, each of which must be found.
func testFaults(s serving) {
	t := s.t
	s.made("rich", rich)
	was := s.profile("rich", database.ProfileOptions{Scope: unnamed})
	s.copied("rich", "copy")
	require.Empty(t, s.held(was, "copy"), "an untouched copy")
	from, n, found := seed(t), 6, 0
	if needs.AllLong() {
		n = 60
	}
	structure, columns := s.wounds("copy")
	for i := range n {
		r := rand.New(rand.NewPCG(from, uint64(i)))
		s.copied("rich", "copy")
		before := ""
		for {
			what := wound(structure, columns, r)
			if _, ok := s.tried("copy", what); !ok {
				continue
			}
			if differences := s.held(was, "copy"); len(differences) > 0 {
				t.Logf("%s: %s %s", what, differences[0].ID, differences[0].Where)
				found++
				break
			}
			if before == "" {
				before = s.dumped("rich")
			}
			if s.dumped("copy") != before {
				t.Errorf("fault %d was not found: %s", i, what)
				break
			}
		}
	}
	t.Logf("found %d of %d", found, n)
}
