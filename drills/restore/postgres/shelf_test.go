package postgres

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
	"lifeboat/internal/needs"
)

// broken is a good dump after an accident.
type broken struct {
	dump     string // the good one
	damage   damage // what happens to it
	files    files  // or to the files of a tar
	settings string
	want     string // in the message
}

// shelf holds damage that the loader must see by itself, without a promised digest.
var shelf = map[string]broken{
	"nothing at all":         {dump: "custom", damage: keep(0), want: "it is empty"},
	"a text that is no dump": {dump: "custom", damage: be("hello\n"), want: "it is not a dump"},
	"noise": {dump: "custom",
		damage: be("\x00\x01\x02\x80\xff" + strings.Repeat("\xfe", 600)),
		want:   "it is not a dump"},
	"custom: header only": {dump: "custom", damage: keep(5),
		want: "in the middle of its table of contents"},
	"custom: cut in the contents": {dump: "custom", damage: keep(4000),
		want: "in the middle of its table of contents"},
	"custom: cut in the data": {dump: "custom", damage: share(0.7),
		want: "in the middle of the data of TABLE DATA"},
	"custom: last byte missing": {dump: "custom", damage: drop(1), want: "in the middle of the data"},
	"custom: last block missing": {dump: "uncompressed", damage: cutAt("\\.\n\n\n", -1, 10),
		want: "the data of BLOBS BLOBS are missing"},
	"custom: bytes follow": {dump: "custom", damage: add("\x01\x00\x09\x00\x00\x00"),
		want: "that its table of contents does not name"},
	"custom: twice": {dump: "custom", damage: twice, want: "restore shop-db"},
	"custom: table becomes unknown": {dump: "custom",
		damage: swap("\x0a\x00\x00\x00TABLE DATA", "\x0a\x00\x00\x00TABLE DATC", 1),
		want:   `unknown kind "TABLE DATC"`},
	"custom: other table's data": {dump: "custom",
		damage: swap("COPY public.orders (", "COPY public.ordess (", 1),
		want:   "contradicts itself"},
	"custom: table renamed": {dump: "custom",
		damage: swap("CREATE TABLE public.orders", "CREATE TABLE public.orderr", 1),
		want:   "contradicts itself"},
	"custom: index renamed": {dump: "custom",
		damage: swap("CREATE INDEX orders_at", "CREATE INDEX orders_au", 1),
		want:   "INDEX public.orders_at"},
	"custom: trigger renamed": {dump: "custom", damage: swap("CREATE TRIGGER bump", "CREATE TRIGGER bumr", 1),
		want: "TRIGGER public.orders bump"},
	"custom: policy renamed": {dump: "custom", damage: swap("CREATE POLICY mine", "CREATE POLICY mind", 1),
		want: "POLICY public.orders mine"},
	"custom: key renamed": {dump: "custom",
		damage: swap("ADD CONSTRAINT orders_pkey", "ADD CONSTRAINT orders_pkez", 1),
		want:   "CONSTRAINT public.orders orders_pkey"},
	"custom: statement broken": {dump: "custom", damage: swap("CREATE VIEW", "CREATE VHEW", 1),
		want: `syntax error at or near "VHEW"`},
	"custom: offset wrong": {dump: "seekable", damage: flipOffset(), want: "its table of contents says"},
	"custom: a row has no key": {dump: "uncompressed", damage: swap("2\tname \"2\"", "3\tname \"2\"", 1),
		want: "is duplicated"},
	"custom: a customer is missing": {dump: "uncompressed", damage: swap("9\tname \"9\"", "0\tname \"9\"", 1),
		want: "violates foreign key constraint"},
	"custom: a number is no number": {dump: "uncompressed", damage: swap("9\tname \"9\"", "x\tname \"9\"", 1),
		want: "invalid input syntax"},
	"custom: a letter is cut": {dump: "uncompressed", damage: swap("9\tname \"9\"", "9\tn\xe4\xba\x01 \"9\"", 1),
		want: "invalid byte sequence"},
	"custom: closing line gone": {dump: "uncompressed", damage: swap("\\.\n\n\n", "\n\n\n\n\n", 1),
		want: "without their closing line"},
	"custom: an end in the middle of the data": {dump: "uncompressed",
		damage: swap("9\tname \"9\"", "\\.\name \"9\"", 1), want: "go on after the line that ends them"},
	"custom: compressed data damaged": {dump: "custom", damage: flip(0.8), want: "restore shop-db"},
	"plain: cut at a tenth":           {dump: "plain", damage: share(0.1), want: "it ends in the middle"},
	"plain: cut in a row": {dump: "plain", damage: share(0.7),
		want: "in the middle of the data of public.orders"},
	"plain: cut before a row's end": {dump: "plain", damage: cutAt("name \"500\"", 1, 5),
		want: "in the middle of the data of public.customers"},
	"plain: cut at a row's end": {dump: "plain", damage: cutAt("\n500\tname", 1, 1),
		want: "in the middle of the data of public.customers"},
	"plain: cut after the data": {dump: "plain", damage: cutAt("-- Name: orders orders_pkey", 1, 0),
		want: "its closing line"},
	"plain: closing line missing": {dump: "plain", damage: cutAt("-- PostgreSQL database dump complete", 1, 0),
		want: "its closing line"},
	"plain: closing line damaged": {dump: "plain", damage: swap("dump complete", "dump complute", 1),
		want: "its closing line"},
	"plain: goes on after the end": {dump: "plain", damage: add("\nDROP TABLE public.orders CASCADE;\n"),
		want: "its closing line"},
	"plain: end of the data gone": {dump: "plain", damage: swap("\n\\.\n", "\n\n", 1), want: "restore shop-db"},
	"plain: zero byte": {dump: "plain", damage: swap("CREATE VIEW", "CREATE\x00VIEW", 1),
		want: "zero byte"},
	"plain: without its beginning": {dump: "plain", damage: from("CREATE TABLE"), want: "it is not a dump"},
	"plain: row lacks a column": {dump: "plain", damage: swap("\tname \"7\"\t", " name \"7\"\t", 1),
		want: "invalid input syntax"},
	"plain: view is a comment": {dump: "plain",
		damage: swap("CREATE VIEW public.open_orders AS\n", "-- EATE VIEW public.open_orders AS\n", 1),
		want:   "open_orders"},
	"plain: rows vanish": {dump: "plain", damage: swap("COPY public.parts_1 (", vanish+"COPY public.parts_1 (", 1),
		want: "it holds 100 rows, the server took 0"},
	"plain: a program": {dump: "plain", damage: swap("CREATE VIEW", "\\! touch /tmp/x\nCREATE VIEW", 1),
		want: "which pg_dump never writes"},
	"plain: errors are hidden in another language": {dump: "plain",
		damage: swap("CREATE VIEW", "SELECT pg_catalog.set_config('lc_messages', 'C.utf8', false); CREATE VHEW", 1),
		want:   "42601: syntax error"},
	"plain: unknown kind of object": {dump: "plain", damage: swap("Type: TABLE;", "Type: TABLD;", 1),
		want: `unknown kind "TABLD"`},
	"plain: text never ends": {dump: "plain", damage: swap("DEFAULT 'new'::", "DEFAULT 'new::", 1),
		want: "restore shop-db"},
	"plain: comments without end": {dump: "plain", damage: comments, want: "MiB of comment in a row"},
	"gzip: cut off":               {dump: "plain", damage: packed("gzip", share(0.5)), want: "it is cut off"},
	"gzip: end missing":           {dump: "plain", damage: packed("gzip", drop(4)), want: "it is cut off"},
	"gzip: damaged": {dump: "uncompressed", damage: packed("gzip", flip(0.5)),
		want: "restore shop-db"},
	"gzip: of nothing":              {dump: "plain", damage: packedFirst("gzip", keep(0)), want: "it is empty"},
	"zstd: cut off":                 {dump: "plain", damage: packed("zstd", share(0.5)), want: "it is cut off"},
	"zstd: damaged":                 {dump: "plain", damage: packed("zstd", flip(0.5)), want: "restore shop-db"},
	"folder: empty data file":       {dump: "directory", files: data(be("")), want: "not even its compression"},
	"folder: data file cut":         {dump: "directory", files: data(share(0.5)), want: "is cut off"},
	"folder: data file without end": {dump: "directory", files: data(drop(8)), want: "is cut off"},
	"folder: data file damaged":     {dump: "directory", files: data(flip(0.5)), want: ".dat.gz"},
	"folder: fewer rows, well packed": {dump: "directory", files: data(repacked(cutAt("\n100\t101\tnew", 1, 1))),
		want: "without their closing line"},
	"folder: an end in the middle, well packed": {dump: "directory",
		files: data(repacked(swap("\n100\t", "\n\\.\n\t", 1))), want: "go on after the line that ends them"},
	"folder: a name leads out":     {dump: "directory", files: called("../x"), want: "which leads out of it"},
	"folder: no rows, well packed": {dump: "directory", files: data(repacked(keep(0))), want: "are empty"},
	"folder: data file missing":    {dump: "directory", files: without(".dat.gz"), want: "are missing"},
	"folder: contents missing":     {dump: "directory", files: without("toc.dat"), want: "no table of contents"},
	"folder: contents cut": {dump: "directory", files: member("toc.dat", share(0.6)),
		want: "in the middle of its table of contents"},
	"folder: contents too long": {dump: "directory", files: member("toc.dat", add("x")),
		want: "follow the end of its table of contents"},
	"folder: large object missing": {dump: "directory", files: without("blob_"),
		want: "the large object in blob_70001.dat is missing"},
	"folder: large objects unlisted": {dump: "directory", files: without("blobs.toc"),
		want: "the list of large objects"},
	"folder: a file too many": {dump: "directory", files: ofFiles(accident.With("1.dat", "")),
		want: "does not name the file 1.dat"},
	"tar: cut off":          {dump: "tar", damage: share(0.5), want: "it ends in the middle"},
	"tar: a name leads out": {dump: "tar", files: called("../x"), want: "which leads out of it"},
	"tar: an absolute name": {dump: "tar", files: called("/etc/x"), want: "which leads out of it"},
	"tar: a folder":         {dump: "tar", files: called("x/1.dat"), want: "and no folders"},
	// By several jobs: pg_restore 15 loops for ever at a tar that breaks off, and only a driver's machine ends it.
	"tar: an end in the middle": {dump: "tar", settings: "jobs: 2", files: data(swap("\n100\t", "\n\\.\n\t", 1)),
		want: "go on after the line that ends them"},
	"tar: only its contents": {dump: "tar", files: only("toc.dat"), want: "are missing"},
	"tar: empty data":        {dump: "tar", files: data(keep(0)), want: "are empty"},
	"tar: cut data":          {dump: "tar", files: data(share(0.5)), want: "without their closing line"},
	"tar: header damaged":    {dump: "tar", damage: flipHeader(), want: "restore shop-db"},
	"another format than promised": {dump: "plain", damage: keep(-1), settings: "format: custom",
		want: "it is a plain dump, the scenario says custom"},
}

