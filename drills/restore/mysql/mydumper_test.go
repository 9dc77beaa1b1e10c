package mysql

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
)

// dumped is what mydumper/testdata/make.sh makes: folders of the real mydumper.
var dumped = sync.OnceValues(func() (accident.Folder, error) {
	script, err := os.ReadFile("mydumper/testdata/make.sh")
	if err != nil {
		return nil, err
	}
	return restoretest.Made(image, "mysql", string(script))
})

// asFolder is a tree as a store streams it.
func asFolder(of accident.Folder) restore.Source {
	s := restoretest.Source("shop-db", "2026", []byte(of.Tarred()), "")
	s.Point.Dir, s.Unused = true, false
	return s
}

// Folders of the real mydumper are restored, whatever options wrote them.
func TestLoadFoldersOfMydumper(t *testing.T) {
	m := mariadb(t)
	all, err := dumped()
	require.NoError(t, err)
	t.Log(all["version"])
	const whole = "select count(*), sum(total), sum(twice), max(note), max(doc) from shop.orders"
	const rest = "select (select count(*) from shop.customers), (select hex(max(picture)) from shop.`订 单.x`), (select count(*) from shop.nothing), " +
		"(select count(*) from shop.big), (select count(*) from shop.a_first), (select max(city) from shop.customers), (select count(*) from shop.sparse)"
	for name, c := range map[string]struct {
		settings string
		source   restore.Source
		notes    []string
	}{
		"plain":  {"", asFolder(all.Below("plain")), []string{"event_scheduler is off", "binlog.000001", "it does not say how many rows its tables have"}},
		"packed": {"", asFolder(all.Below("packed")), nil},
		"rows":   {", unmarked: true", asFolder(all.Below("rows")), nil},
		"sized":  {"", asFolder(all.Below("sized")), nil},
		"one":    {"", asFolder(all.Below("one")), nil},
		"a sequence": {"", asFolder(all.Below("plain").With(accident.Folder{"shop.numbers.sql": "INSERT INTO `numbers` VALUES\n(1001,1,9223372036854775806,1,1,1000,0,0);\n",
			"shop.numbers-schema.sql": "CREATE TABLE `numbers` (`next_not_cached_value` bigint(21) NOT NULL, `minimum_value` bigint(21) NOT NULL, `maximum_value` bigint(21) NOT NULL, " +
				"`start_value` bigint(21) NOT NULL, `increment` bigint(21) NOT NULL, `cache_size` bigint(21) unsigned NOT NULL, " +
				"`cycle_option` tinyint(1) unsigned NOT NULL, `cycle_count` bigint(21) NOT NULL) ENGINE=InnoDB SEQUENCE=1;\n"})), nil},
		"a part": {", only: shop", asFolder(all.Below("plain")), []string{"nothing is known of crm"}},
		"tar":    {"", restoretest.Source("shop-db", "x.tar", []byte(accident.Folder{}.Under("2026", all.Below("plain")).Tarred()), ""), nil},
	} {
		ask(t, m, "drop database if exists shop")
		ask(t, m, "drop database if exists crm")
		l := loader(t, "{password: sesame"+c.settings+"}")
		require.NoError(t, l.Look(t.Context(), c.source), name)
		out, err := l.Load(t.Context(), c.source, m)
		if !assert.NoError(t, err, name) {
			continue
		}
		assert.Equal(t, "120|10890.00|21780.00|a note;\nof 99|{\"n\": 9}", ask(t, m, whole), name)
		want := "61|00010227FF5C0A0D1A|1|54|20|北京|2000" // two rows more than in plain
		if slices.Contains([]string{"plain", "a part", "tar", "a sequence"}, name) {
			want = "60|00010227FF5C0A0D1A|0|54|20|北京|2000"
		}
		assert.Equal(t, want, ask(t, m, rest), name)
		assert.Equal(t, "1|1|1", ask(t, m, "select (select count(*) from information_schema.triggers where trigger_schema = 'shop' and action_statement like '%@b = 1%'), "+
			"(select count(*) from information_schema.routines where routine_schema = 'shop' and routine_name = 'tidy' and routine_definition like '%select 1%'), "+
			"(select count(*) from information_schema.events where event_schema = 'shop')"), name)
		if name == "a sequence" {
			assert.Equal(t, "1001", ask(t, m, "select nextval(shop.numbers)"))
		}
		if name == "plain" {
			assert.Equal(t, "Müller|latin1", ask(t, m, "select (select name from crm.people), (select default_character_set_name from information_schema.schemata where schema_name = 'crm')"))
		}
		assert.NotEmpty(t, out.Made, name)
		assert.NotEmpty(t, out.Digest, name)
		for _, n := range c.notes {
			assert.Contains(t, strings.Join(out.Notes, "\n"), n, name)
		}
		t.Log(name, out.Made, strings.Join(out.Notes, " / "))
	}
}

// Behind a folder of mydumper binary logs go on from the place that its metadata say.
func TestReplaysBehindMydumper(t *testing.T) {
	m := mariadb(t)
	all, err := dumped()
	require.NoError(t, err)
	s := asFolder(all.Below("plain"))
	s.Beside = func(string) (restore.Source, error) { return asFolder(all.Below("logs")), nil }
	l := loader(t, "{password: sesame, binlog: shop-logs}")
	require.NoError(t, l.Look(t.Context(), s))
	out, err := l.Load(t.Context(), s, m)
	require.NoError(t, err)
	assert.Equal(t, "7|behind it", ask(t, m, "select (select id from shop.nothing), (select name from shop.customers where id > 60)"))
	assert.True(t, out.Measured)
	s.Beside = func(string) (restore.Source, error) { return asFolder(accident.Folder{"readme": "x"}), nil }
	assert.ErrorContains(t, l.Look(t.Context(), s), "is missing, in which the backup is")
}

// What is missing of such a folder is named before a server is asked; what may be as good as any is not called bad.
func TestRefusesFoldersOfMydumper(t *testing.T) {
	m := mariadb(t)
	all, err := dumped()
	require.NoError(t, err)
	plain := all.Below("plain")
	bad, lack := new(*restore.BackupError), new(*restore.LackError)
	for want, c := range map[string]struct {
		of accident.Folder
		is any
	}{
		"its file metadata is missing":                   {plain.Less("metadata"), bad},
		"and not the tables that they belong to":         {all.Below("data"), lack},
		"and nothing says how many there were":           {all.Below("rows"), lack},
		"shop-schema-create.sql is missing":              {plain.Less("shop-schema-create.sql"), bad},
		"shop.big-schema-view.sql is missing":            {plain.Less("shop.big-schema-view.sql"), bad},
		"the file that makes the table is missing":       {plain.Less("shop.orders-schema.sql"), bad},
		"shop.orders-schema-triggers.sql: it is cut off": {plain.With(accident.Folder{"shop.orders-schema-triggers.sql": plain["shop.orders-schema-triggers.sql"][:300]}), bad},
	} {
		l := loader(t, "{password: sesame}")
		err := l.Look(t.Context(), asFolder(c.of))
		require.ErrorContains(t, err, want)
		assert.ErrorAs(t, err, c.is, want)
		_, err = l.Load(t.Context(), asFolder(c.of), m)
		assert.ErrorContains(t, err, want)
	}
	_, err = loader(t, "{}").Read(t.Context(), asFolder(all.Below("bare")))
	require.NoError(t, err)
	err = loader(t, "{}").Look(t.Context(), asFolder(accident.Folder{"a/toc.dat": "PGDMP"}))
	assert.ErrorAs(t, err, new(*restore.LackError), "a folder of something else")
}
