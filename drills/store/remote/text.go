package remote

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrLong is a text that is longer than it may be.
var ErrLong = errors.New("the text is too long")

// waits is how many timeouts a text may take in all: each piece alone may take one.
const waits = 10

// ReadText reads a small body whole: a list, a manifest, an error. A server that sends a byte now and then for ever is
// left after ten timeouts, with an error that may pass; one that sends more than most bytes at once, with ErrLong.
// What came until then is returned with an error, too.
func ReadText(body io.Reader, most int, timeout time.Duration) ([]byte, error) {
	began, limit := time.Now(), waits*timeout
	text, piece := []byte(nil), make([]byte, 32<<10)
	for {
		n, err := body.Read(piece)
		text = append(text, piece[:n]...)
		switch {
		case len(text) > most:
			return text[:most], ErrLong
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return text, err
		case time.Since(began) > limit:
			return text, Passing(fmt.Errorf("not all of it came within %v", limit))
		}
	}
}
