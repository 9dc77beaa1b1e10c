package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/cmd/lifeboat/source"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
	"lifeboat/verifier/database"
)

// profileFlags of the command.
type profileFlags struct {
	where                     source.Where
	passwordEnv, passwordFile string
	all                       bool
	file, sample              string
	seed                      int64
	timeout                   string
	files, kind               string
}

// profileAnswer is what was written.
type profileAnswer struct {
	File      string `json:"file"`
	Digest    string `json:"digest"`
	Databases int    `json:"databases"`
	Tables    int    `json:"tables"`
	Rows      int64  `json:"rows"`
	// Unread are tables that were not read, and why: nothing can be held against them.
	Unread  []string `json:"unread,omitempty"`
	Seconds float64  `json:"seconds"`                // to read it
	Dump    float64  `json:"dump_seconds,omitempty"` // the dump took, before or after it
}

func (a *app) profileCommand() *cobra.Command {
	f := profileFlags{}
	c := &cobra.Command{
		Use: "profile [-- pg_dump|mysqldump ARGS…]", Short: "Write down what a database is, so that a copy of it can be held against that",
		Long: "Reads a PostgreSQL database (12 to 18) and writes FILE.profile.json: its structure, and fingerprints of its rows; no row leaves it.\n" +
			"Beside a backup of the same moment it is what the check kind: profile holds the restored copy against. The connection is libpq's:\n" +
			"PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE, PGSERVICE and PGSSLMODE count where no flag says otherwise.\n\n" +
			"  lifeboat profile -- pg_dump -Fc -f shop.dump shop\n\n" +
			"reads the profile in the snapshot of a transaction, runs that pg_dump in the same one and writes shop.dump.profile.json: the two are of\n" +
			"one moment, whatever is written meanwhile, and the source bears one of them at a time. The exit code is pg_dump's.\n\n" +
			"  lifeboat profile -- mysqldump --single-transaction -R -E -r shop.sql shop\n\n" +
			"does the same for MariaDB (10.5 to 11.8) and MySQL. Nobody can write there until both have begun, which takes the right RELOAD and mostly less\n" +
			"than a second; then the dump is taken, and the profile is read in a transaction that began with it. Without a dump: --kind mysql. The\n" +
			"connection is that of the dump's options, or of [client] in the option files.\n\n" +
			"  lifeboat profile --files /srv/files -o files.tar.gz.profile.json\n\n" +
			"writes the manifest of a tree of files: a line for each path, with type, mode, owner, size, time, SHA-256, links and attributes.\n" + exitHelp,
		RunE: func(c *cobra.Command, args []string) error {
			if c.ArgsLenAtDash() > 0 || c.ArgsLenAtDash() < 0 && len(args) > 0 {
				return errors.New("write -- before the program that dumps, and flags of lifeboat before that; a database is named by --database")
			}
			if f.files != "" {
				return a.profileFiles(c, f)
			}
			switch mysql := source.DumpsMySQL(args); {
			case f.kind != "postgres" && f.kind != "mysql", mysql && c.Flags().Changed("kind") && f.kind != "mysql", f.kind == "mysql" && len(args) > 0 && !mysql:
				return fmt.Errorf("--kind %s: it is postgres or mysql (MariaDB too), and that of the dump", f.kind)
			case mysql, f.kind == "mysql":
				return a.profileMySQL(c.Context(), f, args)
			}
			return a.profile(c.Context(), f, args)
		},
	}
	fl := c.Flags()
	fl.StringVarP(&f.file, "output", "o", "", "file to write; default with a dump: its own file, and .profile.json")
	fl.StringVar(&f.kind, "kind", "postgres", "postgres, or mysql (MariaDB too)")
	fl.StringVar(&f.where.Host, "host", "", "server, or folder of its socket (PGHOST)")
	fl.StringVar(&f.where.Port, "port", "", "its port (PGPORT)")
	fl.StringVar(&f.where.User, "user", "", "who sees every row and every grant (PGUSER)")
	fl.StringVar(&f.where.Dial, "database", "", "database, or a connection string (PGDATABASE)")
	fl.StringVar(&f.passwordEnv, "password-env", "", "variable that holds the password (default PGPASSWORD)")
	fl.StringVar(&f.passwordFile, "password-file", "", "file that holds the password (default: PGPASSFILE is looked through)")
	fl.BoolVar(&f.all, "all-databases", false, "of the server, and its roles, as pg_dumpall dumps them")
	fl.StringVar(&f.files, "files", "", "folder: write the manifest of the tree of files in it, which check kind: tree holds a restored copy against")
	fl.StringVar(&f.sample, "sample", "", "size of a table above which a part of its rows is hashed, such as 2GB (default: every row of every table)")
	fl.Int64Var(&f.seed, "seed", 0, "of the samples: which rows are chosen")
	fl.StringVar(&f.timeout, "timeout", "6h", "how long the reading may take")
	return c
}

