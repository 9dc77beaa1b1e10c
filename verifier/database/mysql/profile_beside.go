package mysql

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"lifeboat/verifier/database"
)

const (
	longestWait = 10          // for the lock, seconds: whoever writes waits behind whoever waits for it
	longestHold = time.Minute // of it, while a dump begins
)

// Beside is Profile of the moment that a dump reads, which run makes. Sessions share no snapshot here, so nobody may write while both begin theirs:
// a global read lock is held from before the profile's transaction begins until run calls reads, which it does as soon as the dump's own
// transaction, or its own lock, is certain to be there. The structure, which heeds no transaction, is read before the dump and after it, and so are the
// rows of engines that heed none. unread says why there is no profile, and the dump is made all the same; failed is run's own error.
func (d Dialect) Beside(ctx context.Context, s database.Server, o database.ProfileOptions, run func(reads func()) error) (
	p database.Profile, unread, failed error,
) {
	b := &beside{s: s, o: o, p: &p, early: map[string]database.ProfiledTable{}}
	defer b.end()
	if unread = b.begin(ctx, d); unread != nil {
		b.end()
		return p, s.HideIn(unread), run(func() {})
	}
	if failed = run(func() { b.release(ctx, nil) }); failed != nil {
		return p, nil, failed
	}
	b.release(ctx, nil)
	if unread = b.broken; unread == nil {
		unread = b.within(ctx, func(ctx context.Context) error { return b.read(ctx, d) })
	}
	return p, s.HideIn(unread), nil
}

// beside is a profile that waits for its dump.
type beside struct {
	s        database.Server
	o        database.ProfileOptions
	only     string // database; "": all, or those of the options
	p        *database.Profile
	q, lock  *session
	r        *profiling
	before   []*one                            // the databases, before the dump
	early    map[string]database.ProfiledTable // rows of engines that heed no transaction, before the dump
	ends     []func()
	released sync.Once
	late     *time.Timer
	broken   error // why the two may not have begun together
}

func (b *beside) end() {
	for _, end := range b.ends {
		end()
	}
	b.ends = nil
}

// within gives a part of the reading the time of all of it, since a dump lies between the parts.
func (b *beside) within(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.s.Timeout)
	defer cancel()
	return do(ctx)
}

func (b *beside) open(ctx context.Context) (*session, error) {
	conn, end, err := connect(ctx, b.s)
	if err != nil {
		return nil, err
	}
	b.ends = append(b.ends, end)
	q := &session{s: b.s, conn: conn}
	return q, q.begin(ctx, "read only")
}

