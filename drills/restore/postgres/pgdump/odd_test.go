package pgdump

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

// Scripts write an end of their own behind a dump; whatever else stands there tells that something is missing.
func TestPlainWithAnEndOfItsOwn(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/plain.sql")
	require.NoError(t, err)
	for _, text := range []string{"RESET ALL;\n", "\nCOMMIT;\n", "ANALYZE;\nvacuum analyze;\n", "END;"} {
		_, _, err := readPlain(append([]byte("BEGIN;\n"), string(raw)+text...), 128)
		assert.NoError(t, err, text)
	}
	for _, text := range []string{"SELECT 1;\n", "COMMIT; DROP TABLE x;\n", "RESET ALL", "ANALYZE;\nINSERT INTO t VALUES (1);\n"} {
		_, _, err := readPlain([]byte(string(raw)+text), 128)
		assert.ErrorAs(t, err, new(*dump.Damage), text)
	}
}

// What is not known of a pg_dump that is newer than this may be good.
func TestKindsOfLaterVersions(t *testing.T) {
	t.Parallel()
	const object = "\n--\n-- Name: g; Type: PROPERTY GRAPH; Schema: public; Owner: o\n--\n\nCREATE PROPERTY GRAPH g;\n" + closingLine
	const head = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.1\n-- Dumped by pg_dump version "
	_, _, err := readPlain([]byte(head+"19.0\n"+object), 1<<10)
	assert.ErrorIs(t, err, ErrUnsupported)
	assert.ErrorContains(t, err, "pg_dump 19.0, and has an object of the kind \"PROPERTY GRAPH\", which came after version 18")
	_, _, err = readPlain([]byte(head+"18.1 (Debian 18.1-1)\n"+object), 1<<10)
	assert.ErrorAs(t, err, new(*dump.Damage))
	assert.ErrorIs(t, known("PROPERTY GRAPH", "19beta1"), ErrUnsupported, "of an archive, too")
}
