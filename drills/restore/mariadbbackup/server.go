package mariadbbackup

import (
	"bytes"
	"context"
	"crypto/sha1"
	"database/sql"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/session"
)

// settings puts what the server is told.
func (j *job) settings() error {
	who, err := j.login(j.machine.Name())
	if err == nil {
		err = j.put.text(confPath, j.conf())
	}
	if err == nil {
		err = j.put.text(initPath, accounts(who))
	}
	return err
}

// comesUp waits until the machine's server takes sessions.
func (j *job) comesUp(ctx context.Context) error {
	who, err := j.login(j.machine.Name())
	if err != nil {
		return err
	}
	if err := who.Wait(ctx, j.machine); err != nil {
		return j.died(ctx, err)
	}
	j.there, err = j.listed(ctx)
	return err
}

// died says why a server did not come up.
func (j *job) died(ctx context.Context, why error) error {
	state, err := j.machine.State(ctx)
	if err != nil || state.Running {
		return why
	}
	text, err := instance.Console(ctx, j.machine)
	if err != nil {
		return why
	}
	said := j.words(text[min(j.printed, len(text)):])
	if err := blame(said); err != nil {
		return err
	}
	return fmt.Errorf("the server of %s %s as it started on its files, which may be the fault of the backup, the image or the host: %s",
		j.machine.Name(), state.Ended(), said)
}

var plainValue = regexp.MustCompile(`^[\w.:;,+-]+$`)

// conf are the settings of the server: those without which its files cannot be read, and nothing else of production's.
func (j *job) conf() string {
	text := "[mysqld]\ndatadir=" + j.set.Data + "\nuser=" + j.set.OSUser + "\nport=" + strconv.Itoa(j.set.Port) + "\n" + "bind-address=*\nskip-log-error\n" +
		"event_scheduler=OFF\nskip-slave-start\nskip-log-bin\nloose-wsrep-on=OFF\nloose-strict-password-validation=OFF\n" +
		"init-file=" + initPath + "\ninnodb_log_group_home_dir=./\ninnodb_data_home_dir=\n"
	for _, key := range []string{"innodb_page_size", "innodb_data_file_path", "innodb_undo_tablespaces"} {
		value := j.newest().conf[key]
		if key == "innodb_data_file_path" {
			value = flat(value)
		}
		if plainValue.MatchString(value) {
			text += key + "=" + value + "\n"
		}
	}
	return text
}

// flat takes the folders off a list of files: a backup has all of them in its own.
func flat(list string) string {
	parts := strings.Split(list, ";")
	for i, part := range parts {
		file, rest, _ := strings.Cut(part, ":")
		parts[i] = path.Base(file) + ":" + rest
	}
	return strings.Join(parts, ";")
}

// accounts makes the one that lifeboat asks by, or gives it another password, on the server's own loopback alone. The password itself is in no file.
func accounts(who session.Login) string {
	text := ""
	for _, host := range []string{"localhost", "127.0.0.1"} {
		a := session.Account(who.User, host)
		text += "CREATE USER IF NOT EXISTS " + a + ";\nALTER USER " + a + " IDENTIFIED BY PASSWORD '" + hashed(who.Password) + "' ACCOUNT UNLOCK;\n" +
			"GRANT ALL PRIVILEGES ON *.* TO " + a + " WITH GRANT OPTION;\n"
	}
	return text
}

// hashed is a password as mysql_native_password keeps it.
func hashed(password string) string {
	if password == "" {
		return ""
	}
	first := sha1.Sum([]byte(password)) //nolint:gosec // as above
	second := sha1.Sum(first[:])        //nolint:gosec // as above
	return "*" + strings.ToUpper(hex.EncodeToString(second[:]))
}

