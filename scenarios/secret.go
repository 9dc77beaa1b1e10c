package scenarios

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/internal/userfile"
)

// Secret is a value that is never printed. In a scenario it is a plain text,
// {env: NAME} or {file: path}; the latter two are read when they are needed.
type Secret struct {
	plain string
	env   string
	file  string // absolute once loaded
}

// LargestSecret is how many bytes a secret in a file may have: there are larger keys, but no such passwords.
const LargestSecret = 64 << 10

// ShortestSecret is how many bytes a secret has at least: hiding a shorter one would hide half of every word.
const ShortestSecret = 4

// ErrShortSecret says of a secret that it cannot be hidden.
var ErrShortSecret = fmt.Errorf("is shorter than %d bytes, too short to be hidden in reports", ShortestSecret)

// Plain makes a secret of a text.
func Plain(text string) Secret { return Secret{plain: text} }

// Reveal gives the value itself; it belongs into an environment or a
// connection and nowhere else. A file's last line break is cut off. ErrShortSecret is a value that would
// be seen in reports; an empty one is none.
func (s Secret) Reveal() (string, error) {
	v, err := s.read()
	if err == nil && s.Hidden() && v != "" && len(v) < ShortestSecret {
		return "", fmt.Errorf("read secret: the value of %s%s %w", s.env, s.file, ErrShortSecret)
	}
	return v, err
}

func (s Secret) read() (string, error) {
	switch {
	case s.env != "":
		v, ok := os.LookupEnv(s.env)
		if !ok {
			return "", fmt.Errorf("read secret: environment variable %s is not set (export it before the drill)", s.env)
		}
		return v, nil
	case s.file != "":
		raw, err := userfile.Read(s.file, LargestSecret)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), nil
	default:
		return s.plain, nil
	}
}

// IsZero tells whether no secret was given.
func (s Secret) IsZero() bool { return s == Secret{} }

// String hides the value.
func (s Secret) String() string { return "***" }

// Format hides the value from every verb of fmt.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "***") }

// MarshalText hides the value in every encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// within makes a secret's path absolute.
func (s Secret) within(dir string) Secret {
	if s.file != "" && !filepath.IsAbs(s.file) {
		s.file = filepath.Join(dir, s.file)
	}
	return s
}

// Hidden tells whether the value comes from outside the file, so that it must
// not appear in anything that lifeboat writes.
func (s Secret) Hidden() bool { return s.env != "" || s.file != "" }
