package mysql

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/mysql/mydumper"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/drills/restore/mysql/session"
)

// load is one restore, or one reading.
type load struct {
	*Loader
	restore.Told
	source  restore.Source
	machine instance.Machine
	in      *dump.Input
	folder  *mydumper.Folder   // that it is, where it is one of mydumper's
	stop    context.CancelFunc // ends the reading of the backup
	dump    *mysqldump.Dump

	conn     *sql.Conn // a session for what is made before a statement
	version  string    // of the server, such as 10.11.6-MariaDB
	database string    // that what says none goes into
	nameless bool      // neither the dump nor the scenario says its name
	within   bool      // the client is led there
	made     []string  // databases that were made anew
	known    map[string]bool
	accounts []mysqldump.Account // that were made for what the dump makes in their name
	back     []string            // statements that put settings of the server back
	told     *answers
	choice
	logs *binlog.Chain   // that are replayed behind it; nil: none are
	read restore.Outcome // of the backup that holds them
}

// Load makes the databases anew and loads the backup into them in one pass. The dump is judged as it passes and the databases afterwards:
// whatever is not there is a *restore.BackupError.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	job := &load{Loader: l, source: s, machine: m, dump: mysqldump.New(), known: map[string]bool{}}
	out, err := job.pass(ctx, func(text *bufio.Reader) error { return job.run(ctx, text) })
	if err == nil {
		job.reached(&out)
		out.Part = job.part()
	}
	return out, job.stillThere(ctx, err)
}

// stillThere keeps a machine that went away from looking like a bad backup, unless the backup's own bytes were found bad.
func (l *load) stillThere(ctx context.Context, err error) error {
	bad, ok := errors.AsType[*restore.BackupError](err)
	if !ok || l.in != nil && l.in.Broken() {
		return err
	}
	if s, e := l.machine.State(ctx); e == nil && !s.Running {
		return fmt.Errorf("restore %s: the machine %s ended meanwhile with exit code %d (%s): %s", l.source.Backup, l.machine.Name(), s.Exit,
			s.Reason, bad.Reason)
	}
	return err
}

func (l *load) run(ctx context.Context, text *bufio.Reader) (err error) {
	beginning, err := head(text)
	if err != nil {
		return err
	}
	charset := l.begins(beginning)
	conn, end, err := l.connect(ctx, l.machine)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", l.machine.Name(), err)
	}
	defer end()
	l.conn = conn
	if err := l.makeReady(ctx); err != nil {
		return fmt.Errorf("make the server on %s ready: %w", l.machine.Name(), err)
	}
	defer func() {
		if e := l.putBack(context.WithoutCancel(ctx)); err == nil && e != nil {
			err = fmt.Errorf("put settings of the server on %s back: %w", l.machine.Name(), e)
		}
	}()
	if l.logs, l.read, err = l.judge(ctx, l.source, text); err != nil {
		return err
	}
	if err := l.pour(ctx, text, cmp.Or(charset, "utf8mb4")); err != nil {
		return err
	}
	if err := l.whole(); err != nil {
		return err
	}
	if err := l.partly(); err != nil {
		return err
	}
	if err := l.compare(ctx); err != nil {
		return err
	}
	if err := l.untie(ctx); err != nil {
		return err
	}
	if err := l.replay(ctx); err != nil {
		return err
	}
	return l.atEnd(ctx)
}

// begins learns from a dump's beginning what its texts are in, and into which database goes what does not say one.
func (l *load) begins(head []byte) (charset string) {
	charset, named := mysqldump.Beginning(head)
	l.nameless = cmp.Or(l.set.Database, named) == ""
	l.database = cmp.Or(l.set.Database, named, defaultDatabase)
	if strings.Contains(named, " ") || mysqldump.System(l.database) { // a list of several
		l.database = cmp.Or(l.set.Database, defaultDatabase)
	}
	return charset
}

