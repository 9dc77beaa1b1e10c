package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"

	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
	"lifeboat/internal/lazy"
	"lifeboat/internal/userfile"
)

// glance is what the beginning of a file tells.
type glance struct {
	kind  filekind.Kind // of what it holds, where it is compressed
	words string
	dump  bool   // of PostgreSQL
	base  bool   // a base backup in a folder, with its tablespaces
	of    string // the program whose repository it is; "": it is none
	image string // of a dump of MySQL or MariaDB: the public image of the server that was dumped; "": it does not say
	dated bool   // it says when it was made, as every archive of pg_dump does, and SQL where --verbose made it
}

// contents is the file with which pg_dump's format for folders begins to be read.
const contents = "toc.dat"

// repositories are the programs that keep backups in a folder of their own, and what lies in it.
var repositories = []struct{ program, words, file string }{
	{"restic", "a repository of restic", "keys/*"}, {"borg", "a repository of borg", "data/0"},
	{"pgbackrest", "a repository of pgBackRest", "backup/*/backup.info"}, {"barman", "a folder of Barman's", "*/base/*/backup.info"},
	{"barman", "a folder of Barman's, of one server", "base/*/backup.info"},
}

// repositoryIn says whose repository a folder is.
func repositoryIn(folder string) (program, words string) {
	for _, r := range repositories {
		found, _ := filepath.Glob(filepath.Join(escaped(folder), r.file)) // the pattern is a constant
		if len(found) > 0 && (r.program != "restic" && r.program != "borg" || isFile(filepath.Join(folder, "config"))) {
			return r.program, r.words
		}
	}
	return "", ""
}

// holdsContents tells whether a folder is one backup: a dump (pg_dump, mydumper), a log of Redis in parts, a base backup, a chain of mariadb-backup's, or
// a repository.
func holdsContents(folder string) bool {
	if program, _ := repositoryIn(folder); program != "" {
		return true
	}
	return isFile(filepath.Join(folder, contents)) || holdsParts(folder) || holdsBase(folder) || holdsPhysical(folder) || holdsMydumper(folder)
}

// holdsMydumper tells whether a folder holds what mydumper writes, to its end or not.
func holdsMydumper(folder string) bool {
	if !isFile(filepath.Join(folder, "metadata")) && !isFile(filepath.Join(folder, "metadata.partial")) {
		return false
	}
	found, _ := filepath.Glob(filepath.Join(escaped(folder), "*-schema*.sql*")) // the pattern is a constant
	return len(found) > 0
}

// holdsBase tells whether a folder holds what pg_basebackup writes, as tars or as files.
func holdsBase(folder string) bool {
	found, _ := filepath.Glob(filepath.Join(folder, "base.tar*")) // the pattern is a constant
	return len(found) > 0 || isFile(filepath.Join(folder, "backup_label")) && isFile(filepath.Join(folder, "PG_VERSION"))
}

