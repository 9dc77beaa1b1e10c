package dump

import (
	"archive/tar"
	"context"
	"errors"
	"io"

	"lifeboat/drills/instance"
)

// Filling puts files into a machine by one stream: what is written goes into the file of the last header.
type Filling struct {
	tar  *tar.Writer
	pipe *io.PipeWriter
	done chan error
}

// Fill begins to put files into a machine, by their paths from its root.
func Fill(ctx context.Context, m instance.Machine) *Filling {
	r, w := io.Pipe()
	f := &Filling{tar: tar.NewWriter(w), pipe: w, done: make(chan error, 1)}
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
	f.pipe.CloseWithError(why)
	if err := <-f.done; err != nil && (why == nil || errors.As(why, new(*PutError))) {
		return err
	}
	return why
}
