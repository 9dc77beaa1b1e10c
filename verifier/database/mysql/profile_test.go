package mysql

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
)

func TestClauses(t *testing.T) {
	inside, options, parts := clauses("CREATE TABLE `a (b` (\n  `id` int(11) NOT NULL COMMENT 'x, ) `\\'',\n  `a``b` enum('a)','it''s') CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'a)',\n" +
		"  PRIMARY KEY (`id`),\n  UNIQUE KEY `k,` (`id`,`a``b`(3)),\n  CONSTRAINT `c` CHECK (`id` > 0),\n  PERIOD FOR SYSTEM_TIME (`f`, `t`)\n) ENGINE=InnoDB AUTO_INCREMENT=7 " +
		"DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin COMMENT='a\nAUTO_INCREMENT=9'\n PARTITION BY HASH (`id`)\nPARTITIONS 4")
	assert.Equal(t, []clause{{"column", "id", "int(11) NOT NULL COMMENT 'x, ) `\\''"}, {"column", "a`b", "enum('a)','it''s') CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'a)'"},
		{"index", "PRIMARY", "PRIMARY KEY (`id`)"}, {"index", "k,", "UNIQUE KEY (`id`,`a``b`(3))"}, {"constraint", "c", "CHECK (`id` > 0)"},
		{"constraint", "", "PERIOD FOR SYSTEM_TIME (`f`, `t`)"}}, inside)
	assert.Equal(t, "enum('a)','it''s') DEFAULT 'a)'", columnOf(inside[1].is))
	for _, is := range []string{"int(11) INVISIBLE DEFAULT 7 COMMENT ' INVISIBLE'", "int(11) DEFAULT 7 INVISIBLE COMMENT ' INVISIBLE'"} {
		assert.Equal(t, "int(11) DEFAULT 7 INVISIBLE COMMENT ' INVISIBLE'", columnOf(is))
	}
	assert.Equal(t, "ENGINE=InnoDB COMMENT='a\nAUTO_INCREMENT=9'", optionsOf(options))
	assert.Equal(t, "PARTITION BY HASH (`id`)\nPARTITIONS 4", parts)
	rest, by := defined("CREATE DEFINER=`a``b`@`10.%` PROCEDURE `p`() select 1")
	assert.Equal(t, "CREATE PROCEDURE `p`() select 1 by `a``b`@`10.%`", rest+" by "+by)
	assert.Equal(t, "utf8mb3 utf8mb3_bin", kept("utf8", "utf8_bin"))
	assert.Equal(t, "utf8mb4 utf8mb4_bin", kept("utf8mb4", "utf8mb4_bin"))
}

func TestGranted(t *testing.T) {
	for text, want := range map[string]bool{
		"GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION":       true,
		"GRANT SELECT, TRIGGER, EVENT ON `shop`.* TO `dump`@`localhost`":    true,
		"GRANT SELECT, TRIGGER ON `my\\_shop`.* TO `dump`@`localhost`":      false,
		"GRANT SELECT ON *.* TO `dump`@`%`":                                 false,
		"GRANT TRIGGER ON `shop`.`orders` TO `dump`@`%`":                    false,
		"GRANT USAGE ON *.* TO `dump`@`%` IDENTIFIED BY PASSWORD 'TRIGGER'": false,
	} {
		assert.Equal(t, want, granted(text, "shop", []string{"TRIGGER"}), text)
	}
	assert.True(t, granted("GRANT TRIGGER ON `my\\_shop`.* TO `d`@`%`", "my_shop", []string{"TRIGGER"}))
}

func TestProfileOfAServer(t *testing.T) {
	s := newServer(t, "lifeboat/mariadb:10.11")
	of := func(name string, test func(serving)) {
		t.Run(name, func(t *testing.T) { test(serving{t, s.c}) })
	}
	of("faults", testFaults)
	of("scopes", testScopes)
	of("samples", testSamples)
	of("beside", testBeside)
}

