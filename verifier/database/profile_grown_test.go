package database

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// night is a database as a proof saw it.
func night() Profile {
	at := func(most string) ProfiledColumn {
		return ProfiledColumn{Name: "created_at", Hash: "c", Least: "2026-01-01", Most: most}
	}
	return Profile{Version: 1, Kind: "postgres", Server: "15.4", Hash: "h", Taken: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC),
		Roles: []Thing{{"role", "clerk", ""}},
		Databases: []ProfiledDatabase{{Database: "shop", Encoding: "UTF8", Things: []Thing{
			{"column", "public.orders.id", "bigint"}, {"grant", "table public.orders to clerk", "select"},
			{"index", "public.orders_pkey", "CREATE UNIQUE INDEX orders_pkey ON public.orders USING btree (id)"},
			{"owner", "table public.orders", "clerk"}, {"sequence", "public.orders_id_seq", "bigint, of public.orders.id"},
			{"sequence value", "public.orders_id_seq", "last 1000 by 1"}, {"table", "public.orders", "table"}, {"table", "public.sessions", "table"},
		}, Tables: []ProfiledTable{
			{Name: "large objects", Rows: 3, Hash: "l"},
			{Name: "public.empty", Hash: "e"},
			{Name: "public.orders", Rows: 1000, Hash: "a", Columns: []ProfiledColumn{{Name: "id", Hash: "i", Least: "1", Most: "1000"}, at("2026-03-01 23:59:00+00")}},
			{Name: "public.sessions", Rows: 40, Hash: "s", Columns: []ProfiledColumn{at("2026-03-01 20:00:00.5+00"), {Name: "ends_at", Hash: "n", Most: "2026-04-01"}}},
		}}}}
}

