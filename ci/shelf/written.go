package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// forms are the entries that lifeboat new writes of good dumps, by the endings of their names.
type forms map[string]string

// template is what lifeboat new writes: the head of a catalogue, and its entries.
type template struct {
	head  string
	forms forms
}

// written has lifeboat new look through a folder of good dumps, one of each form, and gives what it writes.
func (b *bench) written(ctx context.Context) (head string, _ forms, err error) {
	t, err := once(b, "catalogue", func() (template, error) { return b.write(ctx) })
	return t.head, t.forms, err
}

func (b *bench) write(ctx context.Context) (t template, err error) {
	for _, line := range []string{dump, plain, tarred, gzipped, zstd} {
		if _, err := b.make(ctx, dumped("", line, fileOf[line]), "new", formOf(fileOf[line])); err != nil {
			return t, err
		}
	}
	file := filepath.Join(b.dir, "new.yaml")
	if _, err := command(ctx, nil, b.lifeboat, "new", "--catalogue", filepath.Join(b.dir, "new"), "--image", image, file); err != nil {
		return t, err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return t, err
	}
	head, list, found := strings.Cut(string(raw), "\nbackups:\n")
	if !found {
		return t, errors.New("lifeboat new writes no list of backups")
	}
	t = template{head + "\nbackups:\n", forms{}}
	for entry := range strings.SplitSeq("\n"+list, "\n  - name: ") {
		if name, rest, found := strings.Cut(entry, " "); found {
			t.forms[name] = rest
		}
	}
	return t, nil
}

// formOf is what a name ends with, as a name of an entry: sql-gz.
func formOf(file string) string {
	_, ending, _ := strings.Cut(file, ".")
	return strings.ReplaceAll(ending, ".", "-")
}

// of is the entry of the item in a folder, as lifeboat new wrote it of a good one of its form.
func (f forms) of(b *bench, name, folder string) string {
	file, err := backupIn(filepath.Join(b.dir, made, folder))
	form := formOf(file)
	if f[form] == "" || err != nil { // what lies there was to be a dump
		form = "dump"
	}
	return "  - name: " + name + " " + strings.ReplaceAll(f[form], `"./new/`+form+`"`, `"./`+folder+`"`) + "\n"
}
