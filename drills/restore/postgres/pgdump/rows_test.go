package pgdump

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

func TestRows(t *testing.T) {
	for name, test := range map[string]struct {
		data string
		rows int64
		err  string
	}{
		"rows":                    {"1\n\n\\.x\n.\n\\\\.\n" + closing, 5, ""},
		"none":                    {closing, 0, ""},
		"nothing":                 {"", 0, "are empty"},
		"no closing":              {"1\n2\n", 0, "without their closing line"},
		"half a closing":          {"1\n\\.\n\n", 0, "without their closing line"},
		"a closing in the data":   {"1\n\\.\n2\n" + closing, 0, "go on after the line"},
		"in the place of its end": {"1\n\\.\n2\n3\n", 0, "go on after the line"},
		"a closing twice":         {"1\n" + closing + closing, 0, "go on after the line"},
		"more behind":             {"1\n" + closing + "2", 0, "go on after the line"},
		"a closing within a row":  {"1\\.\n" + closing, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size < 5; size++ { // pieces must not matter
				r := &rows{}
				for rest := []byte(test.data); len(rest) > 0; rest = rest[min(size, len(rest)):] {
					_, err := r.Write(rest[:min(size, len(rest))])
					require.NoError(t, err)
				}
				err := r.check("TABLE DATA t", "")
				if test.err != "" {
					require.ErrorContains(t, err, test.err)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, test.rows, r.n)
			}
		})
	}
}

func TestReadBlocksCountsRows(t *testing.T) {
	for _, name := range []string{"custom.dump", "stream.dump"} {
		a, err := readCustom(fixture(t, name))
		require.NoError(t, err)
		got := map[string]int64{}
		for _, e := range a.Entries {
			if n, ok := a.Rows[e.ID]; ok {
				got[e.Target()] = n
			}
		}
		assert.Equal(t, map[string]int64{"public.customers": 10, "public.orders": 20, "public.parts_1": 100}, got, name)
	}
}

// Damage of the compression is found here, not by the words of whoever meets it later.
func TestReadBlocksFindsDamagedCompression(t *testing.T) {
	raw := fixture(t, "custom.dump")
	r := NewReader(bytes.NewReader(raw))
	_, err := ReadArchive(r)
	require.NoError(t, err)
	seen := 0
	for at := int(r.n); at < len(raw); at++ {
		bad := bytes.Clone(raw)
		bad[at] ^= 0x20
		if _, err := readCustom(bad); err == nil {
			seen++
		}
	}
	assert.Less(t, seen, 10, "flips that change nothing, in the compressions' headers")
}

func TestTarget(t *testing.T) {
	for text, want := range map[string]string{
		"COPY public.t (a, b) FROM stdin;\n":      "public.t",
		`COPY "a b"."c ""(d" ("x y") FROM stdin;`: `"a b"."c ""(d"`,
		"COPY public.t FROM stdin;":               "public.t",
		"":                                        "",
	} {
		assert.Equal(t, want, Entry{Copy: text}.Target())
	}
}

// What makes a program of an archive is found in its table of contents, before anything of it runs.
func TestArchiveRefusesPrograms(t *testing.T) {
	good := []Entry{{ID: 1, Desc: "ENCODING", Defn: "SET client_encoding = 'SJIS';\n"},
		{ID: 2, Desc: "STDSTRINGS", Defn: "SET standard_conforming_strings = 'on';\n"},
		{ID: 3, Desc: "FUNCTION", Tag: "f()",
			Defn: "CREATE FUNCTION f() AS $$copy t from program 'x';$$;\nCOMMENT ON x IS '\x83\\';"},
		{ID: 4, Desc: "TABLE DATA", Tag: "t", Namespace: "public", HasData: true,
			Copy: "COPY public.t (\"copy\") FROM stdin;\n"}}
	a := &Archive{Entries: good, Format: Custom}
	require.NoError(t, a.check())
	for name, e := range map[string]Entry{
		"copy from a program": {Desc: "FUNCTION", Defn: "COPY t FROM PROGRAM 'touch /tmp/x';"},
		"copy to a program":   {Desc: "ACL", Defn: "select 1; copy t to program 'x'"},
		"copy from stdin":     {Desc: "ACL", Defn: "COPY t FROM stdin;\n1\n"},
		"data from a program": {Desc: "TABLE DATA", Tag: "t", HasData: true, Copy: "COPY .t FROM PROGRAM 'x';"},
		"more than the data":  {Desc: "TABLE DATA", Tag: "t", HasData: true, Copy: "COPY .t FROM stdin; drop table x;\n"},
		"a shell's command":   {Desc: "TABLE DATA", Tag: "t", HasData: true, Copy: "COPY .t FROM stdin; \\! x\n"},
		"one before the data": {Desc: "TABLE DATA", Tag: "t", HasData: true, Copy: "drop table x; COPY .t FROM stdin;\n"},
	} {
		e.ID = 9
		a := &Archive{Entries: append(good[:4:4], e), Format: Custom}
		var damage *dump.Damage
		require.ErrorAs(t, a.check(), &damage, name)
		assert.Contains(t, damage.Reason, "which pg_dump never writes", name)
	}
}
