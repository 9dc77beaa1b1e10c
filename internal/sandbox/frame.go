package sandbox

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// One connection is one stream of the tunnel, and what it carries is framed in both directions, because the end of a
// stream says nothing: it may be the application's, or the tunnel's own. Only a frame is the application's word.
//
//	caller  ── dial, data…, end ──▶  sandbox  ──▶  application
//	        ◀─ asked, open | refused | failed, data…, end | reset ──
const (
	frameDial    = 'c' // addresses, one a line; the first that answers is taken
	frameAsked   = 'a' // the question was received and is being put: from now on silence is the application's
	frameOpen    = 'o'
	frameRefused = 'r' // nobody listens
	frameFailed  = 'f' // any other reason, in words
	frameData    = 'd'
	frameEnd     = 'e' // half closed: nothing more comes from this side
	frameReset   = 'x' // the application broke the connection, in words
	frameDeaf    = 'w' // the application takes no more, though it may still speak
)

const (
	frameHead  = 3        // kind and length
	frameLimit = 32 << 10 // of one frame's content
)

// framer writes frames to a stream, from several goroutines.
type framer struct {
	mu sync.Mutex
	w  io.Writer
	b  [frameHead + frameLimit]byte
}

func (f *framer) write(kind byte, content []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(f.b[frameHead:], content)
	f.b[0] = kind
	binary.BigEndian.PutUint16(f.b[1:], uint16(n))
	_, err := f.w.Write(f.b[:frameHead+n])
	return err
}

// readFrame reads one frame into b, which holds frameLimit bytes.
func readFrame(r io.Reader, b []byte) (kind byte, content []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	if n > frameLimit {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	if _, err = io.ReadFull(r, b[:n]); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return head[0], b[:n], err
}

// tunnelWrite is how long the stream below may take nothing: a stopped engine or a very busy host. What waits for it
// obeys its own deadlines.
const tunnelWrite = time.Hour

// multiplexing has no time of its own: a busy host is no broken tunnel. A stream below that ends is.
func multiplexing(log io.Writer) *yamux.Config {
	c := yamux.DefaultConfig()
	c.EnableKeepAlive, c.StreamOpenTimeout, c.ConnectionWriteTimeout, c.LogOutput = false, 0, tunnelWrite, log
	return c
}

// lastWord keeps the last error that the multiplexer reports: it hands out no other.
type lastWord struct {
	mu   sync.Mutex
	line string
}

// Write implements io.Writer.
func (l *lastWord) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, s, ok := strings.Cut(string(p), "[ERR] yamux: "); ok {
		l.line = strings.TrimSpace(s)
	}
	return len(p), nil
}

func (l *lastWord) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}
