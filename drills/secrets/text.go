package secrets

import (
	"strings"
	"unicode/utf8"
)

// Hide takes every secret out of a text.
func (s *Known) Hide(text string) string {
	m := s.mark(text)
	return m.hidden(0, len(text))
}

// HideAll hides in texts that stand below each other wherever they are shown, such as the lines of a console: a secret of several
// lines lies across them.
func (s *Known) HideAll(texts []string) []string {
	m := s.mark(strings.Join(texts, "\n"))
	if m.covered == nil {
		return texts
	}
	shown, at := make([]string, len(texts)), 0
	for i, text := range texts {
		shown[i] = m.hidden(at, at+len(text))
		at += len(text) + len("\n")
	}
	return shown
}

func (s *Known) mark(text string) marks {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := marks{text: text}
	if len(s.plain) == 0 {
		return m
	}
	for _, w := range s.whole {
		for from := 0; ; {
			at := strings.Index(text[from:], w)
			if at < 0 {
				break
			}
			m.cover(from+at, from+at+len(w))
			from += at + len(w)
		}
	}
	var window uint64
	for i := range len(text) {
		window = window<<8 | uint64(text[i])
		if i >= Gram-1 && s.first[window>>48] {
			if _, known := s.grams[window]; known {
				m.cover(i-Gram+1, i+1)
			}
		}
	}
	s.besideCuts(&m)
	return m
}

// besideCuts covers the begin of a secret before a cut and its end after one, where less than a run is left.
func (s *Known) besideCuts(m *marks) {
	for from := 0; ; {
		at := strings.Index(m.text[from:], cutMark)
		if at < 0 {
			return
		}
		at += from
		from = at + len(cutMark)
		before, after := strings.TrimSuffix(m.text[:at], " "), m.text[from:]
		left, right := 0, 0
		for _, e := range s.ends {
			for n := min(Gram-1, len(e)-1, len(before)); n > max(left, Shortest-2); n-- {
				if strings.HasSuffix(before, e[:n]) {
					left = n
				}
			}
			for n := min(Gram-1, len(e)-1, len(after)); n > max(right, Shortest-2); n-- {
				if strings.HasPrefix(after, e[len(e)-n:]) {
					right = n
				}
			}
		}
		m.cover(len(before)-left, len(before))
		m.cover(from, from+right)
	}
}

// marks are the bytes of a text that must not be shown.
type marks struct {
	text    string
	covered []bool // nil: none
}

func (m *marks) cover(from, to int) {
	if from == to {
		return
	}
	if m.covered == nil {
		m.covered = make([]bool, len(m.text))
	}
	for i := from; i < to; i++ {
		m.covered[i] = true
	}
}

// hidden is what is shown of the text between two places.
func (m *marks) hidden(from, to int) string {
	if m.covered == nil {
		return m.text[from:to]
	}
	var b strings.Builder
	for i := from; i < to; {
		if !m.covered[i] {
			b.WriteByte(m.text[i])
			i++
			continue
		}
		for i < to && (m.covered[i] || !utf8.RuneStart(m.text[i])) {
			i++
		}
		b.WriteString(hidden)
	}
	return strings.ToValidUTF8(b.String(), "")
}
