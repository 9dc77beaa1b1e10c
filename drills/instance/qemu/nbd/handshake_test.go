package nbd

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	const export = "\x00\x00\x00\x00\x00\x00\x00\x00\x03\xe8\x01\x03" // 1000 bytes; multi-conn, has flags, read-only
	const sizes = "\x00\x03\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00\x00\x00"
	misfit := []optionReply{{1<<31 | 3, []byte("the lengths do not fit")}}
	for name, test := range map[string]struct {
		option uint32
		data   []byte
		want   []optionReply
	}{
		"list":               {3, nil, []optionReply{{2, []byte("\x00\x00\x00\x04disk")}, {1, nil}}},
		"list with data":     {3, []byte("x"), []optionReply{{1<<31 | 3, []byte("a list has no data")}}},
		"info":               {6, infoData("disk"), []optionReply{{3, []byte(export)}, {1, nil}}},
		"info of sizes":      {6, infoData("", 1, 3), []optionReply{{3, []byte(export)}, {3, []byte(sizes)}, {1, nil}}},
		"another export":     {7, infoData("other", 3), []optionReply{{1<<31 | 6, []byte("no such export")}}},
		"no data":            {7, nil, misfit},
		"a name too long":    {7, []byte("\xff\xff\xff\xffdisk\x00\x00"), misfit},
		"fewer wants":        {7, []byte("\x00\x00\x00\x00\x00\x02\x00\x03"), misfit},
		"TLS":                {5, nil, []optionReply{{1<<31 | 1, []byte("not offered")}}},
		"structured replies": {8, nil, []optionReply{{1<<31 | 1, []byte("not offered")}}},
		"from the future":    {4711, make([]byte, 1000), []optionReply{{1<<31 | 1, []byte("not offered")}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t.Context(), t, New(noise(1000), Options{Name: "disk"}))
			c.greet(1)
			got := c.option(test.option, test.data)
			for i := range got {
				if len(got[i].data) == 0 {
					got[i].data = nil
				}
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, uint32(1), c.option(7, infoData("disk"))[1].kind, "the session goes on")
			_, code := c.read(0, 10)
			assert.Zero(t, code)
		})
	}
}

func TestExportName(t *testing.T) {
	for name, test := range map[string]struct {
		flags  uint32
		zeroes int
	}{"with zeroes": {1, 124}, "without": {3, 0}} {
		t.Run(name, func(t *testing.T) {
			image := noise(1000)
			c := connect(t.Context(), t, New(image, Options{Name: "disk"}))
			c.greet(test.flags)
			c.send([]byte("IHAVEOPT"), uint32(1), uint32(4), []byte("disk"))
			assert.Equal(t, "\x00\x00\x00\x00\x00\x00\x03\xe8\x01\x03", string(c.take(10)))
			assert.Equal(t, make([]byte, test.zeroes), c.take(test.zeroes))
			want := make([]byte, 1000)
			_, _ = image.ReadAt(want, 0)
			got, _ := c.read(0, 1000)
			assert.Equal(t, want, got)
		})
	}
}

func TestHandshakeEnds(t *testing.T) {
	for name, test := range map[string]struct {
		flags uint32
		then  []any
		want  string
	}{
		"abort":             {3, []any{[]byte("IHAVEOPT"), uint32(2), uint32(0)}, ""},
		"unknown flags":     {4, nil, "unknown flags 0x4"},
		"garbage":           {3, []any{[]byte("GET / HTTP/1.1\r\n\r\n")}, "in place of an option"},
		"a huge option":     {3, []any{[]byte("IHAVEOPT"), uint32(7), uint32(1 << 31)}, "an option of 2147483648 bytes"},
		"an unknown export": {3, []any{[]byte("IHAVEOPT"), uint32(1), uint32(1), []byte("x")}, `asks for the export "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t.Context(), t, New(noise(10), Options{}))
			c.greet(test.flags)
			if test.then != nil {
				c.send(test.then...)
			}
			_, _ = io.Copy(io.Discard, c.conn)
			err := <-c.served
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestHandshakeHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := connect(t.Context(), t, New(noise(10), Options{}))
		c.greet(3)
		assert.EqualError(t, <-c.served, "nbd handshake: no end within 30s")
		assert.Equal(t, handshakeTime, time.Since(began))
		c = connect(t.Context(), t, New(noise(10), Options{})).open()
		time.Sleep(time.Hour) // an open session may be idle for long
		_, code := c.read(0, 10)
		assert.Zero(t, code)
		c.conn.Close()
		assert.ErrorContains(t, <-c.served, "the client hung up")
	})
}

// FuzzServe says anything to a server: it must neither panic nor go on when there is nothing more to come.
func FuzzServe(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x03IHAVEOPT\x00\x00\x00\x07\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00" +
		"\x25\x60\x95\x13\x00\x00\x00\x00cookie00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10"))
	f.Add([]byte("\x00\x00\x00\x01IHAVEOPT\x00\x00\x00\x01\x00\x00\x00\x00" +
		"\x25\x60\x95\x13\x00\x00\x00\x02cookie00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x03IHAVEOPT\x00\x00\x00\x03\x00\x00\x00\x00IHAVEOPT\x00\x00\x00\x02\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, said []byte) {
		c := connect(t.Context(), t, New(noise(1000), Options{}))
		go func() { _, _ = io.Copy(io.Discard, c.conn) }()
		_, _ = c.conn.Write(said) // the server may have closed before all was said
		c.conn.Close()
		select {
		case <-c.served:
		case <-time.After(time.Minute):
			require.Fail(t, "still serving")
		}
	})
}
