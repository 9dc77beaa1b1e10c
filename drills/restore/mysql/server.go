package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/drills/restore/mysql/session"
)

// makeReady sets what the load needs: no event may run, a row may be as long as at its source, and whoever still uses the server writes
// nothing into databases that are half restored.
func (l *load) makeReady(ctx context.Context) error {
	row, err := session.Texts(ctx, l.conn, "select version(), @@global.max_allowed_packet, @@global.read_only, @@global.event_scheduler")
	if err != nil || len(row) != 1 {
		return fmt.Errorf("look at the server: %w", err)
	}
	l.version = row[0][0]
	if scheduler := strings.ToUpper(row[0][3]); scheduler == "ON" || scheduler == "1" {
		stop := "set global event_scheduler = off"
		if !l.mariadb() {
			stop = "set persist event_scheduler = off" // it is on after each start there
		}
		if _, err := l.conn.ExecContext(ctx, stop); err != nil {
			return err
		}
	}
	err = l.setUntilEnd(ctx, "max_allowed_packet", row[0][1], "1073741824")
	if err == nil && !l.source.Unused {
		err = l.keepOut(ctx, row[0][2])
	}
	if err != nil {
		return err
	}
	known, err := session.Texts(ctx, l.conn, "select user, host from mysql.user")
	for _, a := range known {
		l.known[session.Account(a[0], a[1])] = true
	}
	if err == nil {
		err = l.makeUsers(ctx)
	}
	return err
}

// keepOut ends other sessions, and lets nobody write who may not do everything.
func (l *load) keepOut(ctx context.Context, readOnly string) error {
	others, err := session.Texts(ctx, l.conn, `select id from information_schema.processlist
		where id <> connection_id() and user not in ('system user', 'event_scheduler') and command <> 'Daemon'`)
	for _, o := range others {
		_, _ = l.conn.ExecContext(ctx, "kill "+o[0]) // it may be gone
	}
	if err != nil || readOnly != "0" {
		return err
	}
	if _, err := l.conn.ExecContext(ctx, "set session lock_wait_timeout = 10"); err != nil {
		return err
	}
	return l.setUntilEnd(ctx, "read_only", "0", "1")
}

func (l *load) setUntilEnd(ctx context.Context, variable, was, is string) error {
	if _, err := l.conn.ExecContext(ctx, "set global "+variable+" = "+is); err != nil {
		return err
	}
	l.back = append(l.back, "set global "+variable+" = "+was)
	return nil
}

func (l *load) putBack(ctx context.Context) error {
	for _, do := range l.back {
		if _, err := l.conn.ExecContext(ctx, do); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) mariadb() bool { return strings.Contains(l.version, "MariaDB") }

// product is the server's name with its version.
func (l *load) product() string {
	if l.mariadb() {
		return "MariaDB " + l.version
	}
	return "MySQL " + l.version
}

// makeUsers makes those that the scenario gives, with their passwords.
func (l *load) makeUsers(ctx context.Context) error {
	given := make([]string, 0, len(l.set.Users))
	for user := range l.set.Users {
		given = append(given, user)
	}
	slices.Sort(given)
	for _, user := range given {
		password, err := l.set.Users[user].Password.Reveal()
		if err != nil {
			return fmt.Errorf("make user %s: %w", user, err)
		}
		a := mysqldump.Account{User: user, Host: "%"}
		do := "create user " + session.Account(user, "%") + " identified by " + session.Literal(password)
		if l.known[session.Account(user, "%")] {
			do = "alter user " + session.Account(user, "%") + " identified by " + session.Literal(password)
		}
		if _, err := l.conn.ExecContext(ctx, do); err != nil {
			return fmt.Errorf("make user %s: error %d of the server", user, session.Errno(err)) // whose words may hold the password
		}
		l.known[session.Account(user, "%")] = true
		l.accounts = append(l.accounts, a)
	}
	return nil
}

// needAccount makes one in whose name the dump makes something; nobody can log in as it.
func (l *load) needAccount(ctx context.Context, a mysqldump.Account) error {
	if a.Host == "" && strings.EqualFold(a.User, "CURRENT_USER") {
		return nil
	}
	if l.known[session.Account(a.User, a.Host)] {
		return nil
	}
	l.known[session.Account(a.User, a.Host)] = true
	do := "create user if not exists " + session.Account(a.User, a.Host) + " account lock"
	if a.Host == "" {
		do = "create role if not exists " + session.Name(a.User)
	}
	if _, err := l.conn.ExecContext(ctx, do); err != nil {
		return fmt.Errorf("make the account %s@%s: %w", a.User, a.Host, err)
	}
	l.accounts = append(l.accounts, a)
	l.Note("account %s@%s was made without login, with all rights in the dump's databases: the dump names it as a definer and does not hold it",
		a.User, a.Host)
	for _, database := range l.made {
		if err := l.grant(ctx, a, database); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) grant(ctx context.Context, a mysqldump.Account, database string) error {
	on := strings.NewReplacer("_", `\_`, "%", `\%`).Replace(database)
	if _, err := l.conn.ExecContext(ctx, "grant all on "+session.Name(on)+".* to "+session.Account(a.User, a.Host)); err != nil {
		return fmt.Errorf("give %s@%s rights in database %s: %w", a.User, a.Host, database, err)
	}
	return nil
}

// endSessions ends what the server still does for a client that is gone.
func (l *load) endSessions(ctx context.Context) {
	if who, err := l.asks(l.machine); err == nil {
		who.EndSessions(ctx, l.machine)
	}
}

func (l *load) activity(ctx context.Context) (dump.Activity, error) {
	who, err := l.asks(l.machine)
	if err != nil {
		return dump.Activity{}, err
	}
	return who.Activity(ctx, l.machine)
}