// pour feeds the server's own client.
func (l *load) pour(ctx context.Context, text *bufio.Reader, charset string) error {
	c, err := l.client(charset)
	if err != nil {
		return err
	}
	l.told = &answers{mark: rand.Text()}
	c.Stdout = l.told
	r := &dump.Runner{Machine: l.machine, Stall: l.set.Stall.Std(), Activity: l.activity, Stop: l.stop, Abandon: l.endSessions,
		Result: l.result, Explained: func(err error) bool { return errors.As(err, new(*restore.BackupError)) }}
	err = r.Pour(ctx, c, func(out io.Writer) error {
		if len(l.set.Only) > 0 { // a key may lead to a table that is left out, and is taken away at the end
			if _, err := fmt.Fprintln(out, "SET SESSION foreign_key_checks = 0;"); err != nil {
				return err
			}
		}
		l.dump.Out = out
		l.dump.OnStatement = func(s mysqldump.Statement) (string, bool, error) { return l.statement(ctx, s) }
		if err := l.dump.Read(text); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "\nDELIMITER ;\nSELECT '%s';\n", l.told.mark)
		return err
	})
	if err != nil {
		return err
	}
	if l.told.bad != "" {
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf("the server took a value for another one than stands in the dump: %s",
			l.told.bad)}
	}
	if l.told.lacks != "" {
		return &restore.ImageError{Backup: l.source.Backup, Reason: l.told.lacks}
	}
	if !l.told.ended {
		return fmt.Errorf("the client ended well on %s and did not read the dump to its end: it takes it for another text than it looks like here",
			l.machine.Name())
	}
	return nil
}

// statement is called before the client has the end of one.
func (l *load) statement(ctx context.Context, s mysqldump.Statement) (before string, leave bool, err error) {
	if l.leaves(s) {
		return "", true, nil
	}
	if err := l.stands(s); err != nil {
		return "", false, err
	}
	switch verb, database := s.Target(); verb {
	case "CREATE": // as it says, with its character set
		return "", false, l.makeDatabase(ctx, database, false)
	case "USE":
		return "", false, l.makeDatabase(ctx, database, true)
	case "ALTER":
		return "", !slices.Contains(l.made, database), nil // it may have another name here
	}
	if d := s.Definer(); d.User != "" {
		if err := l.needAccount(ctx, d); err != nil {
			return "", false, err
		}
	}
	if s.Verb() == "SET" || l.dump.Using() != "" || l.within {
		return "", false, nil
	}
	l.within = true
	return "USE " + session.Name(l.database), false, l.makeDatabase(ctx, l.database, true)
}

// makeDatabase makes a database empty, once in a load; create: the dump does not make it itself.
func (l *load) makeDatabase(ctx context.Context, database string, create bool) error {
	if slices.Contains(l.made, database) {
		return nil
	}
	if err := l.vacant(ctx, database); err != nil {
		return err
	}
	l.made = append(l.made, database)
	all := []string{"set session foreign_key_checks = 0", "drop database if exists " + session.Name(database), "create database " + session.Name(database)}
	if !create {
		all = all[:2]
	}
	for _, do := range all {
		if _, err := l.conn.ExecContext(ctx, do); err != nil {
			return fmt.Errorf("make database %s: %w", database, err)
		}
	}
	for _, a := range l.accounts {
		if err := l.grant(ctx, a, database); err != nil {
			return err
		}
	}
	return nil
}

// client is the server's own, whichever of its names the image has. It runs no command that stands in a dump (binary mode), and knows how to
// log in by its environment.
func (l *load) client(charset string) (instance.Command, error) {
	who, err := l.login(l.machine.Name(), nil)
	if err != nil {
		return instance.Command{}, err
	}
	const choose = `for c in mariadb mysql; do if command -v "$c" >/dev/null; then exec "$c" "$@"; fi; done; echo "no mariadb and no mysql" >&2; exit 127`
	args := []string{"sh", "-c", choose, "client", "--no-defaults", "--binary-mode", "--comments", "--batch", "--silent", "--skip-column-names", "--show-warnings",
		"--skip-reconnect", "--local-infile=0", "--max-allowed-packet=1G", "--default-character-set=" + charset, "--protocol=tcp",
		"--host=127.0.0.1", "--port=" + strconv.Itoa(l.set.Port), "--user=" + who.user}
	const nobody = "65534:65534" // whatever a dump makes its reader do, it does as this user
	return instance.Command{Args: args, User: nobody, Dir: "/", Env: map[string]string{"MYSQL_PWD": who.password, "LC_ALL": "C", "HOME": "/nonexistent"}}, nil
}
