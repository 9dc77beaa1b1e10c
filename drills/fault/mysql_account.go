package fault

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// mysqlAccount changes how one account logs in. What the server keeps of it is a row of mysql.global_priv, which is put back as it was.
type mysqlAccount struct {
	mysqlServer
	user, host string
	plugin     string // that the account gets and the server does not have; "": it gets another password
	old, now   string // the row before, and as the fault made it
}

func newMySQLPasswordRotated(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		mysqlServer `yaml:",inline"`
		User        string `yaml:"user"` // that the application signs in as; needed, and not root
		Host        string `yaml:"host"` // of the account; default %
	}
	problems := s.Decode(&keys)
	keys.defaults()
	return accountOf(s, keys.mysqlServer, keys.User, keys.Host, ""), append(problems, noAccount(s, keys.User, problems)...)
}

func newMySQLPluginMissing(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		mysqlServer `yaml:",inline"`
		User        string `yaml:"user"`   // that the application signs in as; needed, and not root
		Host        string `yaml:"host"`   // of the account; default %
		Plugin      string `yaml:"plugin"` // that the server does not have; default caching_sha2_password
	}
	problems := s.Decode(&keys)
	keys.defaults()
	keys.Plugin = cmp.Or(keys.Plugin, "caching_sha2_password")
	return accountOf(s, keys.mysqlServer, keys.User, keys.Host, keys.Plugin), append(problems, noAccount(s, keys.User, problems)...)
}

func accountOf(_ scenarios.Settings, server mysqlServer, user, host, plugin string) *mysqlAccount {
	host = cmp.Or(host, "%")
	return &mysqlAccount{mysqlServer: server, user: user, host: host, plugin: plugin}
}

func noAccount(s scenarios.Settings, user string, problems []scenarios.Problem) []scenarios.Problem {
	if len(problems) > 0 || user != "" && user != "root" {
		return nil
	}
	return []scenarios.Problem{s.Problem("user", "name the account that the application signs in as, user: app", "it needs an account other than root")}
}

// sqlText quotes a text for a statement.
func sqlText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func (f *mysqlAccount) where() string {
	return " where user = " + sqlText(f.user) + " and host = " + sqlText(f.host)
}

func (f *mysqlAccount) row(ctx context.Context, m instance.Machine) (string, error) {
	out, err := f.ask(ctx, m, "select priv from mysql.global_priv"+f.where())
	if err == nil && out == "" {
		err = instance.NotInForce("there is no account %s@%s on %s", f.user, f.host, m.Name())
	}
	return out, err
}

// Available implements Fault.
func (f *mysqlAccount) Available(ctx context.Context, t Target) error {
	if _, err := f.row(ctx, t.Machine); err != nil {
		return err
	}
	if f.plugin == "" {
		return nil
	}
	there, err := f.ask(ctx, t.Machine, "select count(*) from information_schema.plugins where plugin_status = 'ACTIVE' and plugin_name = "+sqlText(f.plugin))
	if err == nil && there != "0" {
		err = fmt.Errorf("the server of %s has the plugin %s", t.Machine.Name(), f.plugin)
	}
	return err
}

// Prepare implements Fault.
func (f *mysqlAccount) Prepare(ctx context.Context, t Target) (ledger.Undo, error) {
	old, err := f.row(ctx, t.Machine)
	if err != nil {
		return ledger.Undo{}, err
	}
	f.old = old
	return instance.UndoCommand(t.Machine, f.command("update mysql.global_priv set priv = "+sqlText(old)+f.where()+"; flush privileges"))
}

// Inject implements Fault.
func (f *mysqlAccount) Inject(ctx context.Context, t Target) error {
	set := "json_set(priv, '$.plugin', " + sqlText(f.plugin) + ")"
	if f.plugin == "" {
		set = "json_set(priv, '$.plugin', 'mysql_native_password', '$.authentication_string', password(uuid()))"
	}
	_, err := f.ask(ctx, t.Machine, "update mysql.global_priv set priv = "+set+f.where()+"; flush privileges; kill user "+sqlText(f.user)+"@"+sqlText(f.host))
	if err == nil {
		f.now, err = f.row(ctx, t.Machine)
	}
	return err
}

// Effective signs in as the account, with a password that nobody has, and looks for sessions from before.
func (f *mysqlAccount) Effective(ctx context.Context, t Target) error {
	now, err := f.row(ctx, t.Machine)
	switch {
	case err != nil:
		return err
	case f.old == "" || now == f.old:
		return instance.NotInForce("account %s@%s still logs in as it did", f.user, f.host)
	}
	if err := f.refused(ctx, t.Machine); err != nil {
		return err
	}
	open, err := f.ask(ctx, t.Machine, "select count(*) from information_schema.processlist where user = "+sqlText(f.user)+
		" and command <> 'Killed'")
	if err == nil && open != "0" {
		err = instance.NotInForce("%s sessions of account %s are still open", open, f.user)
	}
	return err
}

