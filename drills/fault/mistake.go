package fault

import (
	"context"
	"fmt"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// mistake is a statement that somebody runs who should not: a table is dropped, or all of its rows are deleted. There is no undo:
// what is gone comes back from a backup, and the copy goes with the drill.
type mistake struct {
	server
	database, run, seen string
}

// newMistake: keys database, run, and seen, which asks whether it has happened.
func newMistake(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		server   `yaml:",inline"`
		Database string `yaml:"database"` // needed
		Run      string `yaml:"run"`      // the statement, such as drop table orders cascade; needed
		// a query whose one answer is true once that has happened and false before, with names in full:
		// select to_regclass('public.orders') is null; needed
		Seen string `yaml:"seen"`
	}
	problems := s.Decode(&keys)
	decoded := len(problems) == 0
	for _, needed := range []struct{ key, said, hint string }{{"database", keys.Database, "database: shop"},
		{"run", keys.Run, "run: drop table orders cascade"}, {"seen", keys.Seen, "seen: select to_regclass('public.orders') is null"}} {
		if needed.said == "" && decoded {
			problems = append(problems, s.Problem(needed.key, needed.hint, "pg-mistake needs it"))
		}
	}
	keys.defaults()
	return &mistake{server: keys.server, database: keys.Database, run: keys.Run, seen: keys.Seen}, problems
}

// Available implements Fault: what holds before the statement is run would prove nothing of it.
func (f *mistake) Available(ctx context.Context, t Target) error {
	yes, err := f.happened(ctx, t.Machine)
	if err == nil && yes {
		err = fmt.Errorf("%q is true on %s before anything was done", f.seen, t.Machine.Name())
	}
	return err
}

func (f *mistake) happened(ctx context.Context, m instance.Machine) (bool, error) {
	out, err := asked(ctx, m, f.client(f.database), f.seen)
	switch {
	case err != nil:
		return false, fmt.Errorf("ask %s whether it has happened: %w", m.Name(), err)
	case out != "t" && out != "f":
		return false, fmt.Errorf("%q has no answer of true or false on %s, but %q", f.seen, m.Name(), out)
	}
	return out == "t", nil
}

// Prepare implements Fault.
func (f *mistake) Prepare(_ context.Context, t Target) (ledger.Undo, error) {
	return instance.UndoCommand(t.Machine, shell("", "true"))
}

// Inject implements Fault. A session that holds what the statement needs is not waited for without an end.
func (f *mistake) Inject(ctx context.Context, t Target) error {
	_, err := asked(ctx, t.Machine, f.client(f.database), "set lock_timeout = '30s'; set client_min_messages = warning;\n"+f.run)
	return err
}

// Effective implements Fault, and holds after a rollback, too: a copy from after the mistake has it in it.
func (f *mistake) Effective(ctx context.Context, t Target) error {
	yes, err := f.happened(ctx, t.Machine)
	if err == nil && !yes {
		err = instance.NotInForce("%q is false on %s", f.seen, t.Machine.Name())
	}
	return err
}
