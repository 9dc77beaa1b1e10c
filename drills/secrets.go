package drills

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"lifeboat/scenarios"
)

// secrets remembers what was revealed, so that it can be hidden wherever text
// enters the journal.
type secrets struct {
	mu    sync.Mutex
	known []string // longest first
}

// shortest secret that is hidden in texts: shorter ones are words.
const shortest = 4

// secretsOf a scenario: back-ends reveal theirs by themselves, and a server may
// print them in its refusals. One that cannot be read yet is none that can be printed.
func secretsOf(s *scenarios.Scenario) *secrets {
	out := &secrets{}
	for _, v := range s.Secrets() {
		if plain, err := v.Reveal(); err == nil {
			out.add(plain)
		}
	}
	return out
}

// take remembers what list returned.
func (s *secrets) take(spellings []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = spellings
}

// list is every spelling of every secret.
func (s *secrets) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.known)
}

func (s *secrets) reveal(v scenarios.Secret) (string, error) {
	plain, err := v.Reveal()
	if err != nil {
		return "", err
	}
	if v.Hidden() {
		s.add(plain)
	}
	return plain, nil
}

// add remembers a secret in every spelling in which it may come back: as it is,
// within JSON, within SQL and within an address; and so its parts that open a door by themselves.
func (s *secrets) add(plain string) {
	for _, part := range partsOf(plain) {
		if len(part) >= shortestPart {
			s.spell(part)
		}
	}
	s.spell(plain)
}

// shortestPart of a secret that is hidden by itself: shorter ones are words.
const shortestPart = 8

// partsOf a header's value, or of an address: what stands in it beside words that everybody may know.
func partsOf(plain string) []string {
	scheme, token, _ := strings.Cut(plain, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		return []string{token}
	case "basic":
		pair, _ := base64.StdEncoding.DecodeString(token) // what is none has no password
		_, password, _ := strings.Cut(string(pair), ":")
		return []string{token, password}
	}
	u, err := url.Parse(plain)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil
	}
	var parts []string
	if password, given := u.User.Password(); given {
		_, raw, _ := strings.Cut(u.User.String(), ":")
		_, written, _ := strings.Cut(plain, "://")
		written, _, _ = strings.Cut(written, "@")
		_, written, _ = strings.Cut(written, ":")
		parts = append(parts, password, raw, written)
	}
	for name, values := range u.Query() {
		name = strings.ToLower(name)
		if slices.ContainsFunc([]string{"sig", "token", "secret", "password", "key", "credential"}, func(door string) bool {
			return strings.Contains(name, door)
		}) {
			parts = append(parts, values...)
		}
	}
	return parts
}

func (s *secrets) spell(plain string) {
	if len(plain) < shortest {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	quoted, _ := json.Marshal(plain) // a text always can be
	for _, text := range []string{plain, string(quoted[1 : len(quoted)-1]), strings.ReplaceAll(plain, "'", "''"),
		url.QueryEscape(plain), url.PathEscape(plain)} {
		if !slices.Contains(s.known, text) {
			s.known = append(s.known, text)
		}
	}
	slices.SortFunc(s.known, func(a, b string) int { return len(b) - len(a) })
}

func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.known {
		text = strings.ReplaceAll(text, k, "***")
	}
	return text
}

// hideEnd hides in a text whose beginning may have been cut off in the middle of a secret.
func (s *secrets) hideEnd(text string) string {
	s.mu.Lock()
	cut := 0
	for _, k := range s.known {
		for n := min(len(k)-1, len(text)); n >= shortest && n > cut; n-- {
			if strings.HasPrefix(text, k[len(k)-n:]) {
				cut = n
			}
		}
	}
	s.mu.Unlock()
	if cut > 0 {
		text = "***" + text[cut:]
	}
	return s.hide(text)
}

// logger hides what it is told before it tells it on.
func (s *secrets) logger(to *slog.Logger) *slog.Logger {
	return slog.New(hidingHandler{to.Handler(), s})
}

type hidingHandler struct {
	slog.Handler
	secrets *secrets
}

// Handle implements slog.Handler.
func (h hidingHandler) Handle(ctx context.Context, r slog.Record) error {
	hidden := slog.NewRecord(r.Time, r.Level, h.secrets.hide(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		hidden.AddAttrs(h.secrets.hideAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, hidden)
}

// WithAttrs implements slog.Handler.
func (h hidingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	hidden := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		hidden[i] = h.secrets.hideAttr(a)
	}
	return hidingHandler{h.Handler.WithAttrs(hidden), h.secrets}
}

// WithGroup implements slog.Handler.
func (h hidingHandler) WithGroup(name string) slog.Handler {
	return hidingHandler{h.Handler.WithGroup(name), h.secrets}
}

func (s *secrets) hideAttr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(s.hide(v.String()))
	case slog.KindAny:
		if text := fmt.Sprint(v.Any()); s.hide(text) != text {
			a.Value = slog.StringValue(s.hide(text))
		}
	case slog.KindGroup:
		var inner []slog.Attr
		for _, in := range v.Group() {
			inner = append(inner, s.hideAttr(in))
		}
		a.Value = slog.GroupValue(inner...)
	}
	return a
}

// hideFile takes the secrets out of a kept stream, line by line: a flow may print its own.
func (s *secrets) hideFile(path string) error {
	s.mu.Lock()
	none := len(s.known) == 0
	s.mu.Unlock()
	if none {
		return nil
	}
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("hide secrets: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(path+".hidden", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("hide secrets: %w", err)
	}
	w := bufio.NewWriter(out)
	for r := bufio.NewReader(in); err == nil; {
		var line string
		line, err = r.ReadString('\n')
		if _, e := w.WriteString(s.hide(line)); e != nil {
			err = e
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, w.Flush(), out.Close()); err == nil {
		err = os.Rename(path+".hidden", path)
	}
	if err != nil {
		return fmt.Errorf("hide secrets in %s: %w", path, errors.Join(err, os.Remove(path+".hidden")))
	}
	return nil
}
