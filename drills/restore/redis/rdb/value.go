package rdb

// Types of values, as rdb.h of Redis 8 has them. Those that are not named here are texts of one piece.
const (
	typeText         = 0
	typeList         = 1
	typeSet          = 2
	typeSorted       = 3
	typeHash         = 4
	typeSorted2      = 5
	typeModule       = 7
	typeQuicklist    = 14
	typeStream       = 15
	typeQuicklist2   = 18
	typeStream2      = 19
	typeStream3      = 21
	typeHashFields   = 22 // of Redis 7.4's first versions; Valkey 9 has another one of this number
	typeHashPacked   = 23
	typeHashFields2  = 24
	typeHashPacked2  = 25
	lengthOfStreamID = 16
)

var families = map[byte]string{typeText: "string", typeList: "list", 10: "list", typeQuicklist: "list", typeQuicklist2: "list",
	typeSet: "set", 11: "set", 20: "set", typeSorted: "zset", typeSorted2: "zset", 12: "zset", 17: "zset",
	typeHash: "hash", 9: "hash", 13: "hash", 16: "hash", typeHashFields: "hash", typeHashPacked: "hash", typeHashFields2: "hash",
	typeHashPacked2: "hash", typeModule: "module", typeStream: "stream", typeStream2: "stream", typeStream3: "stream"}

// family of a type, as the command TYPE calls it; a module's own values have one more name there.
func family(op byte) (name string, known bool) {
	name, known = families[op]
	return name, known
}

// fieldsExpire tells that fields of a hash may have an expiry of their own.
func fieldsExpire(op byte) bool { return op >= typeHashFields && op <= typeHashPacked2 }

func little(p []byte) (n uint64) {
	for i := len(p) - 1; i >= 0; i-- {
		n = n<<8 | uint64(p[i])
	}
	return n
}

// fixed is a number of so many bytes, little-endian.
func (s *scan) fixed(n int) (int64, error) {
	var raw [8]byte
	err := s.full(raw[:n])
	return int64(little(raw[:n])), err
}

// length of what follows; special: no length, but the number of an encoding.
func (s *scan) length() (n uint64, special bool, err error) {
	b, err := s.byte()
	if err != nil {
		return 0, false, err
	}
	wide := 0
	switch {
	case b>>6 == 0:
		return uint64(b & 0x3f), false, nil
	case b>>6 == 1:
		low, err := s.byte()
		return uint64(b&0x3f)<<8 | uint64(low), false, err
	case b>>6 == 3:
		return uint64(b & 0x3f), true, nil
	case b == 0x80:
		wide = 4
	case b == 0x81:
		wide = 8
	default:
		return 0, false, damage("at byte %d its snapshot has a length of no known form", s.offset()-1)
	}
	var raw [8]byte
	if err := s.full(raw[:wide]); err != nil {
		return 0, false, err
	}
	for _, b := range raw[:wide] {
		n = n<<8 | uint64(b)
	}
	return n, false, nil
}

// plain is a length that may not be special.
func (s *scan) plain() (uint64, error) {
	n, special, err := s.length()
	if err == nil && special {
		err = damage("at byte %d its snapshot has an encoded text where a length belongs", s.offset()-1)
	}
	return n, err
}

func (s *scan) lengths(n int) error {
	for range n {
		if _, err := s.plain(); err != nil {
			return err
		}
	}
	return nil
}

// Encodings of a text: a number of 1, 2 or 4 bytes, or compressed by LZF.
const lzf = 3

// text passes over a text.
func (s *scan) text() error {
	n, special, err := s.length()
	switch {
	case err != nil:
		return err
	case !special:
		return s.skip(n)
	case n < lzf:
		return s.skip(1 << n)
	case n == lzf:
		packed, err := s.plain()
		if err != nil {
			return err
		}
		if _, err := s.plain(); err != nil {
			return err
		}
		return s.skip(packed)
	}
	return damage("at byte %d its snapshot has a text in encoding %d", s.offset()-1, n)
}

// kept is the beginning of a short text.
func (s *scan) kept() (string, error) {
	const most = 256
	n, special, err := s.length()
	switch {
	case err != nil:
		return "", err
	case !special:
		return s.small(n, most)
	case n < lzf:
		v, err := s.fixed(1 << n)
		return number(v, int(1<<n)), err
	}
	return "", damage("at byte %d its snapshot says of itself what is no short text", s.offset()-1)
}

func (s *scan) texts(n uint64) error {
	for range n {
		if err := s.text(); err != nil {
			return err
		}
	}
	return nil
}

// value passes over one.
func (s *scan) value(op byte) error {
	switch op {
	case typeModule:
		return s.module()
	case typeStream, typeStream2, typeStream3:
		return s.stream(op)
	case typeHashPacked:
		return s.text()
	case typeHashPacked2:
		if err := s.skip(8); err != nil { // the earliest expiry of a field
			return err
		}
		return s.text()
	case typeHashFields2:
		if err := s.skip(8); err != nil {
			return err
		}
	case typeList, typeSet, typeSorted, typeHash, typeSorted2, typeQuicklist, typeQuicklist2, typeHashFields:
	default:
		return s.text()
	}
	n, err := s.plain()
	if err != nil {
		return err
	}
	for range n {
		if err := s.member(op); err != nil {
			return err
		}
	}
	return nil
}

// member of a collection.
func (s *scan) member(op byte) error {
	switch {
	case op == typeHash:
		return s.texts(2)
	case op == typeSorted:
		return s.score()
	case op == typeSorted2:
		if err := s.text(); err != nil {
			return err
		}
		return s.skip(8)
	case op == typeHashFields && s.Valkey:
		if err := s.texts(2); err != nil {
			return err
		}
		return s.skip(8)
	case op == typeHashFields || op == typeHashFields2:
		if err := s.lengths(1); err != nil {
			return err
		}
		return s.texts(2)
	case op == typeQuicklist2:
		if err := s.lengths(1); err != nil {
			return err
		}
	}
	return s.text()
}

// score of a member is a text of its own: its length in a byte, of which the three highest are infinities and no number.
func (s *scan) score() error {
	if err := s.text(); err != nil {
		return err
	}
	n, err := s.byte()
	if err != nil || n >= 253 {
		return err
	}
	return s.skip(uint64(n))
}

func (s *scan) stream(op byte) error {
	nodes, err := s.plain()
	if err != nil {
		return err
	}
	if err := s.texts(2 * nodes); err != nil {
		return err
	}
	said := 3 // its length and its last entry
	if op >= typeStream2 {
		said = 8
	}
	if err := s.lengths(said); err != nil {
		return err
	}
	return s.each(func() error { return s.group(op) })
}

func (s *scan) group(op byte) error {
	if err := s.text(); err != nil {
		return err
	}
	said := 2
	if op >= typeStream2 {
		said = 3
	}
	if err := s.lengths(said); err != nil {
		return err
	}
	err := s.each(func() error { // entries that were delivered and not acknowledged
		if err := s.skip(lengthOfStreamID + 8); err != nil {
			return err
		}
		return s.lengths(1)
	})
	if err != nil {
		return err
	}
	return s.each(func() error { // consumers
		if err := s.text(); err != nil {
			return err
		}
		seen := uint64(8)
		if op >= typeStream3 {
			seen = 16
		}
		if err := s.skip(seen); err != nil {
			return err
		}
		return s.each(func() error { return s.skip(lengthOfStreamID) })
	})
}

// each reads a count and so many things.
func (s *scan) each(one func() error) error {
	n, err := s.plain()
	if err != nil {
		return err
	}
	for range n {
		if err := one(); err != nil {
			return err
		}
	}
	return nil
}
