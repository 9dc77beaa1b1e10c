package pgdump

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

const closingLine = "\n-- PostgreSQL database dump complete\n"

// What pg_dump never writes is found before psql can have the line that it stands in.
func TestPlainRefusesPrograms(t *testing.T) {
	const made = "create database d;\n"
	for name, text := range map[string]string{
		"shell":                           "\\! touch /tmp/x\n",
		"shell, indented":                 "  \\! touch /tmp/x\n",
		"shell in a statement":            "select 1 \\! touch /tmp/x\n;",
		"shell after one":                 "select 1; \\! touch /tmp/x\n",
		"backticks":                       made + "\\connect `touch /tmp/x`\n",
		"backticks in a name":             made + "\\connect d`touch /tmp/x`\n",
		"a variable":                      made + "\\connect :x\n",
		"two commands":                    made + "\\connect d \\! touch /tmp/x\n",
		"setting":                         "\\set ON_ERROR_STOP 0\n",
		"copy by psql":                    "\\copy t from program 'touch /tmp/x'\n",
		"run what is selected":            "select 'x' \\gexec\n",
		"output":                          "\\o |touch /tmp/x\n",
		"include":                         "\\i /etc/passwd\n",
		"end of no data":                  "\\.\n",
		"quit":                            "\\q\n",
		"no command":                      "\\\n",
		"very long":                       "\\connect " + pad(8<<10) + "\n",
		"another server":                  made + "\\connect \"host=example.org dbname=d\"\n",
		"another server, by url":          made + "\\connect \"postgresql://example.org/d\"\n",
		"as somebody else":                made + "\\connect d boss\n",
		"a database of others":            "\\connect postgres\n",
		"another server, of a cluster":    clusterDump + "\n\\connect \"host=example.org dbname=d\"\n",
		"another server's url, the same":  clusterDump + "\n\\connect \"postgresql://example.org/d\"\n",
		"unrestrict by itself":            "\\unrestrict x\n",
		"unrestrict, other key":           "\\restrict x\n\\unrestrict y\n",
		"copy from a program":             "COPY t FROM PROGRAM 'touch /tmp/x';\n",
		"copy in a comment's company":     "/* */ copy t (a) from -- stdin\n program 'x';\n",
		"copy to a program":               "COPY t TO PROGRAM 'cat';\n",
		"copy to stdout":                  "COPY t TO stdout;\n",
		"copy from a file":                "COPY t FROM '/etc/passwd';\n",
		"copy far behind":                 "COPY " + pad(300<<10) + " t FROM PROGRAM 'x';\n",
		"in the text of another encoding": "set client_encoding = 'SJIS';\nselect '\x83\\' \\! touch /tmp/x\n;",
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{64 << 10, 128} {
				_, _, err := readPlain([]byte(text+closingLine), size)
				var damage *dump.Damage
				require.ErrorAs(t, err, &damage)
				if want := "which pg_dump never writes"; !strings.HasPrefix(name, "a database of") {
					assert.Contains(t, damage.Reason, want, "and not for what else is wrong with it")
				}
			}
		})
	}
}

// A row whose COPY was lost is told without what is in it.
func TestRowsAreNoCommands(t *testing.T) {
	for _, text := range []string{"\\N\tSECRET\n", "1\t\\\\x5ec2e7 SECRET\n", "select 1;\n\\tSECRET\n", "\\! SECRET\n", "\\nSECRET\n", "\\nsecret\n", "\\isecret\n", "\\unrestrict SECRET\n"} {
		_, _, err := readPlain([]byte(text+closingLine), 128)
		require.ErrorContains(t, err, "which pg_dump never writes", text)
		assert.NotContains(t, strings.ToUpper(err.Error()), "SECRET", text)
	}
}

func pad(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	return string(b)
}

func TestPlainTakesWhatPgDumpWrites(t *testing.T) {
	for name, test := range map[string]struct{ text, database string }{
		"a plain name":  {"CREATE DATABASE shop WITH TEMPLATE = template0;\n\\connect shop\n", "shop"},
		"a quoted name": {"CREATE DATABASE \"Shop\";\n\\connect \"Shop\"\n", "Shop"},
		"an odd name": {"CREATE DATABASE \"my \"\"d'b\\\";\n\\connect -reuse-previous=on \"dbname='my \"\"d\\'b\\\\'\"\n",
			`my "d'b\`},
		"restricted": {"\\restrict a1\nCREATE DATABASE shop;\n\\unrestrict a1\n\\connect shop\n" +
			"\\restrict a1\n\\unrestrict a1\n", "shop"},
		"a backslash as half of a character": {"set client_encoding = 'SJIS';\nselect '\x83\\';\n" +
			"comment on table \x95\\ is '';\n", ""},
		"the same in two pieces": {"set client_encoding = 'GBK';\nselect '" + pad(3) + "\x81\\" +
			pad(200) + "';\n", ""},
		"a half letter in old encodings": {"set client_encoding = 'sjis';\nselect '\xb1', E'\xb1\\'';\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{64 << 10, 128, 16} {
				p, _, err := readPlain([]byte(test.text+
					"-- Name: t; Type: TABLE; Schema: public; Owner: x\n"+closingLine), size)
				require.NoError(t, err)
				require.Len(t, p.Entries, 1)
				assert.Equal(t, test.database, p.Entries[0].Database)
			}
		})
	}
}
