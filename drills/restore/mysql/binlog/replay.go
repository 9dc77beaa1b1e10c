package binlog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/session"
	"lifeboat/internal/lazy"
)

// Judge reads the logs of an archive, and finds those that lead from a backup to a target.
func Judge(ctx context.Context, archive restore.Source, from Position, target Target) (*Chain, restore.Outcome, error) {
	a, out, err := collect(ctx, archive, &question{from: &from, target: target})
	var c *Chain
	if err == nil {
		c, err = a.follow(from, target)
	}
	if err != nil {
		return nil, restore.Outcome{}, dump.Classify(archive.Backup, err)
	}
	return c, out, nil
}

// slavePosition is how a dump says behind which transactions it is.
var slavePosition = lazy.Regexp(`gtid_slave_pos\s*=\s*'([^';]*)`)

// Same tells whether the backup is behind the transactions that it says, once it has said all. A text that was clipped lacks its end.
func (c *Chain) Same(text string) error {
	m := slavePosition().FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	said := m[1]
	if strings.Contains(said, "…") {
		said = said[:max(0, strings.LastIndex(said, ","))]
	}
	if has, here := c.logs[0].at.differs(said); has != "" {
		return damage("binary log %s is of another server, or another log under that name: the backup is behind transaction %s, and at %d of that log the "+
			"last one is %s", c.logs[0].path, has, c.from.Offset, here)
	}
	return nil
}

// Replayer replays logs into a server, by the programs of its machine.
type Replayer struct {
	Archive restore.Source
	Machine instance.Machine
	Login   session.Login
	Stall   time.Duration
	Keep    Keep
	Left    Left // once they were replayed
}

// script has the server's own program make statements of a log on its input, and its client run them. The last line says that all were.
const script = `one() { for c in "$@"; do if command -v "$c" >/dev/null; then echo "$c"; return; fi; done; echo "no $1 and no $2" >&2; exit 127; }
reads=$(one mariadb-binlog mysqlbinlog) && asks=$(one mariadb mysql) && kept=$(mktemp -d) || exit
trap 'rm -rf "$kept"' EXIT
mark=$1; shift
{ if "$reads" --no-defaults --local-load="$kept" -; then end=well; else end=badly; fi; printf '\nDELIMITER ;\nSELECT "%s %s";\n' "$mark" $end; } | "$asks" "$@"`

// Replay replays what a chain leads over. *restore.BackupError: the logs do not fit what was restored.
func (r *Replayer) Replay(ctx context.Context, c *Chain) error {
	conn, end, err := r.Login.Open(ctx, r.Machine)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", r.Machine.Name(), err)
	}
	defer end()
	back, err := room(ctx, conn)
	if err != nil {
		return fmt.Errorf("make the server on %s ready for its binary logs: %w", r.Machine.Name(), err)
	}
	mark := rand.Text()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	said := &tail{}
	run := &dump.Runner{Machine: r.Machine, Stall: r.Stall, Stop: stop,
		Activity: func(ctx context.Context) (dump.Activity, error) { return r.Login.Activity(ctx, r.Machine) },
		Abandon:  func(ctx context.Context) { r.Login.EndSessions(ctx, r.Machine) }, Result: r.result,
		Explained: func(err error) bool { return errors.As(err, new(*restore.BackupError)) }}
	command := instance.Command{Args: []string{"sh", "-c", script, "replay", mark, "--no-defaults", "--binary-mode", "--batch", "--silent",
		"--skip-column-names", "--skip-reconnect", "--local-infile=1", "--max-allowed-packet=1G", "--default-character-set=utf8mb4", "--protocol=tcp",
		"--host=127.0.0.1", "--port=" + strconv.Itoa(r.Login.Port), "--user=" + r.Login.User}, User: "65534:65534", Dir: "/", Stdout: said,
		Env: map[string]string{"MYSQL_PWD": r.Login.Password, "LC_ALL": "C", "HOME": "/nonexistent", "TZ": "UTC"}}
	err = run.Pour(reading, command, func(out io.Writer) error { return r.write(reading, c, out) })
	if _, e := conn.ExecContext(context.WithoutCancel(ctx), back); err == nil && e != nil {
		err = fmt.Errorf("put settings of the server on %s back: %w", r.Machine.Name(), e)
	}
	if err == nil && !strings.Contains(said.text, mark+" well") {
		err = fmt.Errorf("the binary logs were not replayed to their end on %s, and nobody said why: %s", r.Machine.Name(), said.text)
	}
	return dump.Classify(r.Archive.Backup, err)
}

// room lets statements be as long as they were at the source; back is how it was.
func room(ctx context.Context, conn *sql.Conn) (back string, err error) {
	row, err := session.Texts(ctx, conn, "select @@global.max_allowed_packet")
	if err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, "set global max_allowed_packet = 1073741824")
	return "set global max_allowed_packet = " + row[0][0], err
}

// write gives the events that are replayed, in the order of the logs, as one log: behind what describes the format of each.
func (r *Replayer) write(ctx context.Context, c *Chain, out io.Writer) error {
	if _, err := io.WriteString(out, magic); err != nil {
		return err
	}
	for done := 0; done < len(c.logs); { // an archive that is not in order is read again
		before := done
		if _, _, err := each(ctx, r.Archive, func(name, path string, in io.Reader) error {
			if done < len(c.logs) && name == c.logs[done].name {
				l := c.logs[done]
				done++
				if err := r.copy(l, c.from, newReader(path, in), out); err != nil {
					return err
				}
			}
			_, err := io.Copy(io.Discard, in)
			return err
		}); err != nil {
			return err
		}
		if before == done {
			return fmt.Errorf("binary log %s is gone from the archive, in which it was before", c.logs[done].name)
		}
	}
	return nil
}

