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
