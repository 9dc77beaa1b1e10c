package basebackup

import (
	"errors"
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
