package drills

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// alphabets of secrets that people have. None makes a run that stands in a report by chance.
var alphabets = []string{
	"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", "0123456789abcdef", "qxzjkvwy",
	`aQ7"\<>&'#%+/=$;:@!?*(){}[]|^~` + "`", "鼋鼍螭夔饕餮蛟鸾鹓鹡鸰", "aé ß\t😀z9", "Kx7\nQv9\"Zp&",
}

// randomSecret has no white space at its ends, which nobody keeps.
func randomSecret(r *rand.Rand) string {
	letters := []rune(alphabets[r.IntN(len(alphabets))])
	for {
		var b strings.Builder
		for n := []int{4, 6, 8, 12, 20, 60, 150, 900}[r.IntN(8)]; b.Len() < n; {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		if s := b.String(); strings.TrimSpace(s) == s && len(strings.Fields(s)) <= 1+len(s)/6 {
			return s
		}
	}
}

// echoes of a secret: what a server, a driver, k6 and lifeboat make of it, one after the other.
var echoes = []func(s string) string{
	func(s string) string { return "refused: " + s },
	func(s string) string { return fmt.Sprintf("%q is wrong", s) },
	func(s string) string { return fmt.Sprintf("printed %+q", s) },
	func(s string) string { b, _ := json.Marshal(map[string]string{"error": s}); return string(b) },
	func(s string) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode([]string{s})
		return b.String()
	},
	func(s string) string { return "GET http://app/?token=" + url.QueryEscape(s) + ": refused" },
	func(s string) string { return "http://app/" + url.PathEscape(s) },
	func(s string) string {
		return "proxy " + (&url.URL{Scheme: "http", User: url.UserPassword("app", s), Host: "p"}).String()
	},
	func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("app:"+s)) },
	func(s string) string { return "cookie " + base64.RawURLEncoding.EncodeToString([]byte("ab"+s+"c")) },
	func(s string) string { return "alter role app password '" + strings.ReplaceAll(s, "'", "''") + "'" },
	func(s string) string { return "sh -c 'login " + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	func(s string) string { return verifier.Line("answered 500: "+s, 20+len(s)/2) },
	func(s string) string { return verifier.Line(strings.Repeat("x", 390)+s, 400) },
	func(s string) string { return "…" + strings.ToValidUTF8(s[len(s)/2:], "") },
}

// leaks are the runs of a secret that a text shows: eight bytes of it, in any spelling, or all of a shorter one. A run with
// marks of quoting is longer than what it stands for (`\\u9f0b\` is one character), and has to be.
func leaks(text, secret string) string {
	for _, s := range append(spellings(secret), strings.Split(secret, "\n")...) {
		for i := range s {
			run := s[i:min(len(s), i+gram)]
			if strings.ContainsAny(run, `\%`) {
				run = s[i:min(len(s), i+3*gram)]
			}
			whole := len(run) == len(s) || len(run) >= gram && (len(run) == 3*gram || !strings.ContainsAny(run, `\%`))
			if whole && len(strings.TrimSpace(run)) >= shortest && strings.Contains(text, run) {
				return run
			}
		}
	}
	return ""
}

