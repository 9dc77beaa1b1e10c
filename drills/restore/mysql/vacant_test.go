package mysql

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// A part takes nothing's place: what is there stays, and is named. An empty database is none, and what the same backup brought may go.
func TestPartNeedsRoom(t *testing.T) {
	m := mariadb(t)
	dump := dumpTrade(t, m, "--databases", "trade", "other")
	for only, made := range map[string]string{"trade.orders": "table trade.mine (n int)", "[other, trade]": "view trade.mine as select 1", "[trade.tickets]": "sequence trade.mine"} {
		dropTrade(t, m)
		ask(t, m, "create database trade")
		ask(t, m, "create "+made)
		l := loader(t, "{password: sesame, only: "+only+"}")
		_, err := l.Load(t.Context(), source(dump, ""), m)
		lack, ok := errors.AsType[*restore.LackError](err)
		require.True(t, ok, "%s: %v", only, err)
		assert.Equal(t, record.LackOccupied, lack.Lack)
		assert.Contains(t, lack.What, "database trade is there already on "+m.Name()+" and holds ")
		assert.Contains(t, lack.What, " mine, and restore.only")
		assert.Equal(t, "mine", ask(t, m, "select table_name from information_schema.tables where table_schema = 'trade'"), only)
		dropTrade(t, m)
		ask(t, m, "create database trade") // as an image makes one
		for range 2 {
			_, err = l.Load(t.Context(), source(dump, ""), m)
			require.NoError(t, err, only)
		}
		_, err = loader(t, "{password: sesame, only: "+only+"}").Load(t.Context(), source(dump, ""), m)
		require.ErrorContains(t, err, "is there already", "it was another backup that brought it")
		_, err = loader(t, "password: sesame").Load(t.Context(), source(dump, ""), m)
		require.NoError(t, err, "what is whole takes the place of anything, as ever")
	}
	dropTrade(t, m)
}
