package fault

import (
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
	if keys.Plugin == "" {
		keys.Plugin = "caching_sha2_password"
	}
	return accountOf(s, keys.mysqlServer, keys.User, keys.Host, keys.Plugin), append(problems, noAccount(s, keys.User, problems)...)
}

func accountOf(_ scenarios.Settings, server mysqlServer, user, host, plugin string) *mysqlAccount {
	if host == "" {
		host = "%"
	}
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
