package basebackup

import (
	"encoding/hex"
	"errors"
	"hash"
	"io"
)

// exact ends where a file has to, and takes what follows for damage.
type exact struct {
	from io.Reader
	left int64
	// wrong says in which file of the repository what cannot be read lies
	wrong func(error) error
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = e.wrong(err)
	}
	return n, err
}

func (e *exact) read(p []byte) (int, error) {
	if e.left > 0 {
		n, err := e.from.Read(p[:min(int64(len(p)), e.left)])
		e.left -= int64(n)
		if errors.Is(err, io.EOF) && e.left > 0 {
			err = io.ErrUnexpectedEOF
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}
	var more [1]byte
	n, err := io.ReadFull(e.from, more[:])
	switch {
	case n > 0:
		return 0, errLonger
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, io.EOF
	}
	return 0, err
}

var errLonger = errors.New("it is longer than it was")

// archived holds what is read against a checksum, and ends with an error where that is another: nobody is given all of what is not the file
// that was archived.
type archived struct {
	from  io.Reader
	log   log
	sum   hash.Hash
	other error // it is another
	err   error // of from
}

func (s *archived) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.sum.Write(p[:n]) //nolint:errcheck // never fails
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		s.err = err
	case err != nil && s.log.sum != "" && hex.EncodeToString(s.sum.Sum(nil)) != s.log.sum:
		s.other = damage("WAL segment %s is not what was archived: its name in the repository says another checksum", s.log.name)
		err = s.other
	}
	return n, err
}
