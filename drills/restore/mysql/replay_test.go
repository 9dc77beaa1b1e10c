package mysql

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
	"lifeboat/scenarios"
)

// logged is what testdata/make.sh of binlog makes: dumps, and the binary logs behind them.
var logged = sync.OnceValues(func() (accident.Folder, error) {
	script, err := os.ReadFile("binlog/testdata/make.sh")
	if err != nil {
		return nil, err
	}
	return restoretest.Made(image, "mysql", string(script))
})

// behind is a dump with a folder of binary logs beside it.
func behind(text string, logs accident.Folder) restore.Source {
	s := source(text, "")
	s.Beside = func(string) (restore.Source, error) {
		l := restoretest.Source("shop-logs", "2026", []byte(logs.Tarred()), "")
		l.Point.Dir = true
		return l, nil
	}
	return s
}

func words(all accident.Folder) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(all["words"]) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[k] = v
	}
	return m
}

func TestReplaysBinaryLogs(t *testing.T) {
	m := mariadb(t)
	all, err := logged()
	require.NoError(t, err)
	logs, said := all.Below("logs"), words(all)
	const content = `select group_concat(note order by id) from shop.orders where id > 10`
	for _, c := range []struct {
		name, dump, recover, people string
		orders, stock               string
		by                          string
		notes                       []string
	}{
		{"to the end", "all.sql", "", "1|王芳", "just before,behind it,by statement,5,last of all", "", "the last transaction that was replayed",
			[]string{"9 transactions of its binary logs were replayed", "3 statements of its binary logs about accounts"}},
		{"to a time", "all.sql", "recover: {time: " + said["before-the-mistake"] + "}", "1|王芳", "just before,behind it", "99",
			"the time to which its binary logs were replayed", []string{"5 transactions"}},
		{"to before a transaction", "all.sql", "recover: {before: " + nextOf(said["mistake"]) + "}", "1|王芳", "just before,behind it,by statement,5", "99",
			"the place in its binary logs at which recovery ended", []string{"7 transactions"}},
		{"of one database", "shop.sql", "", "", "just before,behind it,by statement,5,last of all", "", "the last transaction that was replayed",
			[]string{"1 transactions of its binary logs were left out: they change databases that the dump does not hold"}},
		{"of one without its name", "one.sql", "", "", "just before,behind it,by statement,5,last of all", "", "the last transaction that was replayed", nil},
	} {
		ask(t, m, "drop database if exists crm")
		out, err := loader(t, "{password: sesame, binlog: shop-logs, "+c.recover+"}").Load(t.Context(), behind(all[c.dump], logs), m)
		if !assert.NoError(t, err, c.name) {
			continue
		}
		assert.Equal(t, c.orders, ask(t, m, content), c.name)
		assert.Equal(t, c.people, ask(t, m, "select * from "+people(ask(t, m, "show databases like 'crm'"))), c.name)
		assert.Equal(t, c.stock != "", ask(t, m, "select count(*) from information_schema.tables where table_name = 'stock'") == "1", c.name)
		if c.stock != "" {
			assert.Equal(t, c.stock, ask(t, m, "select n from shop.stock"), c.name)
		}
		assert.Equal(t, "300000|2", ask(t, m, "select max(length(t)), count(*) from shop.more"), c.name)
		assert.Equal(t, c.by, out.ConsistentBy, c.name)
		assert.True(t, out.Measured)
		assert.WithinDuration(t, time.Now(), out.ConsistentTo, 10*time.Minute)
		assert.NotEmpty(t, out.Beside["shop-logs"].Digest)
		for _, n := range c.notes {
			assert.Contains(t, strings.Join(out.Notes, "\n"), n, c.name)
		}
		t.Log(c.name, out.ConsistentTo, strings.Join(out.Notes, " / "))
	}
	assert.Equal(t, "16777216", ask(t, m, "select @@global.max_allowed_packet"))
}

func people(there string) string {
	if there == "" {
		return "(select null from dual where false) none"
	}
	return "crm.people"
}

func nextOf(gtid string) string { return strings.Replace(gtid, "-18", "-19", 1) }

func TestRefusesBinaryLogs(t *testing.T) {
	m := mariadb(t)
	all, err := logged()
	require.NoError(t, err)
	logs := all.Below("logs")
	with := "{password: sesame, binlog: shop-logs}"
	for want, c := range map[string]struct {
		text, settings string
		logs           accident.Folder
		looked         bool // before anything boots
	}{
		"restore shop-logs: binary log binlog.000003 is missing":       {all["all.sql"], with, logs.Less("binlog.000003"), true},
		"does not say at its beginning where in the binary logs it is": {sample(t, "mariadb-10.11"), with, logs, true},
		"nothing in its binary logs is of 2999-":                       {all["all.sql"], "{password: sesame, binlog: shop-logs, recover: {time: 2999-01-01T00:00:00Z}}", logs, true},
		"the dump is of database shop and loaded as crm":               {all["one.sql"], "{password: sesame, binlog: shop-logs, database: crm}", logs, true},
		"the backup is behind transaction 0-1-7, and at 600":           {strings.Replace(all["all.sql"], "'0-1-8'", "'0-1-7'", 1), with, logs, false},
		"the binary logs do not fit the backup: ERROR 1032 (HY000)":    {strings.Replace(all["all.sql"], "(1,100)", "(2,100)", 1), with, logs, false},
		"the binary logs do not fit the backup: ERROR 1062 (23000)":    {strings.Replace(all["all.sql"], "(10,'of before')", "(17,'of before')", 1), with, logs, false},
		"which the backup holds, and \"crm\", which it does not":       {all["shop.sql"], with, all.Below("mixed"), false},
	} {
		l := loader(t, c.settings)
		if c.looked {
			assert.ErrorContains(t, l.Look(t.Context(), behind(c.text, c.logs)), want)
		} else {
			require.NoError(t, l.Look(t.Context(), behind(c.text, c.logs)), want)
		}
		_, err := l.Load(t.Context(), behind(c.text, c.logs), m)
		assert.ErrorContains(t, err, want)
	}
}

func TestBinlogSettings(t *testing.T) {
	for text, want := range map[string]string{
		"{recover: {time: 2026-01-31T02:00:00Z}}":                           "recover has nothing to replay",
		"{binlog: x, recover: {time: 2026-01-31T02:00:00Z, before: 0-1-5}}": "recovery ends at one place",
		"{binlog: x, recover: {before: x-740}}":                             `"x-740" is no GTID of a transaction`,
	} {
		s, err := scenarios.ParseSettings("mysql", text)
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Message, want)
	}
	l := loader(t, "{binlog: x}")
	assert.Equal(t, map[string]string{"binlog": "x"}, l.Needs())
	assert.True(t, l.Measures())
	assert.False(t, loader(t, "{}").Measures())
	_, problem := l.Takes("binlog", l)
	assert.Contains(t, problem, "holds no binary logs")
	_, problem = l.Takes("binlog", &binlog.Archive{})
	assert.Empty(t, problem)
}