// refused proves what a login is refused for.
func (f *mysqlAccount) refused(ctx context.Context, m instance.Machine) error {
	const try = `export MYSQL_PWD="lifeboat knows no password"
for c in mariadb mysql; do
  if command -v "$c" >/dev/null; then exec "$c" --no-defaults --protocol=tcp -h127.0.0.1 -P"$1" -u"$2" -e 'select 1'; fi
done`
	res, err := m.Exec(ctx, shell("", try, strconv.Itoa(f.Port), f.user))
	if err != nil {
		return err
	}
	want := "1045" // access denied
	if f.plugin != "" {
		want = "1524" // plugin is not loaded
	}
	if res.Exit == 0 || !strings.Contains(res.Stderr, "ERROR "+want+" ") {
		return instance.NotInForce("account %s is not refused as it should be: %s", f.user, strings.TrimSpace(res.Stderr))
	}
	return nil
}

// Lasts implements Lasting: the account logs in as the fault made it.
func (f *mysqlAccount) Lasts(ctx context.Context, t Target) error {
	now, err := f.row(ctx, t.Machine)
	if err == nil && now != f.now {
		err = instance.NotInForce("account %s@%s logs in otherwise than the fault made it", f.user, f.host)
	}
	return err
}

// mysqlUpgradeNeeded: the packages were upgraded, the server was restarted, and nobody ran mariadb-upgrade. The table of routines lacks the column that
// MariaDB 10.3 brought, so that the server calls none of them (its column count is wrong), and nothing else is amiss.
type mysqlUpgradeNeeded struct{ mysqlServer }

func newMySQLUpgradeNeeded(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys mysqlServer
	problems := s.Decode(&keys)
	keys.defaults()
	return &mysqlUpgradeNeeded{keys}, problems
}

const (
	newColumn   = "aggregate"
	someRoutine = "select concat(type, ' `', replace(db, '`', '``'), '`.`', replace(name, '`', '``'), '`') from mysql.proc " +
		"where db not in ('mysql', 'sys') and type in ('FUNCTION', 'PROCEDURE') limit 1"
)

// column tells whether the table of routines is as this server's version makes it.
func (f *mysqlUpgradeNeeded) column(ctx context.Context, m instance.Machine) (bool, error) {
	n, err := f.ask(ctx, m, "select count(*) from information_schema.columns where table_schema = 'mysql' and table_name = 'proc' and column_name = "+
		sqlText(newColumn))
	return n == "1", err
}

// Available implements Fault.
func (f *mysqlUpgradeNeeded) Available(ctx context.Context, t Target) error {
	there, err := f.column(ctx, t.Machine)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("the server of %s keeps no routines in mysql.proc, as MariaDB does from 10.3 on", t.Machine.Name())
	}
	routine, err := f.ask(ctx, t.Machine, someRoutine)
	if err == nil && routine == "" {
		err = fmt.Errorf("the server of %s has no routine that somebody could call: nobody would feel the fault", t.Machine.Name())
	}
	return err
}

// Prepare implements Fault. What the column says of aggregate functions is put back with it.
func (f *mysqlUpgradeNeeded) Prepare(ctx context.Context, t Target) (ledger.Undo, error) {
	back := "alter table mysql.proc add column if not exists " + newColumn + " enum('NONE','GROUP') not null default 'NONE'"
	groups, err := f.ask(ctx, t.Machine, "select concat(hex(db), ' ', hex(name)) from mysql.proc where "+newColumn+" = 'GROUP'")
	if err != nil {
		return ledger.Undo{}, err
	}
	for _, one := range strings.Fields(strings.ReplaceAll(groups, " ", "\x00")) {
		db, name, _ := strings.Cut(one, "\x00")
		back += "; update mysql.proc set " + newColumn + " = 'GROUP' where db = x'" + db + "' and name = x'" + name + "'"
	}
	return instance.UndoCommand(t.Machine, f.command(back))
}

// Inject implements Fault.
func (f *mysqlUpgradeNeeded) Inject(ctx context.Context, t Target) error {
	if _, err := f.ask(ctx, t.Machine, "alter table mysql.proc drop column if exists "+newColumn); err != nil {
		return err
	}
	return restart(ctx, t.Machine) // as an upgrade does: sessions keep the routines that they have called
}

// Effective implements Fault: it has the server read a routine, as a call does.
func (f *mysqlUpgradeNeeded) Effective(ctx context.Context, t Target) error {
	if err := f.Lasts(ctx, t); err != nil {
		return err
	}
	routine, err := f.ask(ctx, t.Machine, someRoutine)
	if err != nil {
		return err
	}
	res, err := t.Machine.Exec(ctx, shell("", asRoot, strconv.Itoa(f.Port), "show create "+routine))
	switch {
	case err != nil:
		return err
	case strings.Contains(res.Stderr, "ERROR 1558 "), strings.Contains(res.Stderr, "ERROR 1805 "): // as the table was made by another version, or by this one
		return nil
	case res.Exit == 0:
		return instance.NotInForce("the server of %s still reads routine %s", t.Machine.Name(), routine)
	}
	return fmt.Errorf("ask the server of %s for routine %s: %s", t.Machine.Name(), routine, strings.TrimSpace(res.Stderr))
}

// Lasts implements Lasting: the table of routines is still that of another version.
func (f *mysqlUpgradeNeeded) Lasts(ctx context.Context, t Target) error {
	there, err := f.column(ctx, t.Machine)
	if err == nil && there {
		err = instance.NotInForce("the table of routines of %s is that of its server's version", t.Machine.Name())
	}
	return err
}
