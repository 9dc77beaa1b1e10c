package qemu

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// lost is a connection whose way ends without a word of the other end's.
type lost struct{ net.Conn }

func (b lost) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if err != nil {
		err = &instance.UnaskedError{What: "read", Err: err}
	}
	return n, err
}

// A monitor whose way broke is no QEMU that is gone.
func TestMonitorCutOff(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"the way broke": func(c net.Conn) net.Conn { return lost{c} },
		"QEMU ended":    func(c net.Conn) net.Conn { return c },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := net.Pipe()
			go speakQMP(far, func(string) string { return "" })
			q, err := newMonitor(t.Context(), wrap(near))
			require.NoError(t, err)
			assert.False(t, q.cutOff())
			require.NoError(t, far.Close())
			<-q.closed
			assert.Equal(t, name == "the way broke", q.cutOff())
		})
	}
}
