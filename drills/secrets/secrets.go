// Package secrets knows what must not be shown, and takes it out of whatever a drill writes: texts, events, streams, logs.
package secrets

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"

	"lifeboat/scenarios"
)

// Known remembers what was revealed and hides it: whole, in every spelling, however short; and every run of Gram
// bytes of it, since whoever made a message may have cut it off anywhere before it came here.
//
//	text    Authorization: Bearer eyJhbGciOiJIUz…  cut off by whoever passed it on
//	hidden  Authorization: Bearer ***…
type Known struct {
	mu    sync.Mutex
	plain []string            // as they were added
	whole []string            // spellings that are hidden as a whole, longest first
	ends  []string            // spellings of which the begin or the end may stand beside a cut
	grams map[uint64]struct{} // runs of Gram bytes of the spellings
	first [1 << 16]bool       // the first two bytes of a run
}

const (
	Shortest     = scenarios.ShortestSecret // bytes that are hidden: shorter ones are words
	ShortestPart = 8                        // of a part of a secret: shorter ones are words
	Gram         = 8                        // bytes
	hidden       = "***"
	cutMark      = "…" // everybody who cuts a text leaves it there
)

// Of a scenario: back-ends reveal theirs by themselves, and a server may
// print them in its refusals. One that cannot be read yet is none that can be printed.
func Of(s *scenarios.Scenario) *Known {
	out := &Known{}
	for _, v := range s.Secrets() {
		if plain, err := v.Reveal(); err == nil {
			out.Add(plain)
		}
	}
	return out
}

// List is every secret, for a reaper.
func (s *Known) List() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.plain)
}

func (s *Known) Reveal(v scenarios.Secret) (string, error) {
	plain, err := v.Reveal()
	if err != nil {
		return "", err
	}
	if v.Hidden() {
		s.Add(plain)
	}
	return plain, nil
}

// Add remembers a secret, and its parts that open a door by themselves.
func (s *Known) Add(plain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(plain) < Shortest || slices.Contains(s.plain, plain) {
		return
	}
	s.plain = append(s.plain, plain)
	parts, open := partsOf(plain)
	for _, part := range parts {
		if len(part) >= ShortestPart {
			s.learn(part, true)
			s.learnLines(part)
		}
	}
	s.learn(plain, !open)
	s.learnLines(plain)
	slices.SortFunc(s.whole, func(a, b string) int { return len(b) - len(a) })
}

// learn a text. Of one that is open, such as an address, everybody may know the pieces.
func (s *Known) learn(plain string, pieces bool) {
	if s.grams == nil {
		s.grams = map[uint64]struct{}{}
	}
	for _, text := range Spellings(plain) {
		if len(text) < Shortest {
			continue
		}
		if !pieces || len(text) < Gram {
			s.whole = append(s.whole, text)
		}
		if !pieces {
			continue
		}
		s.ends = append(s.ends, text)
		var window uint64
		for i := range len(text) {
			window = window<<8 | uint64(text[i])
			if i >= Gram-1 && !isWord(text[i-Gram+1:i+1]) {
				s.grams[window] = struct{}{}
				s.first[window>>48] = true
			}
		}
		s.whole = append(s.whole, wordsOf(text)...)
	}
}

// learnLines of a text of several: one of them may be all that is repeated.
func (s *Known) learnLines(plain string) {
	if !strings.Contains(plain, "\n") {
		return
	}
	for line := range strings.Lines(plain) {
		line = strings.TrimSpace(line)
		s.ends = append(s.ends, line)
		if len(line) >= Shortest && len(line) < Gram && len(plain) <= longestTwice {
			s.whole = append(s.whole, line)
		}
	}
}

// words that stand in secrets and are none: a run of a secret that lies within one is shown.
var words = []string{"https://", "postgres://", "postgresql://", "password", "database", "production", "localhost", "username",
	"-----BEGIN ", "-----END ", " PRIVATE KEY-----", " CERTIFICATE-----", "127.0.0.1", "connection", "application", "certificate"}

func isWord(run string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, run) })
}

// wordsOf gives a text that holds such a word, so that it is hidden as a whole where it stands as a whole.
func wordsOf(text string) []string {
	if len(text) >= Gram && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) || strings.Contains(w, text) }) {
		return []string{text}
	}
	return nil
}

// partsOf a header's value or of an address: what stands in it beside words that everybody may know. open
// tells that the rest of it is no secret.
func partsOf(plain string) (parts []string, open bool) {
	scheme, token, _ := strings.Cut(plain, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		return []string{token}, true
	case "basic":
		pair, _ := base64.StdEncoding.DecodeString(token) // what is none has no password
		_, password, _ := strings.Cut(string(pair), ":")
		return []string{token, password}, true
	}
	u, err := url.Parse(plain)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, false
	}
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
	return parts, true
}

// HideEnd hides in a text whose beginning may have been cut off in the middle of a secret.
func (s *Known) HideEnd(text string) string {
	return strings.TrimPrefix(s.Hide(cutMark+text), cutMark)
}

// RevealEnv adds an environment to another one with its secrets revealed; an error is that of one variable.
func (s *Known) RevealEnv(into map[string]string, env map[string]scenarios.Secret) (variable string, err error) {
	for k, v := range env {
		if into[k], err = s.Reveal(v); err != nil {
			return k, err
		}
	}
	return "", nil
}
