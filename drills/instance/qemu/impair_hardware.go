package qemu

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
)

// linkDown pulls the cable of the network card.
type linkDown struct{ below }

// Where a virtio network card shows its guest whether the link is up: in bar 4, device configuration from
// 0x2000 on (the layout of QEMU's virtio-pci), of which the status is at 6 and the link its lowest bit.
// https://docs.oasis-open.org/virtio/virtio/v1.1/virtio-v1.1.html, 5.1.4. QEMU has no query for the link, so
// the card is read as the guest's driver reads it.
const (
	cardBar    = 4
	cardStatus = 0x2000 + 6
	cardLinkUp = 1
)

func (l linkDown) up(ctx context.Context) (bool, error) {
	var buses []struct {
		Devices []struct {
			ID      string `json:"qdev_id"`
			Regions []struct {
				Bar     int   `json:"bar"`
				Address int64 `json:"address"`
			} `json:"regions"`
		} `json:"devices"`
	}
	if err := l.q.do(ctx, "query-pci", nil, &buses); err != nil {
		return false, err
	}
	for _, b := range buses {
		for _, d := range b.Devices {
			for _, r := range d.Regions {
				if d.ID == cardDevice && r.Bar == cardBar && r.Address > 0 {
					status, err := l.read16(ctx, r.Address+cardStatus)
					return status&cardLinkUp != 0, err
				}
			}
		}
	}
	return false, errors.New("the guest's firmware has not set up its network card yet")
}

// read16 reads two bytes of the machine's physical addresses.
func (b below) read16(ctx context.Context, address int64) (uint64, error) {
	var said string
	err := b.q.do(ctx, "human-monitor-command",
		map[string]any{"command-line": fmt.Sprintf("xp /1hx %#x", address)}, &said)
	if err != nil {
		return 0, err
	}
	_, value, _ := strings.Cut(strings.TrimSpace(said), ": 0x")
	n, err := strconv.ParseUint(value, 16, 16)
	if err != nil {
		return 0, fmt.Errorf("read address %#x: QEMU says %q", address, said)
	}
	return n, nil
}

func (l linkDown) set(ctx context.Context, up bool) error {
	return l.q.do(ctx, "set_link", map[string]any{"name": cardDevice, "up": up}, nil)
}

func (l linkDown) possible(ctx context.Context) error {
	_, err := l.up(ctx)
	return err
}

func (l linkDown) impose(ctx context.Context) error { return l.set(ctx, false) }

func (l linkDown) holds(ctx context.Context) error {
	up, err := l.up(ctx)
	if err == nil && up {
		err = instance.NotInForce("the network card says that its link is up")
	}
	return err
}

func (l linkDown) lift(ctx context.Context) error {
	if err := l.set(ctx, true); err != nil {
		return err
	}
	up, err := l.up(ctx)
	if err == nil && !up {
		err = errors.New("the network card says that its link is still down")
	}
	return err
}

// balloon takes memory from the guest, which its driver gives away.
type balloon struct {
	below
	leaves int64
}

const (
	page          = 4096
	balloonReturn = 15 * time.Second // for a guest to take its memory back; one that is dead never does
)

func (b balloon) actual(ctx context.Context) (int64, error) {
	var info struct{ Actual int64 }
	err := b.q.do(ctx, "query-balloon", nil, &info)
	return info.Actual, err
}

func (b balloon) whole(ctx context.Context) (int64, error) {
	var size struct {
		Base int64 `json:"base-memory"`
	}
	err := b.q.do(ctx, "query-memory-size-summary", nil, &size)
	return size.Base, err
}

// possible asks whether a driver in the guest has taken the device over.
func (b balloon) possible(ctx context.Context) error {
	whole, err := b.whole(ctx)
	if err != nil {
		return err
	}
	if b.leaves >= whole {
		return fmt.Errorf("the machine has %d MiB in all", whole>>20)
	}
	var device struct {
		Status struct {
			Statuses []string `json:"statuses"`
		} `json:"status"`
	}
	if err := b.q.do(ctx, "x-query-virtio-status", map[string]any{
		"path": "/machine/peripheral/" + balloonDevice + "/virtio-backend"}, &device); err != nil {
		return err
	}
	for _, s := range device.Status.Statuses {
		if strings.HasPrefix(s, "VIRTIO_CONFIG_S_DRIVER_OK") {
			return nil
		}
	}
	return errors.New("the guest has no driver for the memory balloon")
}

func (b balloon) impose(ctx context.Context) error {
	return b.q.do(ctx, "balloon", map[string]any{"value": b.leaves}, nil)
}

func (b balloon) holds(ctx context.Context) error {
	now, err := b.actual(ctx)
	if err == nil && now > b.leaves+page {
		err = instance.NotInForce("QEMU says that %d MiB are left to the guest", now>>20)
	}
	return err
}

func (b balloon) lift(ctx context.Context) error {
	whole, err := b.whole(ctx)
	if err != nil {
		return err
	}
	if err := b.q.do(ctx, "balloon", map[string]any{"value": whole}, nil); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, balloonReturn)
	defer cancel()
	for {
		now, err := b.actual(ctx)
		if err != nil || now >= whole {
			return err
		}
		if instance.Pause(waiting, execPoll) != nil {
			return fmt.Errorf("the guest has taken %d of %d MiB back", now>>20, whole>>20)
		}
	}
}

// paused stops the processors.
type paused struct{ below }

func (p paused) status(ctx context.Context) (string, error) {
	var s struct{ Status string }
	err := p.q.do(ctx, "query-status", nil, &s)
	return s.Status, err
}

func (p paused) is(ctx context.Context, want string) error {
	now, err := p.status(ctx)
	if err == nil && now != want {
		err = instance.NotInForce("QEMU says that the machine is %s", now)
	}
	return err
}

func (p paused) possible(ctx context.Context) error {
	_, err := p.status(ctx)
	return err
}

func (p paused) impose(ctx context.Context) error { return p.q.do(ctx, "stop", nil, nil) }
func (p paused) holds(ctx context.Context) error  { return p.is(ctx, "paused") }

func (p paused) lift(ctx context.Context) error {
	if err := p.q.do(ctx, "cont", nil, nil); err != nil {
		return err
	}
	return p.is(ctx, "running")
}

// interrupt is an NMI to every processor.
type interrupt struct{ below }

func (i interrupt) possible(ctx context.Context) error { return paused(i).is(ctx, "running") }
func (i interrupt) impose(ctx context.Context) error   { return i.q.do(ctx, "inject-nmi", nil, nil) }

// nmiWords is how Linux speaks of one that it did not expect; "NMI" alone stands in every boot's messages.
var nmiWords = []string{"NMI received", "NMI: "}

// holds asks the guest's console, because QEMU keeps no record of it.
func (i interrupt) holds(ctx context.Context) error {
	said, err := i.console(ctx)
	if err != nil {
		return err
	}
	for _, words := range nmiWords {
		if strings.Contains(said, words) {
			return nil
		}
	}
	return instance.NotInForce("the guest's console says nothing of an NMI since it started")
}

func (interrupt) lift(context.Context) error {
	return fmt.Errorf("an interrupt cannot be taken back: %w", ledger.ErrGone)
}