// copy writes what is replayed of one log.
func (r *Replayer) copy(l *log, from Position, in *reader, out io.Writer) error {
	if err := in.begin(); err != nil {
		return err
	}
	f := &filter{keep: r.Keep, out: out, left: &r.Left}
	for {
		e, err := in.event()
		if errors.Is(err, io.EOF) || errors.As(err, new(*cutError)) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case l.stop != 0 && e.at >= l.stop, l.cut != 0 && e.at >= l.cut:
			return nil
		case e.kind == formatEvent:
			_, err = out.Write(e.raw)
		case l.name == from.File && e.at < from.Offset:
		default:
			err = f.take(e)
		}
		if err != nil {
			return err
		}
	}
}

// filter passes on the transactions that the backup holds something of.
type filter struct {
	keep Keep
	out  io.Writer
	left *Left
	gtid gtid
	fate fate
	of   string // the database that decided it
	held []byte // until it is decided
}

func (f *filter) take(e *event) error {
	switch e.kind {
	case rotateEvent, stopEvent, checkpointEvent, gtidListEvent:
		return nil
	case gtidEvent:
		f.gtid, _, _ = e.gtid()
		f.fate, f.held = undecided, f.held[:0] // one that changed nothing was passed over
	}
	fate, of, err := f.keep.fate(e)
	switch {
	case err != nil:
		return err
	case fate == undecided:
	case f.fate == undecided:
		f.fate, f.of = fate, of
		f.left.count(fate)
	case f.fate == kept && fate != kept:
		return mixed(f.gtid, f.of, of)
	case f.fate != kept && fate == kept:
		return mixed(f.gtid, of, f.of)
	}
	switch f.fate {
	case kept:
		if _, err := f.out.Write(f.held); err != nil {
			return err
		}
		f.held = f.held[:0]
		_, err := f.out.Write(e.raw)
		return err
	case undecided:
		f.held = append(f.held, e.raw...)
	}
	return nil
}

// Notes are what there is to say of a replay.
func (r *Replayer) Notes(c *Chain) []Note {
	n := &Chain{}
	n.note("%d transactions of its binary logs were replayed, from %s to %s", c.Transactions()-r.Left.Others-r.Left.Accounts, c.from,
		c.logs[len(c.logs)-1].path)
	if r.Left.Others > 0 {
		n.note("%d transactions of its binary logs were left out: they change databases that the dump does not hold", r.Left.Others)
	}
	if r.Left.Accounts > 0 {
		n.note("%d statements of its binary logs about accounts, grants and the server's own tables were left out: restore.users gives those that log in",
			r.Left.Accounts)
	}
	return append(n.Notes, c.Notes...)
}

// Left are how many transactions were not replayed, since the backup does not hold what they change.
type Left struct{ Others, Accounts int64 }

func (l *Left) count(f fate) {
	switch f {
	case others:
		l.Others++
	case accounts:
		l.Accounts++
	}
}

// tail keeps the last of what a program printed.
type tail struct{ text string }

func (t *tail) Write(p []byte) (int, error) {
	const most = 1 << 10
	if t.text += string(p); len(t.text) > most {
		t.text = t.text[len(t.text)-most:]
	}
	return len(p), nil
}

// said is a message of a server as its client prints it.
var said = regexp.MustCompile(`(?m)^ERROR (\d+) \((\w+)\)[^:\n]*: (.*)$`)

const (
	noTable    = "1146"
	noDatabase = "1049"
)

// unfit are errors of statements that were run at the source: what was restored is not what they were run on.
var unfit = map[string]bool{"1032": true, "1062": true, "1050": true, "1051": true, "1146": true, "1054": true, "1060": true, "1061": true, "1091": true,
	"1007": true, "1008": true, "1049": true, "1305": true, "1304": true, "1359": true, "1360": true, "1452": true, "1451": true, "1396": true,
	"1534": true, "1535": true, "1677": true, "1136": true}

// result tells what became of the replay.
func (r *Replayer) result(_ instance.Command, of instance.Result) error {
	if all := said.FindAllStringSubmatch(of.Stderr, -1); len(all) > 0 {
		last := all[len(all)-1]
		text := dump.Unsaid(fmt.Sprintf("ERROR %s (%s): %s", last[1], last[2], last[3]))
		partly := !r.Keep.Everything && !r.Keep.Whole
		if partly && (last[1] == noTable || last[1] == noDatabase) {
			return lackLogs("a statement of the binary logs needs what the dump does not hold: %s", text)
		}
		if unfit[last[1]] {
			return damage("the binary logs do not fit the backup: %s", text)
		}
		return fmt.Errorf("a statement of the binary logs failed on %s, which may be the fault of the backup, the logs, the image or the host: %s",
			r.Machine.Name(), text)
	}
	if of.Exit == 0 {
		if _, words, ok := strings.Cut(of.Stderr, "ERROR: "); ok { // of what reads them
			return fmt.Errorf("the image's program cannot read the binary logs: %s", dump.Unsaid(strings.TrimSpace(words)))
		}
		return nil
	}
	_, err := dump.Words{}.Failure(r.Archive.Backup, "program that reads binary logs (mariadb-binlog) or client of MariaDB", of)
	return err
}
