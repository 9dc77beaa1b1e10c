package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// columns that are run.
var columns = []column{bare, rules, lastTime, profiled}

// shelf is everything that stands on it, the broken of each kind first.
func shelf() []item {
	return slices.Concat(damagedDumps(), wrongFiles(), hostileDumps(), lostRows(), lostStructure(), oddDumps(), oddDatabases(), images(), disks(), mysqlDumps(),
		redisBackups(), trees(), clusters(), etcdSnapshots(), physicalBackups(), loggedBackups(), dumpersFolders(), resticRepositories(), borgRepositories(),
		backrestRepositories(), barmanRepositories())
}

// everything is asked, but the rules of another database, and what is not there of a shape.
func everything(i item, c column) bool {
	switch c {
	case rules:
		return !i.other
	case lastTime:
		return i.shape.yesterday != nil
	case profiled:
		return i.shape.profile != nil
	}
	return true
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "shelf:", err)
		os.Exit(1)
	}
}

// call is what a call asks for.
type call struct {
	lifeboat, results, in, night string
	kind, only                   *regexp.Regexp
	keep, resume                 bool
	parallel                     int
}

func flags(args []string) (a call, err error) {
	f := flag.NewFlagSet("shelf", flag.ContinueOnError)
	f.StringVar(&a.lifeboat, "lifeboat", "bin/lifeboat", "the program that is to catch them")
	kind := f.String("kind", ".", "regular expression: kinds of backups, such as redis or mysql|disk")
	only := f.String("only", ".", "regular expression: names of the backups to be verified")
	f.StringVar(&a.in, "in", "", "only in the columns whose names are in this text: \"the last proof, a profile\"")
	f.StringVar(&a.results, "results", "build/shelf/results.ndjson", "file into which each answer is written when it is there")
	f.StringVar(&a.night, "night", "", "only lay the backups of make demo-nightly and their catalogue into this folder")
	f.BoolVar(&a.resume, "resume", false, "take the answers in that file that the same build of lifeboat gave")
	f.BoolVar(&a.keep, "keep", false, "leave backups, catalogues and drills in place, to be looked at")
	f.IntVar(&a.parallel, "parallel", 4, "check runs at a time")
	if err := f.Parse(args); err != nil {
		return a, err
	}
	if a.kind, err = regexp.Compile(*kind); err != nil {
		return a, fmt.Errorf("read -kind: %w", err)
	}
	if a.only, err = regexp.Compile(*only); err != nil {
		return a, fmt.Errorf("read -only: %w", err)
	}
	return a, nil
}

// wants tells whether an item is asked for in a column.
func (a call) wants(i item, c column) bool {
	return everything(i, c) && (a.in == "" || strings.Contains(a.in, string(c)))
}

// items are those that are asked for.
func (a call) items() []item {
	return slices.DeleteFunc(shelf(), func(i item) bool {
		return !a.kind.MatchString(i.shape.name) || !a.only.MatchString(i.name) ||
			!slices.ContainsFunc(columns, func(c column) bool { return a.wants(i, c) })
	})
}

// run verifies the shelf, prints the table, and ends with an error where lifeboat or a label is wrong. One that is stopped prints what
// it knows.
func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	a, err := flags(args)
	if err != nil {
		return err
	}
	b, err := newBench(a.lifeboat, a.parallel, progress)
	if err != nil {
		return err
	}
	b.keep = a.keep
	defer func() {
		if a.keep {
			fmt.Fprintln(progress, "shelf: everything is in", b.dir)
		}
		err = errors.Join(err, b.Close())
	}()
	if a.night != "" {
		return b.layNight(ctx, nightly, a.night)
	}
	items := a.items()
	k, err := keptIn(a)
	if err != nil {
		return err
	}
	defer k.Close() //nolint:errcheck // each answer was written when it was there
	todo := slices.DeleteFunc(slices.Clone(items), func(i item) bool { return k.has(i, a.wants) })
	fmt.Fprintf(progress, "shelf: %d backups, %d of them answered before\n", len(items), len(items)-len(todo))
	stopped := b.prove(ctx, todo, a.wants, func(r result) { k.take(r, progress, len(items)) })
	if err := print(out, k.results(items)); err != nil || stopped != nil {
		return errors.Join(err, stopped)
	}
	return k.wrote
}
