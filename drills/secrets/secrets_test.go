package secrets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func TestSecretsOfAKeptStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pulse.ndjson")
	s := &Known{}
	require.NoError(t, s.HideFile(path), "nothing to hide, nothing to read")
	s.Add(`pass"word`)
	assert.Error(t, s.HideFile(path))
	require.NoError(t, os.WriteFile(path, []byte("{\"a\":\"x pass\\\"word y\"}\n{}\nlast"), 0o600))
	require.NoError(t, s.HideFile(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "{\"a\":\"x *** y\"}\n{}\nlast", string(got))
}

// What opens a door is often only a part of what the scenario gives: a server or a flow may repeat that part alone.
func TestPartsOfSecrets(t *testing.T) {
	for plain, parts := range map[string][]string{
		"Bearer eyJhbGciOiJIUzI1NiJ9.e30":                      {"eyJhbGciOiJIUzI1NiJ9.e30"},
		"Basic YmFja3VwOmhvcnNlLWJhdHRlcnk=":                   {"YmFja3VwOmhvcnNlLWJhdHRlcnk=", "horse-battery"},
		"https://b.example.com/x?X-Amz-Signature=1a2b3c4d&v=2": {"1a2b3c4d"},
		"http://backup:horse%2Dbattery@proxy.example.com:3128": {"horse%2Dbattery", "horse-battery"},
		"postgres://app:horse-battery@db/shop?sslmode=disable": {"horse-battery"},
	} {
		s := &Known{}
		s.Add(plain)
		for _, part := range parts {
			assert.Equal(t, "it says *** twice: ***", s.Hide("it says "+part+" twice: "+plain), plain)
		}
		for _, word := range []string{"backup", "proxy.example.com", "v=2", "Bearer", "shop", "disable"} {
			assert.Equal(t, word, s.Hide(word), "words are no secrets")
		}
	}
}

// What a restored system says may be of any length; what stands in the journal is not.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("词", 1<<20)
	got := (&Known{}).HideEvent(record.CheckResult{Name: "rows", Message: long, Diff: slices.Repeat([]string{"+ a row"}, 5000)})
	r, ok := got.(record.CheckResult)
	require.True(t, ok)
	assert.LessOrEqual(t, len(r.Message), longestText+len(" …"))
	assert.True(t, strings.HasPrefix(r.Message, "词词") && strings.HasSuffix(r.Message, " …") && utf8.ValidString(r.Message))
	assert.Len(t, r.Diff, longestList+1)
	assert.Equal(t, "… and 4000 more", r.Diff[longestList])
	assert.Equal(t, "rows", r.Name)
}
