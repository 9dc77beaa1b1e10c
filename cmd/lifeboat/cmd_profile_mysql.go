package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"lifeboat/cmd/lifeboat/source"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/lazy"
	"lifeboat/internal/userfile"
)

// profileMySQL reads a server of MariaDB or MySQL, beside a dump if there are arguments of mysqldump.
func (a *app) profileMySQL(ctx context.Context, f profileFlags, args []string) error {
	options, limit, errs := f.options()
	given, password, err := f.connection()
	errs = append(errs, err)
	where, name, file := source.MySQL{}, given.Dial, f.file
	var dump source.MySQLDump
	if len(args) > 0 {
		var problems []string
		dump, problems = source.ParseMySQLDump(args)
		for _, p := range problems {
			errs = append(errs, errors.New(p))
		}
		if f.all || given != (source.Where{Password: given.Password}) {
			errs = append(errs, errors.New("the connection is the dump's own: give host, port, user and databases behind --"))
		}
		if dump.File == "" && a.json {
			errs = append(errs, errors.New("with --json the dump cannot go to standard output: add --result-file=FILE behind --"))
		}
		if file == "" && dump.File != "" {
			file = dump.File + sidecars.Profile
		}
		where, options.Scope, options.Databases = dump.Where, dump.Scope, dump.Databases
	} else {
		var problems []string
		where, problems = source.MySQLClient(source.MySQL{Host: given.Host, Port: given.Port, User: given.User})
		for _, p := range problems {
			errs = append(errs, errors.New(p))
		}
		if f.all == (name != "") {
			errs = append(errs, errors.New("give --database NAME, or --all-databases"))
		}
	}
	if file == "" {
		errs = append(errs, errors.New("-o FILE is missing: name the file of the profile, such as shop.sql.gz.profile.json"))
	}
	if password != "" {
		where.Password = password
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	server, at, err := where.Server(name, limit)
	if err != nil {
		return err
	}
	got := profileAnswer{File: file}
	began := time.Now()
	if len(args) == 0 {
		p, err := mysqlDialect.Profile(ctx, server, options)
		if err != nil {
			return fmt.Errorf("%w: no profile is written (%s)", err, at)
		}
		got.Seconds = time.Since(began).Seconds()
		return a.keepProfile(p, got)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) { // it is of the dump that lay there before
		return fmt.Errorf("remove the profile of an older dump: %w", err)
	}
	p, unread, err := mysqlDialect.Beside(ctx, server, options, func(reads func()) error {
		began := time.Now()
		defer func() { got.Dump = time.Since(began).Seconds() }()
		return a.dumpMySQL(ctx, args, dump.File, password, reads)
	})
	if err != nil {
		return err
	}
	if unread != nil {
		return fmt.Errorf("the dump was taken, and has no profile: %w (%s)", unread, at)
	}
	got.Seconds = time.Since(began).Seconds() - got.Dump
	return a.keepProfile(p, got)
}

// dumpMySQL runs the user's program, and calls reads when what it writes shows that it reads tables.
func (a *app) dumpMySQL(ctx context.Context, args []string, file, password string, reads func()) error {
	out := &readingDump{to: a.stdout, reads: reads}
	if file != "" {
		watching, stop := context.WithCancel(ctx)
		var done sync.WaitGroup
		began := time.Now()
		done.Go(func() { watch(watching, file, began, out) })
		defer done.Wait()
		defer stop()
	}
	return a.dump(ctx, args, "MYSQL_PWD", password, out)
}

// reading is what stands in a dump behind its header: its transaction, or its lock, was there before.
var reading = lazy.Regexp(`(?m)^(-- (Current Database|Table structure|Temporary)|CREATE |DROP |USE |INSERT |LOCK |/\*!50001 )`)

// headOfDump is how much of a dump is looked through: a header is shorter, bytes.
const headOfDump = 64 << 10

// readingDump hands a dump on and tells when it reads.
type readingDump struct {
	to    io.Writer
	head  []byte
	told  bool
	reads func()
}

func (r *readingDump) Write(p []byte) (int, error) {
	n, err := r.to.Write(p)
	if !r.told {
		r.look(append(r.head, p...))
	}
	return n, err
}

func (r *readingDump) look(head []byte) {
	if r.head = head; len(head) >= headOfDump || reading().Match(head) {
		r.told = true
		r.reads()
	}
}

// watch looks at the file that a dump writes by itself; what lay there before is not its.
func watch(ctx context.Context, file string, since time.Time, out *readingDump) {
	for !out.told {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
		if info, err := os.Stat(file); err != nil || !info.ModTime().After(since) {
			continue
		}
		f, err := userfile.Open(file)
		if err != nil {
			continue
		}
		head, err := io.ReadAll(io.LimitReader(f, headOfDump))
		_ = f.Close() // it was only read
		if err == nil {
			out.look(head)
		}
	}
}
