package mysql

import (
	"bufio"
	"context"
	"fmt"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/mysql/mysqldump"
)

// Measures implements restore.Measuring.
func (l *Loader) Measures() bool { return l != nil && l.set.Binlog != "" } // nil: its settings have problems of their own

// Needs names the binary logs.
func (l *Loader) Needs() map[string]string {
	if !l.Measures() {
		return nil
	}
	return map[string]string{"binlog": l.set.Binlog}
}

// Takes implements restore.Choosing.
func (l *Loader) Takes(_ string, other restore.Loader) (hint, problem string) {
	return binlog.Takes(other)
}

// judge reads the binary logs that are replayed behind a dump: a gap is found before anything is restored. nil: none are replayed, or the
// dump is read alone.
func (l *Loader) judge(ctx context.Context, s restore.Source, text *bufio.Reader) (*binlog.Chain, restore.Outcome, error) {
	if l.set.Binlog == "" || s.Beside == nil {
		return nil, restore.Outcome{}, nil
	}
	b, err := head(text)
	if err != nil {
		return nil, restore.Outcome{}, err
	}
	lack := func(kind, format string, args ...any) (*binlog.Chain, restore.Outcome, error) {
		return nil, restore.Outcome{}, &restore.LackError{Backup: s.Backup, Lack: kind, What: fmt.Sprintf(format, args...)}
	}
	file, offset, ok := mysqldump.At(b)
	if !ok {
		return lack(record.LackPosition, "the dump does not say at its beginning where in the binary logs it is")
	}
	if _, named := mysqldump.Beginning(b); named != "" && l.set.Database != "" && named != l.set.Database {
		return lack(record.LackLogs, "the dump is of database %s and loaded as %s, and the binary logs speak of %s", named, l.set.Database, named)
	}
	logs, err := s.Beside(l.set.Binlog)
	if err != nil {
		return nil, restore.Outcome{}, fmt.Errorf("read %s for its binary logs: %w", l.set.Binlog, err)
	}
	return binlog.Judge(ctx, logs, binlog.Position{File: file, Offset: offset}, l.set.Recover)
}

// replay brings in what was written behind the dump.
func (l *load) replay(ctx context.Context) error {
	if l.logs == nil {
		return nil
	}
	if err := l.logs.Same(l.dump.Position); err != nil {
		return dump.Classify(l.set.Binlog, err)
	}
	logs, err := l.source.Beside(l.set.Binlog)
	if err != nil {
		return fmt.Errorf("read %s for its binary logs: %w", l.set.Binlog, err)
	}
	who, err := l.asks(l.machine)
	if err != nil {
		return err
	}
	r := &binlog.Replayer{Archive: logs, Machine: l.machine, Login: who, Stall: l.set.Stall.Std(),
		Keep: binlog.Keep{Whole: l.dump.Whole && len(l.set.Only) == 0, Databases: l.made}}
	if err := r.Replay(ctx, l.logs); err != nil {
		return err
	}
	for _, n := range r.Notes(l.logs) {
		l.Note(n.Form, n.Args...)
	}
	return nil
}

// reached says to which moment the dump was brought.
func (l *load) reached(out *restore.Outcome) {
	if l.logs == nil {
		return
	}
	out.Beside = map[string]restore.Outcome{l.set.Binlog: l.read}
	out.ConsistentTo, out.ConsistentBy = l.logs.Reached()
	out.Measured = !out.ConsistentTo.IsZero()
}
