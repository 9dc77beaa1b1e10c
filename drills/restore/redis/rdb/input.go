// Package rdb reads what Redis and Valkey keep on disk: snapshots (RDB), logs of commands (AOF) and the manifest of a log in
// several parts. It counts and verifies, and makes nothing of the values.
//
//	snapshot = magic version {aux | db | [expiry] type key value} EOF crc64
//	log      = [snapshot] {command}
//	parts    = manifest, base (a snapshot or a log), increments (logs)
package rdb

import (
	"errors"
	"fmt"
	"hash/crc64"
	"io"

	"lifeboat/drills/restore/dump"
)

// jones is the polynomial of Redis' crc64.c (Jones), as hash/crc64 writes polynomials.
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

// sum goes on with a checksum as Redis does: from 0, and nothing is inverted.
func sum(crc uint64, p []byte) uint64 { return ^crc64.Update(^crc, jones, p) }

// input reads bytes one by one and sums them in blocks.
type input struct {
	from   io.Reader
	buf    []byte
	at, to int   // of buf, what was not taken yet
	summed int   // of buf, what is in crc
	passed int64 // bytes before buf
	crc    uint64
	err    error
}

const blockSize = 128 << 10

func newInput(r io.Reader) *input { return &input{from: r, buf: make([]byte, blockSize)} }

// offset of the next byte from the beginning.
func (in *input) offset() int64 { return in.passed + int64(in.at) }

// sumSoFar is the checksum of all that was taken.
func (in *input) sumSoFar() uint64 {
	in.crc, in.summed = sum(in.crc, in.buf[in.summed:in.at]), in.at
	return in.crc
}

// more reads on once everything was taken; false: there is no more, or err says why.
func (in *input) more() bool {
	if in.at < in.to {
		return true
	}
	in.sumSoFar()
	in.passed += int64(in.at)
	in.at, in.to, in.summed = 0, 0, 0
	for in.to == 0 && in.err == nil {
		in.to, in.err = in.from.Read(in.buf)
	}
	return in.to > 0
}

// end is why there is no next byte: io.ErrUnexpectedEOF where the input has ended.
func (in *input) end() error {
	if errors.Is(in.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return in.err
}

func (in *input) byte() (byte, error) {
	if in.at == in.to && !in.more() {
		return 0, in.end()
	}
	b := in.buf[in.at]
	in.at++
	return b, nil
}

func (in *input) full(p []byte) error {
	for n := 0; n < len(p); {
		if !in.more() {
			return in.end()
		}
		took := copy(p[n:], in.buf[in.at:in.to])
		n, in.at = n+took, in.at+took
	}
	return nil
}

func (in *input) skip(n uint64) error {
	for n > 0 {
		if !in.more() {
			return in.end()
		}
		took := min(n, uint64(in.to-in.at))
		n, in.at = n-took, in.at+int(took)
	}
	return nil
}

// small is a text of n bytes, of which no more than most are kept.
func (in *input) small(n uint64, most int) (string, error) {
	p := make([]byte, min(n, uint64(most)))
	if err := in.full(p); err != nil {
		return "", err
	}
	return string(p), in.skip(n - uint64(len(p)))
}

// damaged says where and how a file is not what it should be.
func damage(form string, args ...any) error { return &dump.Damage{Reason: fmt.Sprintf(form, args...)} }

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
