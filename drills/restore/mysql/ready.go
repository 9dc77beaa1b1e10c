package mysql

import (
	"context"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
)

// Ready waits until the server takes an authenticated session over TCP and is still the same server at a second look. The one that public
// images start for their own needs first listens on its socket alone.
func (l *Loader) Ready(ctx context.Context, m instance.Machine) error {
	same := func(before, after sighting) bool { return after.up >= before.up && after.session > before.session }
	return dump.Readiness[sighting]{Look: l.look, Same: same, Refused: isAuth}.Wait(ctx, m)
}

// look gives when the server was started, to the second, and how many sessions it has had since.
func (l *Loader) look(ctx context.Context, m instance.Machine) (sighting, error) {
	conn, end, err := l.connect(ctx, m)
	if err != nil {
		return sighting{}, err
	}
	defer end()
	var s sighting
	var of string
	if err := conn.QueryRowContext(ctx, "show global status like 'Uptime'").Scan(&of, &s.up); err != nil {
		return s, err
	}
	return s, conn.QueryRowContext(ctx, "select connection_id()").Scan(&s.session)
}

// sighting of a server.
type sighting struct{ up, session int64 }

// refusals are the errors of a login (ER_ACCESS_DENIED_ERROR and its like).
var refusals = []int{1045, 1130, 1251, 1275, 1524, 1698, 1862, 3118, 4151}

// isAuth tells a refused login from a server that is not there yet.
func isAuth(err error) bool { return slices.Contains(refusals, errno(err)) }
