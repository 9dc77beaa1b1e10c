package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/qemu/nbd"
)

// offerPause lies between two tries to offer a disk: the old place may be there still.
const offerPause = 100 * time.Millisecond

// serveDisks lets QEMU read images that are not files of its host: lifeboat answers for them, over
// tunnels into the sandbox. A file of the host needs nothing.
func (m *Machine) serveDisks(ctx context.Context) error {
	for _, v := range m.drives {
		if v.here {
			continue
		}
		serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the boot
		server := nbd.New(v.image.Disk, nbd.Options{})
		listen := func(ctx context.Context) (net.Conn, error) { return m.hypervisor.ListenSocket(ctx, v.socket()) }
		c, err := listen(serving)
		if err != nil {
			stop()
			return fmt.Errorf("offer the disk of %s: %w", m.Name(), err)
		}
		v.stop, v.served = stop, server
		go m.offer(serving, listen, server, c)
	}
	return nil
}

// offer serves whoever comes, and offers the next place meanwhile. Where the way into the sandbox broke, it opens
// another: QEMU waits for that as long as its reconnect-delay.
func (m *Machine) offer(ctx context.Context, listen func(context.Context) (net.Conn, error), server *nbd.Server, c net.Conn) {
	for { // also where it is over already: the place that was offered is closed
		offered := c // its end may come while the next one takes its place
		stop := context.AfterFunc(ctx, func() { _ = offered.Close() })
		_, err := io.ReadFull(c, make([]byte, 1))
		stop()
		switch {
		case err == nil:
			go func(c net.Conn) {
				if err := server.Serve(ctx, c); err != nil && ctx.Err() == nil {
					m.driver.site.Log.Debug("a reader of the disk left", "machine", m.Name(), "error", err)
				}
			}(c)
		case ctx.Err() != nil || !errors.As(err, new(*instance.UnaskedError)):
			return
		default:
			_ = c.Close()
		}
		for c, err = listen(ctx); err != nil; c, err = listen(ctx) {
			if ctx.Err() != nil {
				return
			}
			m.driver.site.Log.Warn("offer the disk again", "machine", m.Name(), "error", err)
			if instance.Pause(ctx, offerPause) != nil {
				return
			}
		}
	}
}
