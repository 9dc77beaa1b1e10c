package mariadbbackup

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/mysql/binlog"
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

// judgeLogs reads the binary logs that are replayed behind the backup, before anything of it is prepared; nil: none are.
func (j *job) judgeLogs(ctx context.Context, out *restore.Outcome) (*binlog.Chain, error) {
	if j.set.Binlog == "" || j.source.Beside == nil {
		return nil, nil
	}
	at, err := j.position()
	if err != nil {
		return nil, err
	}
	logs, err := j.source.Beside(j.set.Binlog)
	if err != nil {
		return nil, fmt.Errorf("read %s for its binary logs: %w", j.set.Binlog, err)
	}
	chain, read, err := binlog.Judge(ctx, logs, at, j.set.Recover)
	if err == nil {
		out.Beside = map[string]restore.Outcome{j.set.Binlog: read}
	}
	return chain, err
}

// position of the newest part in the binary logs of its server.
func (r *reading) position() (at binlog.Position, err error) {
	text, _ := r.newest().text("binlog_info")
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return at, lacks(record.LackPosition, "%s holds no xtrabackup_binlog_info: its server wrote no binary log", r.newest().name())
	}
	if at.Offset, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return at, damage("xtrabackup_binlog_info of %s is damaged: %q is no place in a binary log", r.newest().name(), fields[1])
	}
	at.File, at.GTID = fields[0], strings.Join(fields[2:], "")
	return at, nil
}

// replay brings in what was written behind the backup. The accounts are production's then as well, but for the one that lifeboat asks by.
func (j *job) replay(ctx context.Context, logs *binlog.Chain) error {
	archive, err := j.source.Beside(j.set.Binlog)
	if err != nil {
		return fmt.Errorf("read %s for its binary logs: %w", j.set.Binlog, err)
	}
	who, err := j.login(j.machine.Name())
	if err != nil {
		return err
	}
	conn, end, err := who.Open(ctx, j.machine)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", j.machine.Name(), err)
	}
	defer end()
	r := &binlog.Replayer{Archive: archive, Machine: j.machine, Login: who, Stall: j.set.Stall.Std(), Keep: binlog.Keep{Everything: true}}
	if err := r.Replay(ctx, logs); err != nil {
		return err
	}
	for do := range strings.Lines(accounts(who)) {
		if _, err := conn.ExecContext(ctx, strings.TrimSuffix(do, ";\n")); err != nil {
			return fmt.Errorf("give %s its password on %s again, behind its binary logs: %w", who.User, j.machine.Name(), err)
		}
	}
	for _, n := range r.Notes(logs) {
		j.Note(n.Form, n.Args...)
	}
	return nil
}