// shows is what is left of an echo beside the secret.
func shows(echo func(string) string, secret string) string {
	s := &secrets{}
	s.add(secret)
	return strings.ReplaceAll(s.hide(echo(secret)), hidden, "")
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
	for i, echo := range echoes {
		want := shows(echo, "Qx7ZkW9vQx7ZkW9v")
		cuts := strings.Contains(echo(strings.Repeat("x", 500)), cutMark)
		if cuts || strings.HasPrefix(want, "cookie") || strings.HasPrefix(want, "Basic") {
			continue // in base64 a letter is shared with what stands beside it
		}
		for range 25 {
			if secret := randomSecret(r); len(secret) <= longestTwice && !strings.ContainsAny(secret, "\n\t ") {
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
		secret := randomSecret(r)
		s := &secrets{}
		s.add(secret)
		text := secret
		for range 1 + r.IntN(2) {
			text = echoes[r.IntN(len(echoes))](text)
		}
		got := s.hide(text)
		require.Empty(t, leaks(got, secret), "seed %d: %q shows %q as %q", seed, text, secret, got)
		require.True(t, utf8.ValidString(got) || !utf8.ValidString(text), "seed %d: %q", seed, got)
		line, err := json.Marshal(map[string]any{"error": text, "at": 17})
		require.NoError(t, err)
		kept := s.hideLines(string(line) + "\n")
		require.Empty(t, leaks(kept, secret), "seed %d: %q", seed, kept)
		var back struct{ At int }
		require.NoError(t, json.Unmarshal([]byte(kept), &back), "seed %d: the stream is not readable any more: %s", seed, kept)
		assert.Equal(t, 17, back.At)
	}
}

// What was cut off before it came here is hidden as far as it goes, and words stay words.
func TestPiecesOfSecrets(t *testing.T) {
	s := &secrets{}
	s.add("tok-" + strings.Repeat("Z9", 200))
	s.add("postgres-password-of-production")
	s.add("https://u:Xk29vv7Q@db.example.com/")
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
		assert.Equal(t, want, s.hide(text))
	}
	assert.Equal(t, "***\nit ended", s.hideEnd("9Z9\nit ended"))
}

// A secret of several lines lies across texts that a report shows below each other; how many there are stays.
func TestSecretsAcrossLines(t *testing.T) {
	s := &secrets{}
	s.add("Zv9\n7v\nQx\nab")
	assert.Equal(t, []string{"said Zv9", "beside 7v", "Qx"}, s.hideAll([]string{"said Zv9", "beside 7v", "Qx"}))
	assert.Equal(t, []string{"said ***", "***", "***", "*** it was"}, s.hideAll([]string{"said Zv9", "7v", "Qx", "ab it was"}))
	event := s.hideEvent(record.Diagnosis{Lines: []string{"Zv9", "7v", "Qx"}}).(record.Diagnosis)
	assert.Equal(t, []string{"***", "***", "***"}, event.Lines)
}

// runs of secrets by which they are known: what leaks looks for, for many texts. Each with its secret, by length. What
// is quoted is longer than what it stands for: a run with marks of quoting, or one that begins within one (`u003e`), has to be.
type runs map[int]map[string]string

func shown(secrets []string) runs {
	r := runs{gram: {}, 3 * gram: {}}
	for _, secret := range secrets {
		for _, s := range append(spellings(secret), strings.Split(secret, "\n")...) {
			if n := len(s); n >= shortest && n < gram {
				if r[n] == nil {
					r[n] = map[string]string{}
				}
				r[n][s] = secret
			}
			for i := 0; i+gram <= len(s); i++ {
				if run := s[i : i+gram]; !strings.ContainsAny(s[max(0, i-len(`\u003`)):i+gram], `\%`) && len(strings.TrimSpace(run)) >= shortest {
					r[gram][run] = secret
				}
				if i+3*gram <= len(s) {
					r[3*gram][s[i:i+3*gram]] = secret
				}
			}
		}
	}
	return r
}

// look for the secrets in a text, as it stands and as a browser shows it.
func (r runs) look(t *testing.T, where, text string) {
	t.Helper()
	for _, text := range []string{text, html.UnescapeString(text)} {
		for n, known := range r {
			for at := 0; at+n <= len(text); at++ {
				if secret, ok := known[text[at:at+n]]; ok {
					t.Errorf("%s shows %q of %.40q: %q", where, text[at:at+n], secret, text[max(0, at-100):min(len(text), at+n+60)])
					break
				}
			}
		}
	}
}

// grep looks for the secrets in every file below a folder.
func (r runs) grep(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		r.look(t, path, string(b))
		return err
	}))
}
