package remote

import (
	"sync"
	"time"
)

// Seen are the facts of files when they were last listed, by name. The zero value is ready; safe for concurrent use.
type Seen struct {
	mu    sync.Mutex
	facts map[string]Facts
}

// Put remembers a file.
func (s *Seen) Put(name string, f Facts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts == nil {
		s.facts = map[string]Facts{}
	}
	s.facts[name] = f
}

// Expect tells what a file has to be that was listed with that size and time: what was seen then, or else these two
// alone. A name and no more, with zeros for both, may be any file.
func (s *Seen) Expect(name string, size int64, modified time.Time) Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.facts[name]; ok && f.Size == size && f.Modified.Equal(modified) {
		return f
	}
	if size == 0 && modified.IsZero() {
		return Facts{Size: -1}
	}
	return Facts{Size: size, Modified: modified}
}
