package drills

import (
	"context"
	"errors"
	"sync/atomic"
)

type fakePulse struct {
	stop, done, broken chan struct{}
	resting            atomic.Bool
	renewed            atomic.Int64
}

func (p *fakePulse) Rest(context.Context) error { p.resting.Store(true); return nil }
func (p *fakePulse) GoOn()                      { p.resting.Store(false) }
func (p *fakePulse) Renew()                     { p.renewed.Add(1) }

func (p *fakePulse) Stop(context.Context) error {
	close(p.stop)
	<-p.done
	select {
	case <-p.broken:
		return errors.New("k6 ended by itself")
	default:
		return nil
	}
}

func (p *fakePulse) Broken() <-chan struct{} { return p.broken }
