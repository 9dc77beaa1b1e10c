package data

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/verifiertest"
)

func TestJudgeContent(t *testing.T) {
	shop := database.Content{Database: "shop", Tables: 2, Rows: 7, Bytes: 100}
	with := func(change func(*database.Content)) beheld {
		d := shop
		change(&d)
		return beheld{Databases: []database.Content{d}}
	}
	wrong := func(f database.Fault) beheld {
		return with(func(d *database.Content) {
			d.Wrong = []database.Wrong{{Fault: f, Where: "public.t", Says: "ERROR: x", At: 3, Column: "public.t.id", Most: 4}}
		})
	}
	bare := database.Content{Database: "postgres"}
	for name, c := range map[string]struct {
		seen   beheld
		status record.CheckStatus
		says   string
	}{
		"whole":      {with(func(*database.Content) {}), "passed", "2 tables in 1 databases read whole: 7 rows, 1 MiB"},
		"unreadable": {wrong(database.Unreadable), "failed", "database shop: public.t cannot be read: ERROR: x"},
		"misencoded": {wrong(database.Misencoded), "failed", "database shop: public.t holds what is no text of its encoding: ERROR: x"},
		"heap":       {wrong(database.DamagedHeap), "failed", "database shop: amcheck finds table public.t damaged: ERROR: x"},
		"tree":       {wrong(database.DamagedTree), "failed", "database shop: amcheck finds index public.t damaged: ERROR: x"},
		"emptied":    {wrong(database.Emptied), "failed", "database shop: pages of table public.t are empty that held rows: ERROR: x"},
		"behind": {wrong(database.Behind), "failed",
			"database shop: sequence public.t stands at 3, and column public.t.id, which draws from it, at 4"},
		"a fault of a later lifeboat": {wrong("other"), "failed", "database shop: public.t cannot be read: ERROR: x"},
		"not asked": {with(func(d *database.Content) { d.Unread = []database.Wrong{{Where: "public.t", Says: "no right"}} }), "crashed",
			"database shop was not read whole: public.t: no right"},
		"what was found stays": {with(func(d *database.Content) {
			d.Unread = []database.Wrong{{Where: "public.t", Says: "no right"}}
			d.Wrong = []database.Wrong{{Fault: database.Unreadable, Where: "public.u", Says: "x"}}
		}), "failed", "database shop: public.u cannot be read: x"},
		"no table": {with(func(d *database.Content) {
			d.Tables, d.Others = 0, []database.Found{{What: "v", Count: 2}, {What: "m", Count: 1}, {What: "p", Count: 4}}
		}), "failed", "database shop holds no table of its own, but 3 views, 0 foreign tables, 4 partitioned tables without a partition " +
			"of their own and 0 tables of extensions"},
		"no row":        {with(func(d *database.Content) { d.Rows = 0 }), "failed", "2 tables hold not one row"},
		"negative":      {with(func(d *database.Content) { d.Rows = -1 }), "crashed", "no database was read on db"},
		"nothing":       {beheld{}, "crashed", "no database was read on db"},
		"missing":       {beheld{Missing: "shop"}, "failed", "there is no database shop on db"},
		"one beside it": {beheld{Databases: []database.Content{bare, shop}}, "passed", "2 tables in 1 databases read whole: 7 rows, 1 MiB"},
		"the only one": {beheld{Databases: []database.Content{bare}}, "failed",
			"database postgres holds no table of its own, but 0 views, 0 foreign tables, 0 partitioned tables without a partition of " +
				"their own and 0 tables of extensions"},
		"another bare one": {beheld{Databases: []database.Content{shop, {Database: "stock"}}}, "failed",
			"database stock holds no table of its own, but 0 views, 0 foreign tables, 0 partitioned tables without a partition of their own " +
				"and 0 tables of extensions"},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, "content", "{on: db}", nil, c.seen)
			assert.Equal(t, c.status, a.Status)
			assert.Equal(t, c.says, a.Message)
		})
	}
	a := judged(t, "content", "{on: db}", nil, with(func(d *database.Content) {
		d.Wrong = []database.Wrong{{Fault: database.Unreadable, Where: "a"}, {Fault: database.Behind, Where: "b", At: 1, Column: "c", Most: 2},
			{Fault: database.DamagedHeap, Where: "d", Says: "x"}}
		d.Unread = []database.Wrong{{Where: "e", Says: "y"}}
		d.Seen = []database.Found{{What: "no_key", Count: 11, Names: []string{"f", "g"}}}
		d.Unlooked = []string{"no library"}
	}))
	of := func(id string, args ...string) record.Observation {
		o := record.Observation{ID: id, Args: map[string]string{"database": "shop"}}
		for i := 0; i < len(args); i += 2 {
			o.Args[args[i]] = args[i+1]
		}
		return o
	}
	assert.Equal(t, []record.Observation{of("content.behind", "sequence", "b", "at", "1", "column", "c", "most", "2"),
		of("content.also", "where", "d", "says", "x"), of("content.also", "where", "e", "says", "y"),
		of("content.no_key", "count", "11", "names", "f, g …"), of("content.unlooked", "why", "no library")}, a.Beside)
}

// What only a profile could have found is said wherever no check holds the content against one.
func TestContentNamesWhatItDoesNotLookAt(t *testing.T) {
	seen := beheld{Databases: []database.Content{{Database: "shop", Tables: 2, Rows: 7}}, Alone: true}
	a := judged(t, "content", "{on: db}", nil, seen)
	require.Len(t, a.Beside, 1)
	assert.Equal(t, "unlooked.profile", a.Beside[0].ID)
	for _, kind := range database.NotLooked(database.WithoutProfile, false) {
		assert.Equal(t, kind, a.Beside[0].Args[kind])
	}
	seen.Alone = false
	assert.Empty(t, judged(t, "content", "{on: db}", nil, seen).Beside)
}

// A server that is not reached says nothing of a backup.
func TestContentIsNotAsked(t *testing.T) {
	for _, no := range []error{syscall.ECONNREFUSED, errors.New("engine gone")} {
		c := verifiertest.Make(t, New, "content", "{on: db}")
		facts, err := c.Observe(t.Context(), verifiertest.Fake{OnDial: func(context.Context, string, int) (net.Conn, error) { return nil, no }})
		require.ErrorIs(t, err, no)
		assert.Nil(t, facts)
	}
	assert.Len(t, verifiertest.Problems(t, New, "content", "{on: db, search_path: [a], port: 70000}"), 2)
	assert.Equal(t, 3*time.Hour, verifiertest.Make(t, New, "content", "{on: db, timeout: 3h}").(verifier.Bounded).Limit())
}