// begin reads what heeds no transaction, and begins the profile's while nobody can write.
func (b *beside) begin(ctx context.Context, d Dialect) error {
	names, err := d.named(ctx, b.s, b.o)
	if err != nil {
		return err
	}
	b.only, b.s.Database = b.s.Database, ""
	if b.q, err = b.open(ctx); err != nil {
		return err
	}
	if b.r, err = newProfiling(ctx, b.q, b.o, b.p); err != nil {
		return err
	}
	if err := b.within(ctx, func(ctx context.Context) error {
		for _, name := range names {
			one, err := b.r.structure(ctx, name)
			if err != nil {
				return fmt.Errorf("profile database %s: %w", name, err)
			}
			b.before = append(b.before, one)
			for _, t := range one.tables {
				if !slices.Contains(b.r.snapshot, t.engine) {
					if b.early[name+"."+t.name], err = one.read(ctx, t); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if b.lock, err = b.open(ctx); err != nil {
		return err
	}
	for _, do := range []string{fmt.Sprintf("set session lock_wait_timeout = %d", longestWait), "flush tables with read lock"} {
		if _, err := b.lock.conn.ExecContext(ctx, do); err != nil {
			return fmt.Errorf("have nobody write while profile and dump begin: %w (it takes the right RELOAD, and no statement that runs for %d s)",
				cause(err), longestWait)
		}
	}
	b.late = time.AfterFunc(longestHold, func() {
		b.release(ctx, fmt.Errorf("the dump had not begun to read within %s, in which nobody could write", longestHold))
	})
	b.p.Position = b.lock.position(ctx)
	for _, do := range []string{"rollback", "start transaction with consistent snapshot, read only"} {
		if _, err := b.q.conn.ExecContext(ctx, do); err != nil {
			b.release(ctx, err)
			return cause(err)
		}
	}
	b.p.Taken, b.p.Shared = time.Now().UTC(), true
	return nil
}

// release lets others write again. What was written meanwhile, as the binary log has it, was not to be.
func (b *beside) release(ctx context.Context, broken error) {
	b.released.Do(func() {
		b.late.Stop()
		at := b.lock.position(ctx)
		_, err := b.lock.conn.ExecContext(ctx, "unlock tables")
		switch {
		case broken != nil:
			b.broken = broken
		case err != nil:
			b.broken = fmt.Errorf("the session that kept others from writing was ended: %w", cause(err))
		case at != b.p.Position:
			b.broken = fmt.Errorf("somebody wrote although nobody could: the binary log was at %s and is at %s", b.p.Position, at)
		}
	})
}

// position in the binary log; "": there is none, or whoever asks may not know.
func (q *session) position(ctx context.Context) (at string) {
	const global = "select '', '', @@global."
	for _, ask := range []string{global + "gtid_binlog_pos", global + "gtid_executed", "show master status", "show binary log status"} {
		err := q.Ask(ctx, ask, nil, func(v [][]byte) error {
			if at != "" {
				at += " "
			}
			at += string(v[0])
			if len(v[1]) > 0 {
				at += ":" + string(v[1])
			}
			if len(v) == 3 {
				at = string(v[2])
			}
			return nil
		})
		if err == nil && at != "" {
			return at
		}
	}
	return at
}

// read reads the rows as they were when the dump began, and looks whether anything else was changed since.
func (b *beside) read(ctx context.Context, d Dialect) error {
	for _, one := range b.before {
		if _, err := b.q.conn.ExecContext(ctx, "use "+quote(one.into.Database)); err != nil {
			return cause(err)
		}
		if err := one.content(ctx); err != nil {
			return fmt.Errorf("profile database %s: %w", one.into.Database, err)
		}
		for _, t := range one.tables {
			early, ok := b.early[one.into.Database+"."+t.name]
			i := slices.IndexFunc(one.into.Tables, func(o database.ProfiledTable) bool { return o.Name == named(t.name) })
			if ok && !reflect.DeepEqual(early, one.into.Tables[i]) {
				one.into.Tables[i] = database.ProfiledTable{Name: named(t.name),
					Unread: fmt.Sprintf("it was written to while the dump was taken, and engine %s has no snapshots", t.engine)}
			}
		}
		b.p.Databases = append(b.p.Databases, one.into)
	}
	b.p.Scope = b.r.covered()
	s := b.s
	s.Database = b.only
	names, err := d.named(ctx, s, b.o)
	if err != nil {
		return err
	}
	var now []string
	for _, one := range b.before {
		now = append(now, one.into.Database)
	}
	if !slices.Equal(names, now) {
		return errors.New("databases came or went while the dump was taken: nobody knows which of them are in it")
	}
	for _, one := range b.before {
		later, err := b.r.structure(ctx, one.into.Database)
		if err != nil {
			return err
		}
		if t := changed(one.into.Things, later.into.Things); t != "" {
			return fmt.Errorf("%s of database %s was changed while the dump was taken: nobody knows what of it is in the dump", t, one.into.Database)
		}
	}
	return nil
}

// changed names what is not in both lists; sequences move.
func changed(was, now []database.Thing) string {
	for i, all := range [][]database.Thing{was, now} {
		other := [][]database.Thing{now, was}[i]
		for _, t := range all {
			if t.Kind != sequenceValue && !slices.Contains(other, t) {
				return t.Kind + " " + t.Name
			}
		}
	}
	return ""
}