// holdsPhysical tells whether a folder holds what mariadb-backup writes: one backup, or a full one with its increments in folders of their own.
func holdsPhysical(folder string) bool {
	full, increments := 0, 0
	for _, name := range []string{"xtrabackup_checkpoints", "mariadb_backup_checkpoints"} {
		if isFile(filepath.Join(folder, name)) {
			return true
		}
		found, _ := filepath.Glob(filepath.Join(folder, "*", name)) // a folder of an odd name is not found
		for _, file := range found {
			if text, err := userfile.Read(file, 1<<10); err == nil && bytes.Contains(text, []byte("incremental")) {
				increments++
			} else {
				full++
			}
		}
	}
	return full == 1 && increments > 0
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// holdsParts tells whether a folder holds the manifest of a log of Redis in parts, or is the data folder of a server with one.
func holdsParts(folder string) bool {
	for _, pattern := range []string{"*.aof.manifest", "appendonlydir/*.manifest"} {
		if found, err := filepath.Glob(filepath.Join(folder, pattern)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

func glanceAt(file string) (g glance, err error) {
	if program, words := repositoryIn(file); program != "" {
		return glance{words: words, of: program}, nil
	}
	if holdsParts(file) {
		return glance{kind: filekind.Named("redis_aof"), words: "a log of Redis in several parts"}, nil
	}
	if holdsBase(file) {
		return glance{kind: filekind.Named("basebackup"), words: "a base backup of PostgreSQL (pg_basebackup)", base: true}, nil
	}
	if holdsPhysical(file) {
		return glance{kind: filekind.Named("xtrabackup"), words: "a backup of mariadb-backup"}, nil
	}
	if holdsMydumper(file) {
		return glance{kind: filekind.Named("mysql"), words: "a folder of mydumper", dated: true}, nil
	}
	if holdsContents(file) {
		return glance{kind: filekind.Named("pg_custom"), words: "a folder of pg_dump", dump: true, dated: true}, nil
	}
	f, err := userfile.Open(file)
	if err != nil {
		return g, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return glanceOf(f)
}

// glanceOf what is read from its beginning on.
func glanceOf(f io.Reader) (g glance, err error) {
	head, err := beginning(f)
	if err != nil {
		return g, err
	}
	outer := filekind.Of(head)
	if outer.Class != filekind.Packed {
		return glanced(outer.Kind, "", head), nil
	}
	u, err := unpack.Open(outer.Kind, io.MultiReader(bytes.NewReader(head), f))
	if err != nil {
		return glanced(outer.Kind, "", nil), nil
	}
	defer u.Close() //nolint:errcheck // it was only read
	inner, err := beginning(u)
	if err != nil {
		return glanced(outer.Kind, "", nil), nil
	}
	return glanced(filekind.Of(inner).Kind, ", "+outer.Words, inner), nil
}

func glanced(kind filekind.Kind, packed string, head []byte) glance {
	g := glance{kind: kind, words: kind.Words + packed, dump: kind.Class == filekind.Dump, dated: true}
	switch {
	case kind.Name == "tar" && holdsDump(head):
		g.words, g.dump = "a tar of pg_dump"+packed, true
	case kind.Name == "mysql":
		g.image = imageOf(head)
		g.dated = len(head) > 0 && !bytes.HasPrefix(head, []byte("/*!4")) // its closing line tells; without comments there is none
	case kind.Name == "redis_aof", kind.Name == "redis" && !bytes.Contains(head, []byte("ctime")):
		g.dated = false // a log begins with what may be weeks older
	case kind.In("pg_plain", "pg_cluster"):
		g.dated = bytes.Contains(head, []byte("\n-- Started on "))
	}
	return g
}

// imageOf is the public image of the server that a dump of MySQL or MariaDB is of.
func imageOf(head []byte) string {
	m := dumpedServer().FindSubmatch(head)
	switch {
	case m == nil:
		return ""
	case bytes.Contains(m[0], []byte("MariaDB")):
		return "mariadb:" + string(m[1])
	}
	return "mysql:" + string(m[1])
}

// dumpedServer is the line of a dump's header with the version of the server.
var dumpedServer = lazy.Regexp(`(?m)^-- Server version\s+(\d+\.\d+)\S*`)

// holdsDump tells whether the first names in a tar are those of pg_dump's.
func holdsDump(head []byte) bool {
	for r := tar.NewReader(bytes.NewReader(head)); ; {
		h, err := r.Next()
		if err != nil {
			return false
		}
		if name := path.Base(h.Name); name == contents || dumpFile().MatchString(name) {
			return true
		}
	}
}

// dumpFile is a table's rows, or large objects, in pg_dump's format for folders.
var dumpFile = lazy.Regexp(`^(\d+|blob_\d+)\.dat(\.(gz|lz4|zst))?$`)

func beginning(r io.Reader) ([]byte, error) {
	head := make([]byte, filekind.Enough)
	n, err := io.ReadFull(r, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}
