package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/internal/nbd"
)

// offerPause lies between two tries to offer a disk: the old place may be there still.
const offerPause = 100 * time.Millisecond

// serveDisk lets QEMU read an image that is not a file of its host: lifeboat answers for it, over
// tunnels into the sandbox. A file of the host needs nothing.
func (m *Machine) serveDisk(ctx context.Context) error {
	if m.direct() {
		return nil
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the boot
	server := nbd.New(m.disk.Disk, nbd.Options{})
	c, err := m.body.ListenSocket(serving, diskSocket)
	if err != nil {
		stop()
		return fmt.Errorf("offer the disk of %s: %w", m.Name(), err)
	}
	m.stopDisk, m.diskErr = stop, server.Err
	go m.offer(serving, server, c)
	return nil
}

// offer serves whoever comes, and offers the next place meanwhile. Where the way into the sandbox broke, it opens
// another: QEMU waits for that as long as its reconnect-delay.
func (m *Machine) offer(ctx context.Context, server *nbd.Server, c net.Conn) {
	for { // also where it is over already: the place that was offered is closed
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
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
		for c, err = m.body.ListenSocket(ctx, diskSocket); err != nil; c, err = m.body.ListenSocket(ctx, diskSocket) {
			if ctx.Err() != nil {
				return
			}
			m.driver.site.Log.Warn("offer the disk again", "machine", m.Name(), "error", err)
			if pause(ctx, offerPause) != nil {
				return
			}
		}
	}
}

// diskFailed is the first error of the place where the image lies.
func (m *Machine) diskFailed() error {
	if m.diskErr == nil {
		return nil
	}
	if err := m.diskErr(); err != nil {
		return fmt.Errorf("read the disk of %s where it lies: %w", m.Name(), err)
	}
	return nil
}