// A profile of a part says nothing of the rest, and names what of a copy it says nothing of.
func testScopes(s serving) {
	s.made("rich", rich)
	for _, test := range []struct {
		options string
		scope   database.Scope
		has, no string // things
		outside string
	}{
		{"-R -E", database.Scope{Tables: []string{"bare", "old"}}, "columns bare", "view v_old", "customers"},
		{"-R -E --ignore-table=rich.log", database.Scope{NoTables: []string{"log"}}, "columns bare", "columns log", "log"},
		{"-R -E --ignore-table-data=rich.log", database.Scope{NoRowsOf: []string{"log"}}, "columns log", "", "log"},
		{"--skip-triggers --skip-routines --skip-events", database.Scope{Other: []string{"--skip-triggers", "--skip-routines", "--skip-events"}}, "columns log",
			"trigger customers.first", ""},
	} {
		test.scope.NoDatabase = true
		was := s.profile("rich", database.ProfileOptions{Scope: test.scope})
		tables := strings.Join(test.scope.Tables, " ")
		s.do("", "create or replace database copy")
		s.shell("mariadb-dump -h127.0.0.1 -psesame -R -E " + test.options + " rich " + tables + " | " + running + "copy")
		assert.Empty(s.t, s.held(was, "copy"), test.options)
		var names []string
		for _, thing := range was.Databases[0].Things {
			names = append(names, thing.Kind+" "+thing.Name)
		}
		assert.Contains(s.t, names, test.has)
		assert.NotContains(s.t, names, test.no)
		s.copied("rich", "copy")
		like := was
		like.Databases = slices.Clone(was.Databases)
		like.Databases[0].Database = "copy"
		now := s.profile("copy", database.ProfileOptions{Like: &like})
		if test.outside != "" {
			assert.Contains(s.t, now.Databases[0].Outside, test.outside)
		}
	}
	s.made("plain", "create table t (a int); insert into t values (1);")
	p := s.profile("plain", database.ProfileOptions{Scope: database.Scope{Other: []string{"--skip-events"}}})
	assert.Empty(s.t, p.Scope.String(), "it leaves out nothing that there is")
	s.do("", "create or replace user weak@'%' identified by 'sesame'; grant select, show view on *.* to weak@'%'")
	weak := s.server("rich")
	weak.User = "weak"
	_, err := Dialect{}.Profile(s.t.Context(), weak, database.ProfileOptions{})
	assert.ErrorContains(s.t, err, "triggers of database rich are hidden from weak")
}

// A sample is chosen by the rows themselves, so that a copy in which they lie elsewhere gives the same.
func testSamples(s serving) {
	s.made("big", "create table keyed (id int primary key, v text) engine=InnoDB; insert into keyed select seq, repeat(md5(seq), 10) from seq_1_to_20000;")
	s.do("big", "analyze table keyed")
	was := s.profile("big", database.ProfileOptions{Scope: unnamed, Whole: 1 << 20, Seed: 7})
	table := was.Databases[0].Tables[0]
	require.NotNil(s.t, table.Sample)
	assert.EqualValues(s.t, 20000, table.Rows)
	assert.InEpsilon(s.t, table.Sample.Share*20000, float64(table.Sample.Rows), 0.2)
	s.copied("big", "copy")
	assert.Empty(s.t, s.held(was, "copy"))
	s.do("copy", "update keyed set v = concat(v, ' ') where id % 50 = 0")
	assert.NotEmpty(s.t, s.held(was, "copy"))
}

// What heeds no transaction may not change while a dump is taken, and a dump is taken whatever comes of its profile.
func testBeside(s serving) {
	s.made("live", "create table t (id int auto_increment primary key); insert into t values (1), (2); create table old (a int) engine=MyISAM; insert into old values (1);")
	for name, test := range map[string]struct {
		meanwhile string // after the dump has begun
		user      string
		fails     error
		says      string
	}{
		"nothing":           {"do 1", "root", nil, ""},
		"a row":             {"insert into t values (3)", "root", nil, ""},
		"without snapshots": {"insert into old values (2)", "root", nil, "old"},
		"a table":           {"create or replace table more (a int)", "root", nil, "was changed while the dump was taken"},
		"a database":        {"create or replace database other", "root", nil, ""},
		"no right":          {"do 1", "besides", nil, "RELOAD"},
		"it fails":          {"do 1", "root", errors.New("no"), ""},
	} {
		s.do("live", "drop table if exists more; delete from t where id > 2; create or replace user besides@'%' identified by 'sesame'; grant select, trigger, event on *.* to besides@'%'")
		from := s.server("live")
		from.User = test.user
		ran := false
		p, unread, failed := Dialect{}.Beside(s.t.Context(), from, database.ProfileOptions{Scope: unnamed}, func(reads func()) error {
			ran = true
			if test.user == "root" {
				out, _ := s.tried("live", "set session max_statement_time = 0.3; insert into t values (99)")
				assert.Contains(s.t, out, "max_statement_time", "%s: nobody can write before the dump reads", name)
			}
			reads()
			s.do("live", test.meanwhile)
			return test.fails
		})
		assert.True(s.t, ran, name)
		assert.Equal(s.t, test.fails, failed, name)
		switch {
		case test.fails != nil:
		case test.says == "old":
			require.NoError(s.t, unread, name)
			assert.Contains(s.t, p.Databases[0].Tables[0].Unread, "engine MyISAM has no snapshots")
		case test.says == "":
			require.NoError(s.t, unread, name)
			assert.EqualValues(s.t, 2, p.Databases[0].Tables[1].Rows, name)
			assert.True(s.t, p.Shared)
		default:
			assert.ErrorContains(s.t, unread, test.says, name)
		}
	}
}
