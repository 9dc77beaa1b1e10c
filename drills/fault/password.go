package fault

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// passwordRotated: the upgrade gave a role a new password that the application
// does not know; its sessions end, as they do with any restart.
type passwordRotated struct {
	server
	role string
	old  string // the verifier before, to tell that it changed
	now  string // the one that the fault made; a server that was rebuilt has a third
}

func newPasswordRotated(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server `yaml:",inline"`
		Role   string `yaml:"role"` // that the application signs in with; needed
	}
	problems := s.Decode(&keys)
	if keys.Role == "" && len(problems) == 0 {
		problems = append(problems, s.Problem("role", "name the role that the application signs in with, role: app",
			"pg-password-rotated needs a role"))
	}
	keys.defaults()
	return &passwordRotated{server: keys.server, role: keys.Role}, problems
}

const verifierQuery = `select coalesce(rolpassword, '') from pg_authid where rolname = :'role'`

// Available implements Fault.
func (f *passwordRotated) Available(ctx context.Context, t Target) error {
	_, err := f.verifier(ctx, t.Machine)
	return err
}

// verifier reads the stored SCRAM verifier: it can be put back, and nobody can sign in with it.
func (f *passwordRotated) verifier(ctx context.Context, m instance.Machine) (string, error) {
	out, err := f.psql(ctx, m, verifierQuery)
	if err != nil {
		return "", fmt.Errorf("read the password of role %s: %w", f.role, err)
	}
	if out == "" {
		return "", instance.NotInForce("role %s has no password on %s, or does not exist", f.role, m.Name())
	}
	return out, nil
}

func (f *passwordRotated) psql(ctx context.Context, m instance.Machine, query string) (string, error) {
	return asked(ctx, m, f.command(), query)
}

func (f *passwordRotated) command(extra ...string) instance.Command {
	return f.client("postgres", append([]string{"-v", "role=" + f.role}, extra...)...)
}

// Prepare implements Fault.
func (f *passwordRotated) Prepare(ctx context.Context, t Target) (ledger.Undo, error) {
	old, err := f.verifier(ctx, t.Machine)
	if err != nil {
		return ledger.Undo{}, err
	}
	f.old = old
	quote := strings.NewReplacer(`"`, `""`)
	return instance.UndoCommand(t.Machine, f.command("-c",
		fmt.Sprintf(`alter role "%s" password '%s'`, quote.Replace(f.role), strings.ReplaceAll(old, `'`, `''`))))
}

// ourName is told by the sessions that ask: the one that asked before may still be ending.
const ourName = "lifeboat-fault"

// Inject implements Fault.
func (f *passwordRotated) Inject(ctx context.Context, t Target) error {
	_, err := f.psql(ctx, t.Machine, `select format('alter role %I password %L', :'role', md5(random()::text)) \gexec
select pg_terminate_backend(pid) from pg_stat_activity where usename = :'role' and pid <> pg_backend_pid();`)
	if err == nil {
		f.now, err = f.verifier(ctx, t.Machine)
	}
	return err
}

// Lasts implements Lasting: the role has the password that the fault gave it.
func (f *passwordRotated) Lasts(ctx context.Context, t Target) error {
	now, err := f.verifier(ctx, t.Machine)
	if err == nil && now != f.now {
		err = instance.NotInForce("role %s has another password than the fault gave it", f.role)
	}
	return err
}

// Effective reads the stored verifier back, since the application's own password is known to nobody
// here, and looks for sessions that were opened with the old one.
func (f *passwordRotated) Effective(ctx context.Context, t Target) error {
	now, err := f.verifier(ctx, t.Machine)
	switch {
	case err != nil:
		return err
	case f.old == "" || now == f.old:
		return instance.NotInForce("role %s still has the password that it had", f.role)
	}
	out, err := f.psql(ctx, t.Machine, `select count(*) from pg_stat_activity
where usename = :'role' and application_name <> '`+ourName+`'`)
	if err != nil {
		return err
	}
	if out != "0" {
		return instance.NotInForce("%s sessions of role %s are still open", out, f.role)
	}
	return nil
}
