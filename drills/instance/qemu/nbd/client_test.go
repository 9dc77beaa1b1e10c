package nbd

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// client speaks the protocol as its text has it, from the other side.
type testClient struct {
	t      testing.TB
	conn   net.Conn
	served chan error // what Serve returned
}

// connect starts a server on one end of a pipe.
func connect(ctx context.Context, t testing.TB, s *Server) *testClient {
	t.Helper()
	near, far := net.Pipe()
	c := &testClient{t: t, conn: near, served: make(chan error, 1)}
	go func() { c.served <- s.Serve(ctx, far) }()
	t.Cleanup(func() { near.Close() })
	return c
}

// send writes numbers as they are on the wire, and bytes.
func (c *testClient) send(parts ...any) {
	c.t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		require.NoError(c.t, binary.Write(&b, binary.BigEndian, p))
	}
	_, err := c.conn.Write(b.Bytes())
	require.NoError(c.t, err)
}

func (c *testClient) receive(into any) {
	c.t.Helper()
	require.NoError(c.t, binary.Read(c.conn, binary.BigEndian, into))
}

func (c *testClient) take(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(c.conn, b)
	require.NoError(c.t, err)
	return b
}

// greet reads what the server says first and answers with flags.
func (c *testClient) greet(flags uint32) {
	c.t.Helper()
	require.Equal(c.t, "NBDMAGICIHAVEOPT\x00\x03", string(c.take(18)))
	c.send(flags)
}

// optionReply of the server.
type optionReply struct {
	kind uint32
	data []byte
}

// option sends one and reads every reply to it, up to the last.
func (c *testClient) option(option uint32, data []byte) []optionReply {
	c.t.Helper()
	c.send([]byte("IHAVEOPT"), option, uint32(len(data)), data)
	var all []optionReply
	for {
		var h struct {
			Magic                uint64
			Option, Kind, Length uint32
		}
		c.receive(&h)
		require.Equal(c.t, uint64(0x3e889045565a9), h.Magic)
		require.Equal(c.t, option, h.Option)
		all = append(all, optionReply{h.Kind, c.take(int(h.Length))})
		if h.Kind == 1 || h.Kind>>31 == 1 {
			return all
		}
	}
}

// infoData is the data of NBD_OPT_INFO and NBD_OPT_GO.
func infoData(name string, wants ...uint16) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(name)))
	b = binary.BigEndian.AppendUint16(append(b, name...), uint16(len(wants)))
	for _, w := range wants {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b
}

// open goes into transmission.
func (c *testClient) open() *testClient {
	c.t.Helper()
	c.greet(3)
	replies := c.option(7, infoData(""))
	require.Equal(c.t, uint32(1), replies[len(replies)-1].kind)
	return c
}

// ask sends a request without data.
func (c *testClient) ask(kind uint16, cookie, from uint64, length uint32) {
	c.t.Helper()
	c.send(uint32(0x25609513), uint16(0), kind, cookie, from, length)
}

// answer reads the head of one.
func (c *testClient) answer() (code uint32, cookie uint64) {
	c.t.Helper()
	var h struct {
		Magic, Code uint32
		Cookie      uint64
	}
	c.receive(&h)
	require.Equal(c.t, uint32(0x67446698), h.Magic)
	return h.Code, h.Cookie
}

// read asks for a stretch and waits for it.
func (c *testClient) read(from uint64, length uint32) ([]byte, uint32) {
	c.t.Helper()
	c.ask(0, from^99, from, length)
	code, cookie := c.answer()
	require.Equal(c.t, from^99, cookie)
	if code != 0 {
		return nil, code
	}
	return c.take(int(length)), 0
}

// noise is an image in which no two stretches are alike.
func noise(n int) *bytes.Reader {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return bytes.NewReader(b)
}

// imageFunc is an image of 64 MiB that answers as a test wants.
type imageFunc func(p []byte, off int64) (int, error)

func (f imageFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }
func (imageFunc) Size() int64                               { return 64 << 20 }