func TestGrown(t *testing.T) {
	orders := func(p *Profile) *ProfiledTable { return &p.Databases[0].Tables[2] }
	sessions := func(p *Profile) *ProfiledTable { return &p.Databases[0].Tables[3] }
	sold := func(p *Profile) { // a day of business
		o := orders(p)
		o.Rows, o.Hash, o.Columns[0].Most, o.Columns[1].Most = 1100, "b", "1100", "2026-03-02 23:58:00+00"
		p.Databases[0].Things[5].Is = "last 1100 by 1"
	}
	for name, c := range map[string]struct {
		change func(p *Profile)
		may    Tolerances
		wrong  string // ids and places
		other  string // still, unmatched
	}{
		"a day of business":           {sold, Tolerances{Moved: []string{"orders.created_at", "orders.id"}}, "", ""},
		"of this database":            {sold, Tolerances{Moved: []string{"shop:orders.created_at"}}, "", ""},
		"of this one, and it stands":  {func(*Profile) {}, Tolerances{Moved: []string{"shop:orders.created_at"}}, Stood + " shop: table public.orders, column created_at", "still shop"},
		"of another database":         {sold, Tolerances{Moved: []string{"good:orders.id"}, Tables: map[string]float64{"good:sessions": 1}}, "", "unmatched good:orders.id, unmatched good:sessions"},
		"pruned in this database":     {func(p *Profile) { sold(p); sessions(p).Rows = 0 }, Tolerances{Tables: map[string]float64{"shop:sessions": 1}}, "", ""},
		"a quiet day":                 {func(*Profile) {}, Tolerances{}, "", "still shop"},
		"a quiet day, but it may not": {func(*Profile) {}, Tolerances{Moved: []string{"orders.created_at"}}, Stood + " shop: table public.orders, column created_at", "still shop"},
		"an empty table stays empty":  {sold, Tolerances{Moved: []string{"public.orders.*"}}, "", ""},
		"a few are deleted":           {func(p *Profile) { sold(p); sessions(p).Rows, sessions(p).Hash = 37, "t" }, Tolerances{Shrink: 0.1}, "", ""},
		"more than may be":            {func(p *Profile) { sold(p); sessions(p).Rows = 35 }, Tolerances{Shrink: 0.1}, Shrunk + " shop: table public.sessions", ""},
		"a table that is pruned":      {func(p *Profile) { sold(p); sessions(p).Rows = 0 }, Tolerances{Tables: map[string]float64{"sessions": 1}}, "", ""},
		"a table emptied":             {func(p *Profile) { *orders(p) = ProfiledTable{Name: "public.orders", Hash: "0"} }, Tolerances{Shrink: 0.1}, Shrunk + " shop: table public.orders", ""},
		"half of a table":             {func(p *Profile) { orders(p).Rows, orders(p).Hash = 500, "b" }, Tolerances{Shrink: 0.1}, Shrunk + " shop: table public.orders", ""},
		"large objects lost":          {func(p *Profile) { sold(p); p.Databases[0].Tables[0].Rows = 1 }, Tolerances{Shrink: 0.1}, Shrunk + " shop: table large objects", ""},
		"the last three days lost": {func(p *Profile) {
			o := orders(p)
			o.Rows, o.Hash, o.Columns[1].Most = 970, "b", "2026-02-26 10:00:00+00"
		}, Tolerances{Shrink: 0.1}, WentBack + " shop: table public.orders, column created_at", ""},
		"a far end that was shortened": {func(p *Profile) { sold(p); s := sessions(p); s.Rows, s.Hash, s.Columns[1].Most = 39, "t", "2026-03-20" }, Tolerances{Shrink: 0.1}, "", ""},
		"the newest replaced":          {func(p *Profile) { sold(p); s := sessions(p); s.Hash, s.Columns[0].Most = "t", "2026-03-01 19:00:00+00" }, Tolerances{}, "", ""},
		"a fraction later": {func(p *Profile) {
			sold(p)
			s := sessions(p)
			s.Rows, s.Hash, s.Columns[0].Most = 39, "t", "2026-03-01 20:00:00.6+00"
		}, Tolerances{Shrink: 0.1}, "", ""},
		"a name that is nobody's": {sold, Tolerances{Moved: []string{"order.created_at"}, Tables: map[string]float64{"session": 1}}, "", "unmatched order.created_at, unmatched session"},
		"a database that is gone": {func(p *Profile) { p.Databases[0].Database = "other" }, Tolerances{}, Missing + " database shop", ""},
		"a migration nobody expects": {func(p *Profile) {
			sold(p)
			p.Databases[0].Things = append(p.Databases[0].Things, Thing{"column", "public.orders.note", "text"})
		}, Tolerances{},
			Added + " shop: column public.orders.note", ""},
		"a migration that added a column": {func(p *Profile) {
			sold(p)
			p.Databases[0].Things = append(p.Databases[0].Things, Thing{"column", "public.orders.note", "text"},
				Thing{"index", "public.by_note", "CREATE INDEX by_note ON public.orders USING btree (note)"}, Thing{"owner", "sequence public.orders_id_seq", "clerk"})
		}, Tolerances{Migrated: []string{"orders"}}, "", ""},
		"a migration elsewhere": {func(p *Profile) { sold(p); p.Databases[0].Things[3].Is = "postgres" }, Tolerances{Migrated: []string{"sessions"}}, Changed + " shop: owner table public.orders", ""},
		"a new table": {func(p *Profile) {
			sold(p)
			p.Databases[0].Things = append(p.Databases[0].Things, Thing{"table", "public.log_2026_03", "table"})
		}, Tolerances{Migrated: []string{"public.log_*"}}, "", ""},
		"everything may change": {func(p *Profile) { sold(p); p.Databases[0].Things, p.Roles = nil, nil }, Tolerances{Migrated: []string{"all"}}, "", ""},
		"a table that a migration took": {func(p *Profile) { p.Databases[0].Tables = slices.Delete(p.Databases[0].Tables, 2, 3) },
			Tolerances{Shrink: 0.1, Migrated: []string{"orders"}, Moved: []string{"orders.created_at"}},
			Shrunk + " shop: table public.orders, " + Stood + " shop: table public.orders, column created_at", ""},
		"a table that it may take": {func(p *Profile) { p.Databases[0].Tables = slices.Delete(p.Databases[0].Tables, 2, 3) },
			Tolerances{Tables: map[string]float64{"orders": 1}, Migrated: []string{"all"}}, "", ""},
		"a column that must move, gone in a migration": {func(p *Profile) { sold(p); orders(p).Columns = orders(p).Columns[:1] },
			Tolerances{Moved: []string{"orders.created_at"}, Migrated: []string{"all"}}, Stood + " shop: table public.orders, column created_at", ""},
		"a grant removed": {func(p *Profile) {
			sold(p)
			p.Databases[0].Things = append(p.Databases[0].Things[:1:1], p.Databases[0].Things[2:]...)
		}, Tolerances{}, Missing + " shop: grant table public.orders to clerk", ""},
		"hashed otherwise": {func(p *Profile) { p.Hash = "i" }, Tolerances{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			was, now := night(), night()
			c.change(&now)
			g := was.Grown(now, c.may)
			var wrong, other []string
			for _, d := range g.Wrong {
				wrong = append(wrong, d.ID+" "+d.Where)
			}
			for _, s := range g.Still {
				other = append(other, "still "+s)
			}
			for _, u := range g.Unmatched {
				other = append(other, "unmatched "+u)
			}
			assert.Equal(t, c.wrong, strings.Join(wrong, ", "))
			assert.Equal(t, c.other, strings.Join(other, ", "))
		})
	}
}
