package mysql

import (
	"context"
	"database/sql"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/mysql/session"
)

// connect opens an authenticated session through the machine's own tunnel. end ends it.
func (l *Loader) connect(ctx context.Context, m instance.Machine) (conn *sql.Conn, end func(), err error) {
	who, err := l.asks(m)
	if err != nil {
		return nil, nil, err
	}
	return who.Open(ctx, m)
}

func (l *Loader) asks(m instance.Machine) (session.Login, error) {
	who, err := l.login(m.Name(), nil)
	return session.Login{User: who.user, Password: who.password, Port: l.set.Port}, err
}
