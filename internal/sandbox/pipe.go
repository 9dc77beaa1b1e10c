package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// The first byte of a pipe says whether the connection stands; after a refusal
// the reason follows.
const (
	PipeOpen    = '+'
	PipeRefused = '-' // connection refused: nobody listens
	PipeFailed  = '!'
)

const (
	pipeDial   = 5 * time.Second
	pipeLinger = 10 * time.Second // for the far end to finish once we have nothing more to say
)

// Prefixes of an address that is no host and port. Abstract sockets ("@name") belong to the network
// namespace: what else runs in it can use them, and nobody else can.
const (
	PipeUnix   = "unix:"   // connect there
	PipeListen = "listen:" // wait there for one connection
)

// pipe carries standard input and output to the first of the addresses that answers, or to the
// first connection that comes in.
func pipe(addresses []string, in io.Reader, out io.Writer) error {
	if name, ok := strings.CutPrefix(addresses[0], PipeListen); ok {
		return pipeIn(name, in, out)
	}
	var c net.Conn
	var err error
	for _, a := range addresses {
		network := "tcp"
		if name, ok := strings.CutPrefix(a, PipeUnix); ok {
			network, a = "unix", name
		}
		if c, err = net.DialTimeout(network, a, pipeDial); err == nil {
			break
		}
	}
	if err != nil {
		mark := PipeFailed
		if errors.Is(err, syscall.ECONNREFUSED) {
			mark = PipeRefused
		}
		_, werr := fmt.Fprintf(out, "%c%s", mark, err)
		return werr
	}
	defer c.Close()
	if _, err := out.Write([]byte{PipeOpen}); err != nil {
		return err
	}
	return carry(c, in, out)
}

// pipeIn says that it listens with a first byte and that somebody came with a second, and carries that
// one connection. It gives up when the other end does.
func pipeIn(name string, in io.Reader, out io.Writer) error {
	l, err := net.Listen("unix", name)
	if err != nil {
		_, werr := fmt.Fprintf(out, "%c%s", PipeFailed, err)
		return werr
	}
	defer l.Close()
	if _, err := out.Write([]byte{PipeOpen}); err != nil {
		return err
	}
	head := &firstByte{done: make(chan struct{})}
	go func() {
		if head.read(in); head.err != nil {
			_ = l.Close()
		}
	}()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := l.Close(); err != nil {
		return err
	}
	if _, err := out.Write([]byte{PipeOpen}); err != nil {
		return err
	}
	return carry(c, io.MultiReader(head, in), out)
}

// firstByte of an input is read early, to see the input end, and handed on later.
type firstByte struct {
	done chan struct{}
	b    [1]byte
	n    int
	err  error
}

func (f *firstByte) read(in io.Reader) {
	defer close(f.done)
	f.n, f.err = io.ReadFull(in, f.b[:])
}

// Read implements io.Reader.
func (f *firstByte) Read(p []byte) (int, error) {
	<-f.done
	if f.n == 0 || len(p) == 0 {
		return 0, io.EOF
	}
	p[0], f.n = f.b[0], 0
	return 1, nil
}

func carry(c net.Conn, in io.Reader, out io.Writer) error {
	go func() {
		_, err := io.Copy(c, in)
		if t, ok := c.(interface{ CloseWrite() error }); ok && err == nil {
			_ = t.CloseWrite()
		}
		// Nobody is left to read the rest; a far end that never closes must not keep us.
		_ = c.SetReadDeadline(time.Now().Add(pipeLinger))
	}()
	_, _ = io.Copy(out, c)
	return nil
}
