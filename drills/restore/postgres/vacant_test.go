package postgres

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
	t.Parallel()
	m := postgres(t)
	for name, c := range map[string]struct{ dump, only, database, makes, holds string }{
		"archive": {"custom", "[public.orders]", "estate", "create table mine (n int)", "table public.mine"},
		"script":  {"cluster", "[estate]", "estate", "create function mine() returns int language sql as 'select 1'", "function public.mine"},
		"another": {"cluster", "['Second Estate']", "Second Estate", "select lo_create(77)", "large object 77"},
	} {
		raw := dumped(t, c.dump)
		clear(t, m)
		l := loader(t, both(settings, "only: "+c.only))
		run(t, m, "create database \""+c.database+"\"; \n\\c \""+c.database+"\"\ncreate extension citext; "+c.makes+";")
		_, err := l.Load(t.Context(), source(raw, ""), m)
		lack, ok := errors.AsType[*restore.LackError](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Equal(t, record.LackOccupied, lack.Lack)
		assert.Contains(t, lack.What, "database "+c.database+" is there already on "+m.Name()+" and holds "+c.holds+", and restore.only")
		assert.Equal(t, c.holds, answer(t, m, c.database, "", "", within), name)
		clear(t, m)
		run(t, m, "create database \""+c.database+"\"; \n\\c \""+c.database+"\"\ncreate extension citext;") // as an image makes one
		for range 2 {
			_, err = l.Load(t.Context(), source(raw, ""), m)
			require.NoError(t, err, name)
		}
		_, err = loader(t, both(settings, "only: "+c.only)).Load(t.Context(), source(raw, ""), m)
		require.ErrorContains(t, err, "is there already", "it was another backup that brought it")
		_, err = loader(t, settings).Load(t.Context(), source(raw, ""), m)
		require.NoError(t, err, "what is whole takes the place of anything, as ever")
	}
	clear(t, m)
}
