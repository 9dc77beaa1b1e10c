package pgdump

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return raw
}

func readCustom(raw []byte) (*Archive, error) {
	r := &Reader{in: bufio.NewReaderSize(bytes.NewReader(raw), 4<<10)} // it is made ten thousand times
	a, err := ReadArchive(r)
	if err == nil {
		err = a.ReadBlocks(r)
	}
	return a, err
}

func TestReadArchive(t *testing.T) {
	for name, format := range map[string]Format{"custom.dump": Custom, "stream.dump": Custom, "toc.dat": Tar} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(fixture(t, name)))
			a, err := ReadArchive(r)
			require.NoError(t, err)
			assert.Equal(t, format, a.Format)
			assert.Equal(t, "shop", a.Database)
			assert.Equal(t, "UTF8", a.Encoding())
			assert.ElementsMatch(t, []string{"btree_gist", "pgcrypto"}, a.Extensions())
			assert.ElementsMatch(t, []string{"shop_owner", "shop_app", "reporting", "odd Role", "postgres"}, a.Roles())
			create, statements := a.OfDatabase()
			assert.Contains(t, create, "CREATE DATABASE shop WITH TEMPLATE = template0")
			assert.ElementsMatch(t, []string{`ALTER DATABASE "shop" OWNER TO "shop_owner"`, "GRANT CONNECT ON DATABASE shop TO reporting",
				"ALTER DATABASE shop SET search_path TO 'public', 'extra'",
				"ALTER ROLE shop_app IN DATABASE shop SET statement_timeout TO '5s'"}, statements)
			if format == Custom {
				assert.NoError(t, a.ReadBlocks(r))
			} else {
				assert.NoError(t, r.End())
			}
		})
	}
}

func TestReadArchiveCutAnywhere(t *testing.T) {
	for _, name := range []string{"custom.dump", "stream.dump"} {
		raw := fixture(t, name)
		for n := range raw {
			_, err := readCustom(raw[:n])
			var damage *dump.Damage
			if !errors.As(err, &damage) {
				t.Fatalf("%s cut after %d bytes of %d: %v", name, n, len(raw), err)
			}
		}
	}
}

// What one flipped bit may do without being seen here is for the server and the digest to
// find; that it can make an object vanish is not.
func TestReadArchiveFlippedBits(t *testing.T) {
	raw := fixture(t, "custom.dump")
	good, err := readCustom(raw)
	require.NoError(t, err)
	unseen := 0
	for i := range raw {
		bit := byte(1) << (i % 8)
		raw[i] ^= bit
		if a, err := readCustom(raw); err == nil {
			unseen++
			require.Len(t, a.Entries, len(good.Entries))
			for n, e := range a.Entries {
				require.Equal(t, good.Entries[n].HasData, e.HasData, "byte %d", i)
				require.True(t, kinds[e.Desc])
			}
		}
		raw[i] ^= bit
	}
	t.Logf("%d of %d flipped bits are left to the server and the digest", unseen, len(raw))
}

func TestReadArchiveContradiction(t *testing.T) {
	raw := fixture(t, "stream.dump")
	data := bytes.Index(raw, []byte("COPY public.orders ("))
	require.Positive(t, data)
	noMoreDependencies := []byte{1, 1, 0, 0, 0}
	at := data + bytes.Index(raw[data:], append(noMoreDependencies, positionKnown))
	raw[at+len(noMoreDependencies)] = noData // the table of contents says that the table has data and that it has none
	_, err := ReadArchive(NewReader(bytes.NewReader(raw)))
	require.ErrorContains(t, err, "contradicts itself about the data of TABLE DATA public.orders")
}

