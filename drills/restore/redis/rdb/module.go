package rdb

import (
	"slices"
	"strconv"
	"time"
)

// Parts of a module's value, each with its own opcode.
const (
	partEnd    = 0
	partSigned = 1
	partNumber = 2
	partFloat  = 3
	partDouble = 4
	partText   = 5
)

// module passes over a module's value, whose parts say what they are.
func (s *scan) module() error {
	id, err := s.plain()
	if err != nil {
		return err
	}
	name := moduleName(id)
	if !slices.Contains(s.Modules, name) {
		s.Modules = append(s.Modules, name)
	}
	return s.parts()
}

func (s *scan) parts() error {
	for {
		part, err := s.plain()
		if err != nil {
			return err
		}
		switch part {
		case partEnd:
			return nil
		case partSigned, partNumber:
			err = s.lengths(1)
		case partFloat:
			err = s.skip(4)
		case partDouble:
			err = s.skip(8)
		case partText:
			err = s.text()
		default:
			return damage("at byte %d its snapshot has a part %d in a module's value, which there is not", s.offset()-1, part)
		}
		if err != nil {
			return err
		}
	}
}

// moduleAux is what a module keeps beside the keys.
func (s *scan) moduleAux() error {
	if err := s.lengths(3); err != nil { // its id, and when it is to be read
		return err
	}
	return s.parts()
}

// moduleName is that of a module's type: nine letters of six bits, then a version.
func moduleName(id uint64) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	name := make([]byte, 9)
	id >>= 10
	for i := len(name) - 1; i >= 0; i-- {
		name[i] = letters[id&63]
		id >>= 6
	}
	return string(name)
}

// number is a signed one of so many bytes as text.
func number(v int64, bytes int) string {
	bits := 64 - 8*bytes
	return strconv.FormatInt(v<<bits>>bits, 10)
}

// around is for how long before and behind now expiries are told apart to the second: longer than a drill takes, and no more
// than some hundred thousand of them.
const around = 26 * 60 * 60

// expiries counts keys by the second in which they expire.
type expiries struct {
	now    int64 // seconds since 1970
	past   int64 // that expired earlier than is told apart
	second map[int64]int64
}

// add an expiry in milliseconds.
func (e *expiries) add(ms int64) {
	at := ms / 1000
	switch {
	case at < e.now-around:
		e.past++
	case at <= e.now+around:
		if e.second == nil {
			e.second = map[int64]int64{}
		}
		e.second[at]++
	}
}

// before counts those whose second began before a moment.
func (e *expiries) before(t time.Time) int64 {
	n := e.past
	for at, count := range e.second {
		if at < t.Unix() {
			n += count
		}
	}
	return n
}
