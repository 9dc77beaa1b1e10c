package rdb

import (
	"errors"
	"fmt"
	"io"
)

// checksum stands behind everything since version 5; 0: the server was told to write none.
func (s *scan) checksum() error {
	if s.Version < 5 {
		return nil
	}
	is := s.sumSoFar()
	var raw [8]byte
	if err := s.full(raw[:]); err != nil {
		return err
	}
	return s.promised(is, little(raw[:]))
}

func (s *scan) promised(is, says uint64) error {
	if says == 0 {
		return nil
	}
	if s.Summed = true; is != says {
		return damage("its checksum does not hold: its bytes sum up to %016x, and it ends with %016x", is, says)
	}
	return nil
}

// unknown reads on to the end behind what is not known: the checksum holds for it all the same.
func (s *scan) unknown(op byte) error {
	s.Unknown = fmt.Sprintf("type %d", op)
	var tail [8]byte
	held := 0
	crc := s.sumSoFar()
	for s.more() {
		fresh := s.buf[s.at:s.to]
		s.at, s.summed = s.to, s.to // it is summed here, all but the last 8 bytes
		whole := append(append([]byte{}, tail[:held]...), fresh...)
		keep := min(len(whole), len(tail))
		crc = sum(crc, whole[:len(whole)-keep])
		held = copy(tail[:], whole[len(whole)-keep:])
	}
	if !errors.Is(s.err, io.EOF) {
		return s.err
	}
	if held < len(tail) {
		return io.ErrUnexpectedEOF
	}
	return s.promised(crc, little(tail[:]))
}
