package mydumper

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/drills/restore/mysql/session"
)

// Text gives what the folder holds as one dump, in the order in which it can be loaded: databases, tables, rows, routines, views, triggers. in is the
// folder again, from which the rows are read. Whoever stops before its end closes it: then nothing reads in any more.
func (f *Folder) Text(in *dump.Input) io.ReadCloser {
	r, w := io.Pipe()
	t := &text{PipeReader: r, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		out := bufio.NewWriterSize(w, dump.PieceSize)
		err := f.write(in, out)
		if err == nil {
			err = out.Flush()
		}
		w.CloseWithError(err)
	}()
	return t
}

// text is written while it is read.
type text struct {
	*io.PipeReader
	done chan struct{}
}

// Close implements io.Closer.
func (t *text) Close() error {
	err := t.PipeReader.Close()
	<-t.done
	return err
}

func (f *Folder) write(in *dump.Input, out io.Writer) error {
	if _, err := io.WriteString(out, f.head()); err != nil {
		return err
	}
	if err := f.each(out, createsOne, createsSequence, createsTable); err != nil {
		return err
	}
	err := dump.Members(in, "its tar", func(h *tar.Header, from io.Reader) error {
		one := fileOf(strings.TrimPrefix(path.Clean("/"+h.Name), "/"))
		if one.is != rowsOf || mysqldump.System(one.database) {
			_, err := io.Copy(io.Discard, from)
			return err
		}
		return f.copy(one, from, out)
	})
	if err == nil {
		err = dump.Drained(in)
	}
	if err == nil {
		err = f.each(out, createsPost, createsView, createsTriggers)
	}
	if err == nil { // what it holds is of the moment at which it was begun
		_, err = fmt.Fprintf(out, "-- Dump completed on %s\n", f.Said.Started)
	}
	return err
}

// head says what mydumper's metadata say, in the words of other dumps.
func (f *Folder) head() string {
	var h strings.Builder
	names := slices.Sorted(maps.Values(f.names))
	fmt.Fprintf(&h, "-- MySQL dump of mydumper\n-- Host: mydumper    Database: %s\n", inLine(strings.Join(names, " ")))
	if s := f.Said; s.Log != "" {
		fmt.Fprintf(&h, "-- CHANGE MASTER TO MASTER_LOG_FILE='%s', MASTER_LOG_POS=%d;\n", s.Log, s.Offset)
		form := "-- SET GLOBAL gtid_slave_pos='%s';\n"
		if strings.Contains(s.GTID, ":") {
			form = "-- SET @@GLOBAL.GTID_PURGED='%s';\n"
		}
		if s.GTID != "" {
			fmt.Fprintf(&h, form, inLine(s.GTID))
		}
	}
	h.WriteString("/*!40101 SET NAMES binary */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n/*!40014 SET UNIQUE_CHECKS=0 */;\n")
	if slices.ContainsFunc(f.files, func(o file) bool { return o.database == "mysql" }) {
		h.WriteString("USE `mysql`;\n") // it is of all databases
	}
	return h.String()
}

func inLine(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "'", " ").Replace(text)
}

// each writes files of some kinds, one kind behind the other.
func (f *Folder) each(out io.Writer, kinds ...part) error {
	for _, is := range kinds {
		for _, o := range f.files {
			if o.is != is || mysqldump.System(o.database) {
				continue
			}
			if _, err := io.WriteString(out, f.before(o)+o.sql(f.texts[o.path])+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// before is what comes before a file, since none must hold for the next what the one before it set. mydumper says the mode in which rows are read and not
// always that of routines, which then get the server's.
func (f *Folder) before(o file) string {
	mode := "'NO_AUTO_VALUE_ON_ZERO'"
	if o.is == createsPost || o.is == createsTriggers || o.is == createsView {
		mode = "DEFAULT"
	}
	text := "/*!40101 SET NAMES binary */;\n/*!40101 SET SQL_MODE=" + mode + " */;\n"
	if o.is == createsOne {
		return text
	}
	return text + "USE " + session.Name(f.names[o.database]) + ";\n"
}

// copy writes a file of rows.
func (f *Folder) copy(o file, from io.Reader, out io.Writer) error {
	plain, found, done, err := dump.Unwrapped(from)
	defer done()
	if err == nil {
		_, err = io.WriteString(out, f.before(o))
	}
	if err == nil {
		_, err = io.Copy(out, plain)
	}
	if err == nil {
		_, err = io.WriteString(out, "\n")
	}
	if err != nil && !dump.Harness(err) && err != io.ErrClosedPipe {
		return dump.PartError(o.path, found, err)
	}
	return err
}
