package dump

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"io"

	"lifeboat/drills/instance"
)

// Filling puts files into a machine by one stream: what is written goes into the file of the last header.
type Filling struct {
	tar  *tar.Writer
	out  *bufio.Writer
	pipe *io.PipeWriter
	done chan error
}

// Fill begins to put files into a machine, by their paths from its root.
func Fill(ctx context.Context, m instance.Machine) *Filling {
	r, w := io.Pipe()
	out := bufio.NewWriterSize(w, PieceSize)
	f := &Filling{tar: tar.NewWriter(out), out: out, pipe: w, done: make(chan error, 1)}
	go func() {
		err := instance.Put(ctx, m, "/", r)
		r.CloseWithError(err)
		f.done <- err
	}()
	return f
}

// Header begins a file, or makes what is none.
func (f *Filling) Header(h *tar.Header) error {
	h.Format = tar.FormatPAX
	if err := f.tar.WriteHeader(h); err != nil {
		return &PutError{err}
	}
	return nil
}

func (f *Filling) Write(p []byte) (int, error) {
	n, err := f.tar.Write(p)
	if err != nil {
		err = &PutError{err}
	}
	return n, err
}

// End waits until all is there, or gives it up for a reason.
func (f *Filling) End(why error) error {
	if f == nil {
		return why
	}
	if why == nil {
		why = f.tar.Close()
	}
	if why == nil {
		if err := f.out.Flush(); err != nil {
			why = &PutError{err}
		}
	}
	f.pipe.CloseWithError(why)
	if err := <-f.done; err != nil && (why == nil || errors.As(why, new(*PutError))) {
		return err
	}
	return why
}
