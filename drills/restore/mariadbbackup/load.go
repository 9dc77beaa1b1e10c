package mariadbbackup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// Ready is at once: what is loaded is put into a machine whose server waits for it.
func (l *Loader) Ready(ctx context.Context, m instance.Machine) error {
	if _, ok := instance.As[instance.Putter](m); !ok {
		return errors.New("a physical backup is restored into a container, whose files can be put there before its server starts")
	}
	_, err := m.State(ctx)
	return err
}

// Load fills the data folder of a machine, prepares the backup there, and starts its server on it. The files and the chain are judged before
// anything is prepared; what the server makes of them, afterwards.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	j := &job{Loader: l, reading: reading{source: s}, machine: m}
	out, err := j.restore(ctx)
	out.Told = j.Told
	if err != nil {
		return restore.Outcome{Made: out.Made, Told: j.Told}, dump.Classify(s.Backup, err)
	}
	return out, nil
}

// job is one restore.
type job struct {
	*Loader
	reading
	machine instance.Machine
	here    string          // version of the server in the machine
	printed int             // bytes on its console before its server started
	there   map[string]bool // tablespaces in its data folder, once it has come up
}

func (j *job) restore(ctx context.Context) (restore.Outcome, error) {
	if err := j.idle(ctx); err != nil {
		return restore.Outcome{}, err
	}
	out, err := j.fill(ctx)
	if err != nil {
		return out, err
	}
	logs, err := j.judgeLogs(ctx, &out)
	if err != nil {
		return out, err
	}
	if err := j.prepare(ctx); err != nil {
		return out, err
	}
	if err := j.comesUp(ctx); err != nil {
		return out, err
	}
	if err := j.compare(ctx); err != nil || logs == nil {
		return out, err
	}
	if err := j.replay(ctx, logs); err != nil {
		return out, err
	}
	out.ConsistentTo, out.ConsistentBy = logs.Reached()
	out.Measured = !out.ConsistentTo.IsZero()
	return out, nil
}

// idle brings the machine to where it waits for its data, empties the folder, and learns the version of its server.
func (j *job) idle(ctx context.Context) error {
	const begin = `if [ -e "$1" ]; then rm "$1" && echo runs; exit; fi
find "$2" -mindepth 1 -delete && mkdir -m 700 "$2/$3" || exit
for c in mariadbd mysqld; do if command -v "$c" >/dev/null; then exec "$c" --no-defaults --version; fi; done`
	for {
		state, err := j.machine.State(ctx)
		if err != nil {
			return err
		}
		if !state.Running {
			if err := j.machine.Start(ctx); err != nil {
				return fmt.Errorf("start %s for its backup: %w", j.machine.Name(), err)
			}
		}
		r, err := j.machine.Exec(ctx, instance.Command{Args: []string{"sh", "-c", begin, "sh", goPath, j.set.Data, stageFolder}, User: "0",
			Env: map[string]string{"LC_ALL": "C"}})
		switch {
		case err != nil:
			return err
		case r.Exit != 0:
			return fmt.Errorf("run %s on %s: exit code %d: %s", "sh", j.machine.Name(), r.Exit, dump.FirstError(r))
		case r.Stdout == "runs\n": // its server does: this is a restore in place
			if err := j.machine.Stop(ctx); err != nil {
				return err
			}
			continue
		}
		_, rest, _ := strings.Cut(r.Stdout, " Ver ")
		if fields := strings.Fields(rest); len(fields) > 0 {
			j.here = fields[0]
			return nil
		}
		return &restore.ImageError{Reason: "it has no server of MariaDB (neither mariadbd nor mysqld)"}
	}
}

// tool runs a script that has nothing to do with the backup's content.
func (j *job) tool(ctx context.Context, script string, args ...string) error {
	return j.runner(j.machine, func() {}).Tool(ctx, append([]string{"sh", "-c", script, "sh"}, args...))
}

// fill reads the backup, and puts it into the data folder, and behind it what the server is told.
func (j *job) fill(ctx context.Context) (restore.Outcome, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	stage := path.Join(j.set.Data, stageFolder)
	j.put = &putting{ctx: reading, runner: j.runner(j.machine, stop), stage: stage, made: map[string]bool{}}
	out, err := j.read(reading)
	if err == nil {
		err = j.fits()
	}
	if err == nil {
		err = j.settings()
	}
	if err != nil {
		stop() // nobody needs the rest
	}
	return out, j.put.end(err)
}

// fits tells whether the machine's server is of the version whose files these are: within one, files are read by all; others change them.
func (j *job) fits() error {
	of := j.version()
	if of == "" {
		j.Note("xtrabackup_info is missing, which is written last: which version it is of, and whether it was ended, is not known")
		return nil
	}
	if major(of) != major(j.here) || !strings.Contains(j.here, "MariaDB") {
		return &restore.MisfitError{What: restore.MisfitData, Has: "MariaDB " + major(of), Wants: product(j.here)}
	}
	return nil
}

func product(version string) string {
	if strings.Contains(version, "MariaDB") {
		return "MariaDB " + major(version)
	}
	return "MySQL " + major(version)
}

// major are the first two numbers of a version.
func major(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
