package mysql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// One database is taken out of a dump of several: nothing of the others is there, and that is said.
func TestLoadOnlyOne(t *testing.T) {
	m := mariadb(t)
	all, err := logged()
	require.NoError(t, err)
	for _, name := range []string{"shop", "crm"} {
		ask(t, m, "drop database if exists shop")
		ask(t, m, "drop database if exists crm")
		out, err := loader(t, "{password: sesame, only: "+name+"}").Load(t.Context(), source(all["all.sql"], ""), m)
		require.NoError(t, err)
		other := map[string]string{"shop": "crm", "crm": "shop"}[name]
		assert.Equal(t, &record.Part{Only: name, Left: other}, out.Part)
		assert.Contains(t, strings.Join(out.Notes, "\n"), "only database "+name+" of the dump was restored: nothing is known of "+other)
		assert.Equal(t, name, ask(t, m, "select group_concat(schema_name) from information_schema.schemata where schema_name in ('shop', 'crm')"))
		if name == "shop" {
			assert.Equal(t, "11|100", ask(t, m, "select (select count(*) from shop.orders), (select n from shop.stock)"))
		}
	}
	fresh := func() {
		for _, name := range []string{"shop", "crm"} {
			ask(t, m, "drop database if exists "+name)
		}
	}
	fresh()
	out, err := loader(t, "{password: sesame, only: shop}").Load(t.Context(), source(all["one.sql"], ""), m)
	require.NoError(t, err)
	assert.Nil(t, out.Part, "it is all that the dump holds")
	fresh()
	out, err = loader(t, "{password: sesame, only: shop, binlog: shop-logs}").Load(t.Context(), behind(all["all.sql"], all.Below("mixed")), m)
	require.ErrorContains(t, err, `changes database "shop", which the backup holds, and "crm"`)
	assert.Nil(t, out.Part)
	fresh()
	out, err = loader(t, "{password: sesame, only: shop, binlog: shop-logs}").Load(t.Context(), behind(all["all.sql"], all.Below("logs")), m)
	require.NoError(t, err)
	assert.NotNil(t, out.Part)
	assert.Equal(t, "last of all", ask(t, m, "select note from shop.orders order by id desc limit 1"))
	for text, dump := range map[string]string{"(did you mean shop?)": "all.sql", "it does not hold database shpo": "one.sql"} {
		l := loader(t, "{password: sesame, only: shpo}")
		_, err := l.Load(t.Context(), source(all[dump], ""), m)
		require.ErrorContains(t, err, text)
		_, err = l.Read(t.Context(), source(all[dump], "")) // without a server, too
		require.ErrorContains(t, err, text)
	}
}

func TestOnlySettings(t *testing.T) {
	for text, want := range map[string]string{"{only: a, database: b}": "both given", "{only: mysql}": "belongs to the server"} {
		s, err := scenarios.ParseSettings("mysql", text)
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Message, want)
	}
}