// profile reads one, beside a dump if there are arguments of pg_dump.
func (a *app) profile(ctx context.Context, f profileFlags, args []string) error {
	options, limit, errs := f.options()
	where, password, err := f.connection()
	errs = append(errs, err)
	file := f.file
	var dump source.Dump
	if len(args) > 0 {
		var problems []string
		dump, problems = source.ParseDump(args)
		for _, p := range problems {
			errs = append(errs, errors.New(p))
		}
		if f.all || where != (source.Where{Password: where.Password}) {
			errs = append(errs, errors.New("the connection is pg_dump's own: give host, port, user and database behind --"))
		}
		if dump.File == "" && a.json {
			errs = append(errs, errors.New("with --json the dump cannot go to standard output: add -f FILE behind --"))
		}
		dump.Where.Password, where, options.Scope = where.Password, dump.Where, dump.Scope
		where.Password = password
		if file == "" && dump.File != "" {
			file = strings.TrimRight(dump.File, "/") + sidecars.Profile
		}
	}
	if file == "" {
		errs = append(errs, errors.New("-o FILE is missing: name the file of the profile, such as shop.dump.profile.json"))
	}
	if f.all && where.Dial != "" {
		errs = append(errs, errors.New("--all-databases and --database: one of the two"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	from, err := source.Of(where)
	if err != nil {
		return err
	}
	name := from.Database()
	if f.all {
		name = ""
	}
	got := profileAnswer{File: file}
	read := func() (database.Profile, error) {
		began := time.Now()
		p, err := postgresDialect.Profile(ctx, from.Server(name, limit), options)
		got.Seconds = time.Since(began).Seconds()
		if err != nil {
			err = fmt.Errorf("%w: no profile is written (%s)", err, from.Name())
		}
		return p, err
	}
	if len(args) == 0 {
		p, err := read()
		if err != nil {
			return err
		}
		return a.keepProfile(p, got)
	}
	snapshot, err := from.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", from.Name(), err)
	}
	defer snapshot.Close(context.WithoutCancel(ctx))
	options.Snapshot = snapshot.ID
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) { // it is of the dump that lay there before
		return fmt.Errorf("remove the profile of an older dump: %w", err)
	}
	// The profile comes first: sequences heed no snapshot, so that a copy's may only be further. A dump is taken all the same without it.
	p, unread := read()
	began := time.Now()
	if err := a.dump(ctx, append([]string{args[0], "--snapshot=" + snapshot.ID}, args[1:]...), "PGPASSWORD", password, a.stdout); err != nil {
		return err
	}
	if got.Dump = time.Since(began).Seconds(); unread != nil {
		return fmt.Errorf("the dump was taken, and has no profile: %w", unread)
	}
	return a.keepProfile(p, got)
}

func (f profileFlags) options() (o database.ProfileOptions, limit time.Duration, errs []error) {
	o.Seed = f.seed
	if f.sample != "" {
		size, err := scenarios.ParseSize(f.sample)
		if err != nil || size <= 0 {
			errs = append(errs, fmt.Errorf("--sample %q: give a size with its unit, such as 2GB", f.sample))
		}
		o.Whole = int64(size)
	}
	within, err := scenarios.ParseDuration(f.timeout)
	if err != nil || within <= 0 {
		errs = append(errs, fmt.Errorf("--timeout %q: give a length of time with its unit, such as 2h", f.timeout))
	}
	return o, within.Std(), errs
}

// longestPassword in a file, bytes.
const longestPassword = 64 << 10

// connection is where the flags lead, and the password that they name; "": libpq's.
func (f profileFlags) connection() (source.Where, string, error) {
	w := f.where
	switch {
	case f.passwordEnv != "" && f.passwordFile != "":
		return w, "", errors.New("--password-env and --password-file: one of the two")
	case f.passwordEnv != "":
		if w.Password = os.Getenv(f.passwordEnv); w.Password == "" {
			return w, "", fmt.Errorf("--password-env %s: the variable is empty", f.passwordEnv)
		}
	case f.passwordFile != "":
		raw, err := userfile.Read(f.passwordFile, longestPassword)
		if err != nil {
			return w, "", fmt.Errorf("--password-file: %w", err)
		}
		if w.Password = strings.TrimRight(string(raw), "\r\n"); w.Password == "" {
			return w, "", fmt.Errorf("--password-file %s: it is empty", f.passwordFile)
		}
	}
	return w, w.Password, nil
}

// dump runs the user's program that dumps. Its exit code is this program's.
func (a *app) dump(ctx context.Context, args []string, variable, password string, out io.Writer) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = a.stdin, out, a.stderr
	if password != "" {
		c.Env = append(os.Environ(), variable+"="+password)
	}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		fmt.Fprintf(a.stderr, "lifeboat: %s ended with exit code %d: no profile is written\n", filepath.Base(args[0]), ended.ExitCode())
		return &exitError{ended.ExitCode()}
	}
	return fmt.Errorf("run %s: %w: no profile is written", args[0], err)
}

// keepProfile writes it whole or not at all, for its owner alone: extremes of columns are in it.
func (a *app) keepProfile(p database.Profile, got profileAnswer) error {
	raw, err := p.Bytes()
	if err != nil {
		return err
	}
	if err := replaceFile(got.File, func(w io.Writer) error { _, err := w.Write(raw); return err }); err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	got.Digest, got.Databases = "sha256:"+hex.EncodeToString(sum[:]), len(p.Databases)
	got.Tables, got.Rows = p.Size()
	for _, d := range p.Databases {
		for _, t := range d.Tables {
			if t.Unread != "" {
				got.Unread = append(got.Unread, d.Database+": "+t.Name+": "+t.Unread)
			}
		}
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(got)
	}
	_, err = fmt.Fprintf(a.stderr, "wrote %s, %s: %d tables of %d databases, %d rows, read in %.1f s\n", got.File, got.Digest, got.Tables,
		got.Databases, got.Rows, got.Seconds)
	if n := len(got.Unread); n > 0 && err == nil {
		_, err = fmt.Fprintf(a.stderr, "%d tables were not read, so no copy can be held against them; the first is %s (ask as their owner or a superuser)\n",
			n, got.Unread[0])
	}
	return err
}
