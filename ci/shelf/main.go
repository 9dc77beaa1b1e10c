package main

import (
	"context"
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
	return slices.Concat(damagedDumps(), wrongFiles(), hostileDumps(), lostRows(), lostStructure(), oddDumps(), oddDatabases(), images(), disks(), mysqlDumps())
}

// everything is asked, but the rules of another database, and what there is only of databases.
func everything(i item, c column) bool {
	return (!i.other || c != rules) && (i.shape.profile != nil || c == bare || c == rules)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "shelf:", err)
		os.Exit(1)
	}
}

// run verifies the shelf, prints the table, and ends with an error where lifeboat or a label is wrong.
func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	f := flag.NewFlagSet("shelf", flag.ContinueOnError)
	lifeboat := f.String("lifeboat", "bin/lifeboat", "the program that is to catch them")
	only := f.String("only", "", "regular expression: names of the backups to be verified")
	keep := f.Bool("keep", false, "leave backups, catalogues and drills in place, to be looked at")
	in := f.String("in", "", "only in the columns whose names are in this text: \"the last proof, a profile\"")
	parallel := f.Int("parallel", 3, "check runs at a time")
	if err := f.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("read -only: %w", err)
	}
	var items []item
	for _, i := range shelf() {
		if wanted.MatchString(i.name) {
			items = append(items, i)
		}
	}
	b, err := newBench(*lifeboat, *parallel, progress)
	if err != nil {
		return err
	}
	defer func() {
		if *keep {
			fmt.Fprintln(progress, "shelf: everything is in", b.dir)
		}
		if left := b.Close(*keep); err == nil {
			err = left
		}
	}()
	all, err := b.prove(ctx, items, func(i item, c column) bool {
		return everything(i, c) && (*in == "" || strings.Contains(*in, string(c)))
	})
	if err != nil {
		return err
	}
	return print(out, all)
}
