package mysql

import (
	"context"

	"lifeboat/drills/instance"
)

// Ready waits until the server takes sessions.
func (l *Loader) Ready(ctx context.Context, m instance.Machine) error {
	who, err := l.asks(m)
	if err != nil {
		return err
	}
	return who.Wait(ctx, m)
}
