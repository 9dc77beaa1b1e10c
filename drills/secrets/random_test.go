package secrets_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
	"lifeboat/drills/secrets/secretstest"
)

// shows is what is left of an echo beside the secret.
func shows(echo func(string) string, secret string) string {
	s := &secrets.Known{}
	s.Add(secret)
	return strings.ReplaceAll(s.Hide(echo(secret)), "***", "")
}

// within tells whether a text is another one, or that with some of it left out.
func within(text, whole string) bool {
	for _, r := range whole {
		text = strings.TrimPrefix(text, string(r))
	}
	return text == ""
}

// Of an echo that has the secret whole no more is shown than what stands around every secret. This knows nothing of how
// secrets are spelled: the search for leaks below does, and would be as blind as what it tests.
func TestNoMoreIsShownThanTheEcho(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for i, echo := range secretstest.Echoes {
		want := shows(echo, "Qx7ZkW9vQx7ZkW9v")
		cuts := strings.Contains(echo(strings.Repeat("x", 500)), "…")
		if cuts || strings.HasPrefix(want, "cookie") || strings.HasPrefix(want, "Basic") {
			continue // in base64 a letter is shared with what stands beside it
		}
		for range 25 {
			if secret := secretstest.Random(r); len(secret) <= 1<<10 && !strings.ContainsAny(secret, "\n\t ") {
				require.True(t, within(shows(echo, secret), want), "echo %d of %q: %q", i, secret, shows(echo, secret))
			}
		}
	}
}

func TestSecretsOfAllShapes(t *testing.T) {
	seed := uint64(1795861160498831245) // one that found something
	if os.Getenv("LIFEBOAT_LONG") != "" {
		seed = uint64(time.Now().UnixNano())
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for range 150 {
		secret := secretstest.Random(r)
		s := &secrets.Known{}
		s.Add(secret)
		text := secret
		for range 1 + r.IntN(2) {
			text = secretstest.Echoes[r.IntN(len(secretstest.Echoes))](text)
		}
		got := s.Hide(text)
		require.Empty(t, secretstest.Leaks(got, secret), "seed %d: %q shows %q as %q", seed, text, secret, got)
		require.True(t, utf8.ValidString(got) || !utf8.ValidString(text), "seed %d: %q", seed, got)
		line, err := json.Marshal(map[string]any{"error": text, "at": 17})
		require.NoError(t, err)
		kept := s.HideLines(string(line) + "\n")
		require.Empty(t, secretstest.Leaks(kept, secret), "seed %d: %q", seed, kept)
		var back struct{ At int }
		require.NoError(t, json.Unmarshal([]byte(kept), &back), "seed %d: the stream is not readable any more: %s", seed, kept)
		assert.Equal(t, 17, back.At)
	}
}

// What was cut off before it came here is "***" as far as it goes, and words stay words.
func TestPiecesOfSecrets(t *testing.T) {
	s := &secrets.Known{}
	s.Add("tok-" + strings.Repeat("Z9", 200))
	s.Add("postgres-password-of-production")
	s.Add("https://u:Xk29vv7Q@db.example.com/")
	for text, want := range map[string]string{
		"header: tok-Z9Z9Z9…":                       "header: ***…",
		"header: tok-Z…":                            "header: ***…",
		"…Z9Z9Z9Z9Z9 ended":                         "…*** ended",
		"it is the password of the database …":      "it is the password of the database …",
		"the production of https://db.example.com/": "the production of https://db.example.com/",
		"said postgres-password-of-production":      "said ***",
		"said postgres-password-o…":                 "said p***…",
		"with Xk29vv7Q, at 2026-11-28":              "with ***, at 2026-11-28",
	} {
		assert.Equal(t, want, s.Hide(text))
	}
	assert.Equal(t, "***\nit ended", s.HideEnd("9Z9\nit ended"))
}

// A secret of several lines lies across texts that a report shows below each other; how many there are stays.
func TestSecretsAcrossLines(t *testing.T) {
	s := &secrets.Known{}
	s.Add("Zv9\n7v\nQx\nab")
	assert.Equal(t, []string{"said Zv9", "beside 7v", "Qx"}, s.HideAll([]string{"said Zv9", "beside 7v", "Qx"}))
	assert.Equal(t, []string{"said ***", "***", "***", "*** it was"}, s.HideAll([]string{"said Zv9", "7v", "Qx", "ab it was"}))
	event := s.HideEvent(record.Diagnosis{Lines: []string{"Zv9", "7v", "Qx"}}).(record.Diagnosis)
	assert.Equal(t, []string{"***", "***", "***"}, event.Lines)
}
