package qemu

import (
	"context"
	"net"
	"testing"

	"lifeboat/drills/instance/qemu/nbd"
)

// The end of a machine may come in the moment in which a reader takes the place that is offered, and the next one is not there yet.
func TestOfferEndsAsItIsTaken(t *testing.T) {
	t.Parallel()
	for range 20000 {
		ctx, cancel := context.WithCancel(t.Context())
		ours, theirs := net.Pipe()
		over := make(chan struct{})
		m := &Machine{}
		go func() {
			m.offer(ctx, func(context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, nbd.New(nil, nbd.Options{}), ours)
			close(over)
		}()
		go cancel()
		_, _ = theirs.Write([]byte{0}) // it may be closed already
		<-over
		_ = theirs.Close()
	}
}
