package postgres

import (
	"fmt"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
)

// runner runs programs of this load in its machine.
func (l *load) runner() *dump.Runner {
	return &dump.Runner{Machine: l.machine, Stall: l.set.Stall.Std(), Activity: l.activity, Stop: l.stop, Abandon: l.endSessions,
		Result: l.result, Explained: explained}
}

// nobody interprets dumps: whatever a dump makes its reader do, it does as this user.
const nobody = "65534:65534"

// options of its session: words that are known, and no statement and no row of a dump in the server's log, which goes to the console. They may
// hold passwords, and are production's data.
const options = "-c lc_messages=C -c log_error_verbosity=terse -c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1"

// client is a program in the machine that knows how to log in by its environment.
func (l *load) client(args ...string) (instance.Command, error) {
	who, err := l.login(l.machine.Name(), nil)
	if err != nil {
		return instance.Command{}, err
	}
	args[0] = l.program(args[0])
	return instance.Command{
		Args: args,
		User: nobody,
		Dir:  "/",
		Env: map[string]string{"PROGRAMS": l.set.Programs, "PGHOST": l.server.host, "PGPORT": fmt.Sprint(l.set.Port), "PGUSER": who.user,
			"PGPASSWORD": who.password, "LC_ALL": "C", "HOME": "/nonexistent", "PGOPTIONS": options,
			"PGAPPNAME": "lifeboat"},
	}, nil
}
