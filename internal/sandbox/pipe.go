package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
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

// pipe carries standard input and output to the first of the addresses that answers.
func pipe(addresses []string, in io.Reader, out io.Writer) error {
	var c net.Conn
	var err error
	for _, a := range addresses {
		if c, err = net.DialTimeout("tcp", a, pipeDial); err == nil {
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
	go func() {
		_, err := io.Copy(c, in)
		if t, ok := c.(*net.TCPConn); ok && err == nil {
			_ = t.CloseWrite()
		}
		// Nobody is left to read the rest; a far end that never closes must not keep us.
		_ = c.SetReadDeadline(time.Now().Add(pipeLinger))
	}()
	_, _ = io.Copy(out, c)
	return nil
}
