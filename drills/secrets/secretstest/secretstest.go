// Package secretstest makes secrets that people have, repeats them as systems do, and searches what is written for them.
package secretstest

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

	"github.com/stretchr/testify/require"

	"lifeboat/drills/secrets"
	"lifeboat/verifier"
)

// alphabets of secrets that people have. None makes a run that stands in a report by chance.
var alphabets = []string{
	"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", "0123456789abcdef", "qxzjkvwy",
	`aQ7"\<>&'#%+/=$;:@!?*(){}[]|^~` + "`", "鼋鼍螭夔饕餮蛟鸾鹓鹡鸰", "aé ß\t😀z9", "Kx7\nQv9\"Zp&",
}

// Random is a secret that has no white space at its ends, which nobody keeps.
func Random(r *rand.Rand) string {
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

// Echoes of a secret: what a server, a driver, k6 and lifeboat make of it, one after the other.
var Echoes = []func(s string) string{
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

// Leaks are the runs of a secret that a text shows: eight bytes of it, in any spelling, or all of a shorter one. A run with
// marks of quoting is longer than what it stands for (`\\u9f0b\` is one character), and has to be.
func Leaks(text, secret string) string {
	for _, s := range append(secrets.Spellings(secret), strings.Split(secret, "\n")...) {
		for i := range s {
			run := s[i:min(len(s), i+secrets.Gram)]
			if strings.ContainsAny(run, `\%`) {
				run = s[i:min(len(s), i+3*secrets.Gram)]
			}
			whole := len(run) == len(s) || len(run) >= secrets.Gram && (len(run) == 3*secrets.Gram || !strings.ContainsAny(run, `\%`))
			if whole && len(strings.TrimSpace(run)) >= secrets.Shortest && strings.Contains(text, run) {
				return run
			}
		}
	}
	return ""
}

// Runs of secrets by which they are known: what Leaks looks for, for many texts. Each with its secret, by length. What
// is quoted is longer than what it stands for: a run with marks of quoting, or one that begins within one (`u003e`), has to be.
type Runs map[int]map[string]string

// Of are the runs of secrets.
func Of(all []string) Runs {
	r := Runs{secrets.Gram: {}, 3 * secrets.Gram: {}}
	for _, secret := range all {
		for _, s := range append(secrets.Spellings(secret), strings.Split(secret, "\n")...) {
			if n := len(s); n >= secrets.Shortest && n < secrets.Gram {
				if r[n] == nil {
					r[n] = map[string]string{}
				}
				r[n][s] = secret
			}
			for i := 0; i+secrets.Gram <= len(s); i++ {
				if run := s[i : i+secrets.Gram]; !strings.ContainsAny(s[max(0, i-len(`\u003`)):i+secrets.Gram], `\%`) && len(strings.TrimSpace(run)) >= secrets.Shortest {
					r[secrets.Gram][run] = secret
				}
				if i+3*secrets.Gram <= len(s) {
					r[3*secrets.Gram][s[i:i+3*secrets.Gram]] = secret
				}
			}
		}
	}
	return r
}

// Look for the secrets in a text, as it stands and as a browser shows it.
func (r Runs) Look(t testing.TB, where, text string) {
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

// Grep looks for the secrets in every file below a folder.
func (r Runs) Grep(t testing.TB, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		r.Look(t, path, string(b))
		return err
	}))
}
