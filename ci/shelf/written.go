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

// written has lifeboat new look through a folder of good dumps, one of each form, and gives what it writes: the head of a catalogue, and
// the entries.
func (b *bench) written(ctx context.Context) (head string, _ forms, err error) {
	if b.head != "" {
		return b.head, b.forms, nil
	}
	for _, line := range []string{dump, plain, tarred, gzipped, zstd} {
		if _, err := b.make(ctx, dumped("", line, fileOf[line]), "new", formOf(fileOf[line])); err != nil {
			return "", nil, err
		}
	}
	file := filepath.Join(b.dir, "new.yaml")
	if _, err := command(ctx, nil, b.lifeboat, "new", "--catalogue", filepath.Join(b.dir, "new"), "--image", image, file); err != nil {
		return "", nil, err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	head, list, found := strings.Cut(string(raw), "\nbackups:\n")
	if !found {
		return "", nil, errors.New("lifeboat new writes no list of backups")
	}
	b.head, b.forms = head+"\nbackups:\n", forms{}
	for entry := range strings.SplitSeq("\n"+list, "\n  - name: ") {
		if name, rest, found := strings.Cut(entry, " "); found {
			b.forms[name] = rest
		}
	}
	return b.head, b.forms, nil
}

// formOf is what a name ends with, as a name of an entry: sql-gz.
func formOf(file string) string {
	_, ending, _ := strings.Cut(file, ".")
	return strings.ReplaceAll(ending, ".", "-")
}

// of is the entry of an item, as lifeboat new wrote it of a good one of its form.
func (f forms) of(b *bench, c column, name string) string {
	file, err := backupIn(filepath.Join(b.dir, made, name))
	form := formOf(file)
	if f[form] == "" || err != nil { // what lies there was to be a dump
		form = "dump"
	}
	return "  - name: " + name + " " + strings.ReplaceAll(f[form], `"./new/`+form+`"`, `"./`+c.folder()+"/"+name+`"`) + "\n"
}
