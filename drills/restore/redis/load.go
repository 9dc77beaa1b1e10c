package redis

import (
	"context"
	"fmt"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/redis/rdb"
)

var (
	_ restore.Loader = (*Loader)(nil)
	_ restore.Looker = (*Loader)(nil)
	_ restore.Dater  = (*Loader)(nil)
)

// load is one restore.
type load struct {
	*Loader
	restore.Told
	source  restore.Source
	machine instance.Machine
	backup  backup
	now     time.Time // about which expiries are told apart
	size    int64     // of the one file that is placed, or ofFolder
}

// Ready has nothing to wait for: the machine is held until its data are there.
func (l *Loader) Ready(context.Context, instance.Machine) error { return nil }

// Load puts the backup into the held machine's data folder, starts its server, and holds what it then has against what was read.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	job := &load{Loader: l, source: s, machine: m, now: time.Now()}
	out, err := job.run(ctx)
	if err != nil {
		out = restore.Outcome{}
	}
	out.Told = job.Told
	return out, dump.Classify(s.Backup, err)
}

func (l *load) run(ctx context.Context) (restore.Outcome, error) {
	if s, err := l.machine.State(ctx); err == nil && s.Running {
		return restore.Outcome{}, fmt.Errorf("put its files into %s: it runs already, and a server reads its data when it starts", l.machine.Name())
	}
	password, err := l.set.Password.Reveal()
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("read restore.password: %w", err)
	}
	out, err := l.place(ctx, password)
	if err != nil {
		return out, err
	}
	l.tell()
	began := time.Now()
	conn, err := l.begin(ctx, password)
	if err != nil {
		return out, err
	}
	defer conn.Close()
	return out, l.compare(ctx, conn, began)
}

// tell notes what was read, and what nobody looks at.
func (l *load) tell() {
	b := &l.backup
	if s := b.snapshot(); s != nil {
		l.Note("a snapshot of %s: %d keys in %d databases, %d of them with an expiry", s.Product(), s.Keys(), len(s.Databases), expiring(s))
		if !s.Summed {
			l.Note("its snapshot has no checksum (rdbchecksum no): values that were damaged do not show")
		}
		if s.Unknown != "" {
			l.Note("its snapshot holds what this lifeboat does not know (%s): its keys were not counted against the server's", s.Unknown)
		}
	}
	if b.log != "" {
		l.Note("a log of %d commands: it has no checksum, so that values that were damaged do not show", b.commands())
		if at := b.lastCommand(); !at.IsZero() {
			l.Note("the last command of its log is of %s", at.Format(time.DateTime)+" UTC")
		}
	}
	if b.cut != nil {
		l.Note("its log is cut off, as the scenario allows: %s", b.cut.Words())
	}
	for _, p := range b.beside() {
		l.Note("%s of %s with %d keys lies beside its log and was not restored, since a server with appendonly yes does not read it (restore.format: rdb "+
			"restores it)", p.name, p.snapshot.Made.Format(time.DateTime)+" UTC", p.snapshot.Keys())
	}
	for _, name := range b.besides {
		l.Note("%s lies beside it and is not what was restored", name)
	}
}

func expiring(s *rdb.Snapshot) (n int64) {
	for _, d := range s.Databases {
		n += d.Expiring + d.Partly
	}
	return n
}
