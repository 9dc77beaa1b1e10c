package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/postgres/pgdump"
)

// What stands in the place of a dump is named by its first bytes, and only what cannot be a dump is the backup's fault.
func TestDetectNamesWhatIsThere(t *testing.T) {
	const dump = "--\n-- PostgreSQL database dump\n--\n"
	for name, test := range map[string]struct {
		raw, want string
		open      bool // it may be good
	}{
		"nothing":          {"", "it is empty", false},
		"zero bytes":       {string(make([]byte, 4096)), "it is zero bytes", false},
		"an HTML page":     {"\n<!DOCTYPE HTML><title>403</title>", "it is an HTML page", false},
		"a store's answer": {"<?xml version='1.0'?><Error/>", "it is XML", false},
		"pg_dump's error": {"pg_dump: error: connection failed\n", "it is pg_dump's own message: \"pg_dump: e",
			false},
		"text":    {"hello", "neither a custom", false},
		"xz":      {"\xfd7zXZ\x00" + dump, "it is xz", true},
		"bzip2":   {"BZh9" + dump, "it is bzip2", true},
		"openssl": {"Salted__12345678", "encrypted by openssl", true},
		"gpg":     {"-----BEGIN PGP MESSAGE-----\n", "encrypted by gpg", true},
		"zip":     {"PK\x03\x04", "it is zip", true},
		"UTF-16":  {"\xff\xfe-\x00-\x00", "it is UTF-16 text", true},
		"zstd, large window": {"\x28\xb5\x2f\xfd\x00\xa0" + string(make([]byte, 100)), "zstd window is larger than 128 MiB",
			true},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := source([]byte(test.raw), "").Open(t.Context())
			require.NoError(t, err)
			_, err = openInput(t.Context(), stream).detect()
			require.ErrorContains(t, err, test.want)
			var damage *pgdump.Damage
			if test.open {
				assert.NotErrorAs(t, err, &damage)
			} else {
				assert.ErrorAs(t, err, &damage)
			}
		})
	}
}