// compare holds what the server has against what the backup holds: a server comes up without tables whose files are missing, or not its own.
func (j *job) compare(ctx context.Context) error {
	who, err := j.login(j.machine.Name())
	if err != nil {
		return err
	}
	conn, end, err := who.Open(ctx, j.machine)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", j.machine.Name(), err)
	}
	defer end()
	if err := j.quiet(ctx, conn); err != nil {
		return err
	}
	for _, look := range []func(context.Context, *sql.Conn) error{j.complete, j.opened, j.taken, j.defined} {
		if err := look(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// opened tells whether the server can open each table. That the number of rows is asked makes it open them.
func (j *job) opened(ctx context.Context, conn *sql.Conn) error {
	broken, err := session.Texts(ctx, conn, `select concat(table_schema, '.', table_name), table_comment, table_rows from information_schema.tables
		where table_type = 'BASE TABLE' and engine is null order by 1`)
	if err != nil {
		return fmt.Errorf("open the tables on %s: %w", j.machine.Name(), err)
	}
	if len(broken) == 0 {
		return nil
	}
	if strings.Contains(broken[0][1], "Unknown storage engine") {
		return imageLacks(fmt.Sprintf("table %s: %s", broken[0][0], broken[0][1]))
	}
	return damage("table %s cannot be opened: %s%s", broken[0][0], broken[0][1], others(int64(len(broken)-1)))
}

// hidden are the tables of full-text indexes, which have no definition of their own and are opened late.
var hidden = regexp.MustCompile(`/FTS_[0-9a-f]{16}_`)

// complete holds the tables that InnoDB knows against the files that are there.
func (j *job) complete(ctx context.Context, conn *sql.Conn) error {
	known, err := session.Texts(ctx, conn, "select name, space from information_schema.innodb_sys_tables where "+usual+" order by 1")
	if err != nil {
		return fmt.Errorf("look for tables on %s: %w", j.machine.Name(), err)
	}
	defined := j.tables()
	for _, row := range known {
		table, _, _ := strings.Cut(strings.ReplaceAll(row[0], "#p#", "#P#"), "#P#")
		if !hidden.MatchString(row[0]) && !defined[table] {
			return damage("the definition of a table is missing: %s.frm", table)
		}
		if row[1] != "0" && !j.there[row[0]] {
			return damage("the tablespace of a table is missing: %s.ibd", row[0])
		}
	}
	return nil
}

// usual are InnoDB's tables, but for its own and those that an interrupted change left behind.
const usual = "name like '%/%' and name not like '%/#sql%'"

// taken tells whether the server took each tablespace for the one that belongs to its table, once it opened them.
func (j *job) taken(ctx context.Context, conn *sql.Conn) error {
	closed, err := session.Texts(ctx, conn, "select name from information_schema.innodb_sys_tables where "+usual+
		" and space <> 0 and space not in (select space from information_schema.innodb_sys_tablespaces) order by 1")
	if err != nil {
		return fmt.Errorf("look for tables on %s: %w", j.machine.Name(), err)
	}
	for _, row := range closed {
		if !hidden.MatchString(row[0]) {
			return damage("the tablespace of a table cannot be read, or is another table's: %s.ibd", row[0])
		}
	}
	return nil
}

// defined tells whether the definitions are those of the tablespaces: a server opens a table by another one's, where that has as many columns.
// Names that a file system does not have as they are (@0024) are left out.
func (j *job) defined(ctx context.Context, conn *sql.Conn) error {
	has := map[string]bool{}
	inside, err := session.Texts(ctx, conn, `select t.name, c.name from information_schema.innodb_sys_tables t
		join information_schema.innodb_sys_columns c on c.table_id = t.table_id`)
	for _, row := range inside {
		table, _, _ := strings.Cut(strings.ReplaceAll(row[0], "#p#", "#P#"), "#P#")
		has[strings.ToLower(table)] = true
		has[strings.ToLower(table+"/"+row[1])] = true
	}
	if err != nil {
		return fmt.Errorf("look for columns on %s: %w", j.machine.Name(), err)
	}
	outside, err := session.Texts(ctx, conn, `select c.table_schema, c.table_name, c.column_name from information_schema.columns c
		join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
		where t.engine = 'InnoDB' and c.extra not like '%VIRTUAL%' order by 1, 2, c.ordinal_position`)
	if err != nil {
		return fmt.Errorf("look for columns on %s: %w", j.machine.Name(), err)
	}
	for _, row := range outside {
		table := strings.ToLower(row[0] + "/" + row[1])
		if has[table] && !has[table+"/"+strings.ToLower(row[2])] {
			return damage("the definition of table %s is another table's: its column %s is not in the tablespace", row[0]+"."+row[1], row[2])
		}
	}
	return nil
}

// listed are the tablespaces in the data folder, by their paths without what is behind the name. What the server ran as it started goes: what a
// drill breaks is not mended by the next start.
func (j *job) listed(ctx context.Context) (map[string]bool, error) {
	var out bytes.Buffer
	const list = `echo "# it has run" >"$2" && cd "$1" && find . -name '*.ibd' -o -name '*.isl'`
	r, err := j.machine.Exec(ctx, instance.Command{Args: []string{"sh", "-c", list, "sh", j.set.Data, initPath}, User: "0", Stdout: &out})
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("exit code %d: %s", r.Exit, dump.FirstError(r))
	}
	if err != nil {
		return nil, fmt.Errorf("list the tablespaces of %s: %w", j.machine.Name(), err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSpace(line)
		all[strings.TrimPrefix(strings.TrimSuffix(line, path.Ext(line)), "./")] = true
	}
	return all, nil
}

// quiet proves that the server does nothing by itself.
func (j *job) quiet(ctx context.Context, conn *sql.Conn) error {
	state, err := session.Texts(ctx, conn, "select @@global.event_scheduler, @@global.log_bin, (select count(*) from information_schema.events)")
	if err != nil || len(state) != 1 {
		return fmt.Errorf("look at the server of %s: %w", j.machine.Name(), err)
	}
	if on := state[0]; on[0] != "OFF" && on[0] != "DISABLED" || on[1] != "0" {
		return fmt.Errorf("the server of %s runs with event_scheduler=%s and log_bin=%s: something of its image sets that behind lifeboat's settings",
			j.machine.Name(), on[0], on[1])
	}
	if state[0][2] != "0" {
		j.Note("its events do not run here (event_scheduler is off)")
	}
	j.Note("%s has a password of the drill's on the server's own loopback; all other accounts are those of the backup", j.set.User)
	return nil
}