// vanish makes a table swallow what is inserted.
const vanish = `CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS $$begin return null; end$$;
CREATE TRIGGER swallow BEFORE INSERT ON public.parts_1 FOR EACH ROW EXECUTE FUNCTION public.swallow();
`

func TestLoadBrokenDumps(t *testing.T) {
	t.Parallel()
	for name, b := range needs.Sample(t, shelf, 32) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := postgres(t)
			raw := b.spoil(t, good(t, b.dump))
			require.NoError(t, forget(t.Context(), m))
			defer func() { assert.NoError(t, forget(context.WithoutCancel(t.Context()), m)) }()
			_, err := loader(t, settings+"\ndatabase: restored\n"+b.settings).Load(t.Context(), source(raw, ""), m)
			require.Error(t, err, "a broken backup was restored")
			var bad *restore.BackupError
			if kind := (*restore.KindError)(nil); !errors.As(err, &kind) || !kind.Bad() {
				require.ErrorAs(t, err, &bad)
			}
			assert.Contains(t, err.Error(), "restore shop-db: ")
			if b.want == "it ends in the middle" && strings.Contains(err.Error(), "tar is cut off") {
				return
			}
			assert.Contains(t, err.Error(), b.want)
		})
	}
}

// What only another image can give is not the backup's fault.
var lacking = map[string]broken{
	"custom: extension": {dump: "uncompressed", damage: swap("pgcrypto", "pgcryptp", 0),
		want: "extension pgcryptp is not available"},
	"plain: extension": {dump: "plain", damage: swap("pgcrypto", "pgcryptp", 0),
		want: "extension pgcryptp is not available"},
	"plain: library": {dump: "plain",
		damage: swap("SET client_min_messages", "LOAD 'postgis-3'; SET client_min_messages", 1),
		want:   "could not access file"},
	"plain: newer settings": {dump: "plain", damage: swap("SET lock_timeout", "SET newer_timeout", 1),
		want: "unrecognized configuration parameter"},
	"a role that must not be made": {dump: "custom", damage: keep(-1), settings: "create_roles: false",
		want: `role "shop_owner" does not exist`},
	"plain: a statement that never ends": {dump: "plain", settings: "stall: 2s",
		damage: swap("CREATE VIEW", "SELECT pg_catalog.pg_sleep(300);\nCREATE VIEW", 1), want: "pg_sleep(300)"},
	"custom: newer archive": {dump: "custom", damage: swap("PGDMP\x01\x0e", "PGDMP\x01\x11", 1),
		want: "this kind of dump cannot be read"},
}