func readPlain(raw []byte, size int) (*Plain, []string, error) {
	p := NewPlain()
	var statements []string
	p.OnStatement = func(s Statement) error {
		if s.CopyTarget() == "" {
			statements = append(statements, s.Text)
		}
		return nil
	}
	r := bufio.NewReaderSize(bytes.NewReader(raw), size)
	for {
		piece, err := r.ReadSlice('\n')
		if len(piece) > 0 {
			if e := p.Line(piece, !errors.Is(err, bufio.ErrBufferFull)); e != nil {
				return p, statements, e
			}
		}
		if errors.Is(err, io.EOF) {
			return p, statements, p.Close()
		}
	}
}

func TestPlain(t *testing.T) {
	raw := fixture(t, "plain.sql")
	var first []string
	for _, size := range []int{64 << 10, 300, 100, 16} { // pieces must not matter
		p, statements, err := readPlain(raw, size)
		require.NoError(t, err)
		assert.True(t, p.Header)
		var rows []int64
		for _, c := range p.Copies {
			rows = append(rows, c.Rows)
		}
		assert.Equal(t, []int64{10, 20, 100}, rows)
		assert.Len(t, p.Entries, 44)
		if first == nil {
			first = statements
		}
		assert.Equal(t, first, statements, "pieces of %d bytes", size)
	}
	roles := map[string]bool{}
	for _, s := range first {
		for _, r := range Parse(s).Roles() {
			roles[r] = true
		}
	}
	assert.Equal(t, set("shop_owner", "shop_app", "reporting", "odd Role", "postgres"), roles)
}

func TestPlainCutAnywhere(t *testing.T) {
	raw := fixture(t, "plain.sql")
	closing := bytes.Index(raw, []byte("-- PostgreSQL database dump complete"))
	for n := range closing + 30 {
		if _, _, err := readPlain(raw[:n], 4<<10); err == nil {
			t.Fatalf("cut after %d bytes and called whole", n)
		}
	}
}

func TestPlainLexer(t *testing.T) {
	const end = "\n-- PostgreSQL database dump complete\n"
	for name, test := range map[string]struct {
		text       string
		statements []string
		rows       []int64
		err        string
	}{
		"semicolons in quotes": {
			text:       `alter table "a;b" owner to "x;y"; create view v as select ';' || $$;$$ || $t$;$$;$t$;`,
			statements: []string{`alter table "a;b" owner to "x;y"`, `create view v as select ';' || $$;$$ || $t$;$$;$t$`}},
		"escapes": {text: `comment on table t is E'\';'; create schema s;`,
			statements: []string{`comment on table t is E'\';'`, `create schema s`}},
		"no escapes": {text: `comment on table t is '\'; create schema s;`,
			statements: []string{`comment on table t is '\'`, `create schema s`}},
		"escapes when old": {text: `set standard_conforming_strings = off; comment on table t is '\';';`,
			statements: []string{`set standard_conforming_strings = off`, `comment on table t is '\';'`}},
		"comments": {text: "create -- ; \n schema /* ; /* ; */ ; */ s;", statements: []string{"create schema  s"}},
		"dollars in names": {text: `create table a$b$c (x int); create table d$b$ (x int);`,
			statements: []string{"create table a$b$c (x int)", "create table d$b$ (x int)"}},
		"parentheses": {text: `create rule r as on insert to t do (select 1; select 2);`,
			statements: []string{"create rule r as on insert to t do (select 1; select 2)"}},
		"copy": {text: "COPY a.b (c) FROM stdin;\n1\n\\\\.\n ;\n\\.\ncreate schema s;",
			statements: []string{"create schema s"}, rows: []int64{3}},
		"copy of no rows":   {text: "COPY t FROM stdin;\n\\.\n", rows: []int64{0}},
		"copy never ends":   {text: "COPY a.b FROM stdin;\n1\n", err: "in the middle of the data of a.b"},
		"text never ends":   {text: "select 'x;\n", err: "in the middle of a statement"},
		"statement follows": {text: end + "select 1;", err: "its closing line"},
		"restrict": {text: "\\restrict x\ncreate schema s;" + end + "\\unrestrict x\n\n",
			statements: []string{"create schema s"}},
		"restrict stays": {text: "\\restrict x\ncreate schema s;" + end, err: "never lifted"},
		"zero byte":      {text: "create\x00schema s;", err: "zero byte"},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.text
			if !strings.Contains(text, "dump complete") {
				text += end
			}
			p, statements, err := readPlain([]byte(text), 4096)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.statements, trim(statements))
			for i, c := range p.Copies {
				assert.Equal(t, test.rows[i], c.Rows)
			}
			assert.Len(t, p.Copies, len(test.rows))
		})
	}
}

