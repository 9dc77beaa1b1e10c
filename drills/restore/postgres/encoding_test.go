package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/verifier/database"
	dialect "lifeboat/verifier/database/postgres"
)

// A database of every kind of encoding loads in every format, and the checks read it rightly.
func TestLoadEncodings(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	all := []string{"-Fc", "-Fp", "-Ft", "-Fd"}
	for encoding, test := range map[string]struct {
		table, text, want string
		formats           []string
		long              bool // only where LIFEBOAT_LONG is set
	}{
		"EUC_CN":        {table: "订单", text: "'北京'", want: "北京", formats: all},
		"EUC_JP":        {table: "注文", text: "'東京'", want: "東京", long: true},
		"LATIN1":        {table: "Aufträge", text: "'Zürich'", want: "Zürich"},
		"WIN1252":       {table: "prix", text: "'5 €'", want: "5 €", long: true},
		"SQL_ASCII":     {table: "orders", text: `convert_from('\xe9', 'SQL_ASCII')`, want: "\xe9"},
		"MULE_INTERNAL": {table: "orders", text: `'ascii'`, want: "ascii", long: true},
	} {
		if test.long && os.Getenv("LIFEBOAT_LONG") == "" {
			continue
		}
		formats := test.formats
		if formats == nil {
			formats = all[:2]
		}
		run(t, m, fmt.Sprintf(`create database encoded encoding '%s' locale 'C' template template0;
			\c encoded
			%s
			create table "%s" (id int primary key, "%[3]s" text); insert into "%[3]s" values (1, %s);
			create role "%[3]s_owner"; alter table "%[3]s" owner to "%[3]s_owner";`,
			encoding, speaking(encoding), test.table, test.text))
		var dumps [][]byte
		for _, format := range formats {
			command := "pg_dump " + format + " encoded"
			if format == "-Fd" {
				command = "rm -rf /tmp/enc && pg_dump -Fd -f /tmp/enc encoded && tar -C /tmp/enc -cf - ."
			}
			raw, err := exec.CommandContext(t.Context(), "docker", "exec", "-u", "postgres", m.ID, "bash", "-c",
				command).Output()
			require.NoError(t, err, command)
			dumps = append(dumps, raw)
		}
		owner := fmt.Sprintf(`drop table "%[1]s"; drop role "%[1]s_owner";`, test.table) // shared, in this database's bytes
		run(t, m, "\\c encoded\n"+speaking(encoding)+owner+"\n\\c postgres\ndrop database encoded;")
		for i, format := range formats {
			t.Run(encoding+" "+format, func(t *testing.T) {
				defer run(t, m, "drop database restored;")
				defer run(t, m, "\\c restored\n"+speaking(encoding)+owner)
				l := loader(t, settings+"\ndatabase: restored")
				_, err := l.Load(t.Context(), source(dumps[i], ""), m)
				require.NoError(t, err)
				ask := database.Server{User: "postgres", Password: "sesame", Database: "restored", Timeout: 10 * time.Second,
					Dial: func(ctx context.Context) (net.Conn, error) { return m.Dial(ctx, 5432) }}
				var answer database.Table
				err = dialect.Dialect{}.In(t.Context(), ask, func(ctx context.Context, q database.Session) (err error) {
					answer, err = database.Query(ctx, q, fmt.Sprintf(`select "%[1]s", tableowner = '%[1]s_owner'
						from public."%[1]s", pg_tables where tablename = '%[1]s'`, test.table))
					return err
				})
				require.NoError(t, err)
				assert.Equal(t, test.want+"|t", answer.Text())
			})
		}
	}
}

// speaking is what a session of psql says first: there is no way from UTF8 to one of them.
func speaking(encoding string) string {
	if encoding == "MULE_INTERNAL" {
		return ""
	}
	return "set client_encoding = 'UTF8';"
}

func run(t *testing.T, m *machine, sql string) {
	t.Helper()
	out, err := restoretest.CLI(context.WithoutCancel(t.Context()), strings.NewReader(sql), "exec", "-i", "-u", "postgres", m.ID,
		"psql", "-q", "-v", "ON_ERROR_STOP=1")
	require.NoError(t, err, out)
}

// Rows that are in a dump and not in its table are missed, whatever the server's statistics say.
func TestLoadMissesRows(t *testing.T) {
	t.Parallel()
	m := postgres(t)
	raw := good(t, "custom")
	require.NoError(t, forget(t.Context(), m))
	defer func() { assert.NoError(t, forget(context.WithoutCancel(t.Context()), m)) }()
	l := loader(t, settings+"\ndatabase: restored")
	src := source(raw, "")
	stream, err := src.Open(t.Context())
	require.NoError(t, err)
	job := &load{Loader: l, source: src, machine: m, in: dump.Open(t.Context(), stream), database: "restored",
		stop: func() {}}
	require.NoError(t, job.run(t.Context()))
	job.loading = job.database
	require.NoError(t, job.compareRows(t.Context()))
	run(t, m, "\\c restored\ndelete from orders where id = 7;")
	require.NoError(t, job.compareRows(t.Context()), "as the statistics tell, they were inserted")
	for id := range job.archive.Rows {
		job.archive.Rows[id]++
	}
	require.ErrorContains(t, job.compareRows(t.Context()), "it holds")
}