func TestLoadWhatTheImageLacks(t *testing.T) {
	t.Parallel()
	for name, b := range lacking {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := postgres(t)
			raw := b.spoil(t, good(t, b.dump))
			require.NoError(t, forget(t.Context(), m))
			defer func() { assert.NoError(t, forget(context.WithoutCancel(t.Context()), m)) }()
			_, err := loader(t, settings+"\ndatabase: restored\n"+b.settings).Load(t.Context(), source(raw, restoretest.Digest(raw)), m)
			require.ErrorContains(t, err, b.want)
			var bad *restore.BackupError
			assert.NotErrorAs(t, err, &bad)
		})
	}
}

// Damage that only a promised digest can show: the dump stays a proper dump.
var silent = map[string]broken{
	"a digit changed":    {dump: "uncompressed", damage: swap("note 517", "note 571", 1)},
	"a digit in a row":   {dump: "uncompressed", damage: swap("17@example", "71@example", 1)},
	"a sequence":         {dump: "custom", damage: swap("orders_id_seq', 5000", "orders_id_seq', 4000", 1)},
	"a default":          {dump: "custom", damage: swap("DEFAULT 'new'", "DEFAULT 'sent'"[:13], 0)},
	"a row less":         {dump: "plain", damage: swap("\n99\tp\n", "\n", 1)},
	"a check":            {dump: "custom", damage: swap("'%@%'", "'%.%'", 1)},
	"a comment's letter": {dump: "plain", damage: swap("semi;colon", "semi:colon", 1)},
}

func TestDigestShowsSilentDamage(t *testing.T) {
	t.Parallel()
	for name, b := range silent {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := postgres(t)
			raw := good(t, b.dump)
			_, err := loader(t, settings+"\ndatabase: restored").Load(t.Context(), source(b.spoil(t, raw), restoretest.Digest(raw)), m)
			var bad *restore.BackupError
			require.ErrorAs(t, err, &bad)
			assert.Contains(t, bad.Reason, "its manifest promises "+restoretest.Digest(raw))
		})
	}
}

func (b broken) spoil(t *testing.T, raw []byte) []byte {
	t.Helper()
	raw = bytes.Clone(raw)
	if b.damage != nil {
		return b.damage(t, raw)
	}
	return of(accident.InTar(func(all map[string][]byte) error {
		b.files(t, all)
		return nil
	}))(t, raw)
}