func trim(statements []string) []string {
	for i, s := range statements {
		statements[i] = strings.ReplaceAll(strings.ReplaceAll(s, "\n", ""), "create  schema", "create schema")
	}
	return statements
}

func TestRoles(t *testing.T) {
	for statement, want := range map[string][]string{
		"ALTER TABLE public.t OWNER TO shop":                                            {"shop"},
		`ALTER FUNCTION public.f("to" text, x int) OWNER TO "Odd ""Role"`:               {`Odd "Role`},
		"GRANT SELECT,INSERT(a, b) ON TABLE t TO a, GROUP b, \"c d\" WITH GRANT OPTION": {"a", "b", "c d"},
		"GRANT ALL ON SCHEMA s TO PUBLIC":                                               nil,
		"GRANT SELECT ON t TO x GRANTED BY y":                                           {"x", "y"},
		"REVOKE ALL ON FUNCTION f(a int) FROM PUBLIC":                                   nil,
		"REVOKE ALL ON t FROM old":                                                      {"old"},
		"ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b":   {"a", "b"},
		"CREATE POLICY p ON t FOR SELECT TO a, b USING ((c = 'to x'::text))":            {"a", "b"},
		"CREATE POLICY p ON t USING (exists (select 1 from x to))":                      nil,
		"SET SESSION AUTHORIZATION 'a'":                                                 {"a"},
		"SET SESSION AUTHORIZATION DEFAULT":                                             nil,
		"CREATE SCHEMA s AUTHORIZATION a":                                               {"a"},
		"CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'b')":                         {"a"},
		"ALTER ROLE a IN DATABASE d SET x TO 'y'":                                       {"a"},
		"CREATE TABLE t (owner text, \"to\" text)":                                      nil,
		"COMMENT ON TABLE t IS 'GRANT x TO y'":                                          nil,
		"ALTER TABLE t ALTER COLUMN c SET DEFAULT 'OWNER TO x'":                         nil,
		"": nil,
	} {
		assert.Equal(t, want, Parse(statement).Roles(), statement)
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(fixture(f, "custom.dump"))
	f.Add(fixture(f, "stream.dump"))
	f.Add(fixture(f, "toc.dat"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, err := readCustom(raw); err == nil {
			a.Roles()
			a.OfDatabase()
		}
	})
}

func FuzzPlain(f *testing.F) {
	f.Add(fixture(f, "plain.sql"), 64)
	f.Add([]byte("\\restrict a\nset client_encoding = 'SJIS'; select '\x83\\';\ncreate database d;\n"+
		"\\unrestrict a\n\\connect d\n"), 16)
	f.Add([]byte("select E'\\'' || $a$ $a$ /* /* */ */; -- \nCOPY t FROM stdin;\n\\.\n"), 16)
	f.Fuzz(func(t *testing.T, raw []byte, size int) {
		whole, want, err := readPlain(raw, 1<<20)
		if len(raw) > 1<<19 {
			return
		}
		pieces, got, e := readPlain(raw, 16+size&1023)
		if err == nil && e == nil {
			assert.Equal(t, want, got)
			assert.Equal(t, whole.Copies, pieces.Copies)
		}
		for _, s := range want {
			Parse(s).Roles()
			Parse(s).Extension()
		}
	})
}
