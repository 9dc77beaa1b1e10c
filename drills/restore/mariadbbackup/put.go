package mariadbbackup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// putting fills a folder of a machine that waits for its data. Files go by one stream for as long as no program is run: an engine does
// nothing else with a machine while it takes one.
type putting struct {
	ctx     context.Context
	runner  *dump.Runner
	stage   string
	made    map[string]bool
	filling *dump.Filling // nil: none is open
}

// text puts a file that is the machine's.
func (p *putting) text(at, content string) error {
	err := p.header(&tar.Header{Typeflag: tar.TypeReg, Name: strings.Trim(at, "/"), Size: int64(len(content)), Mode: 0o644})
	if err == nil {
		_, err = io.WriteString(p, content)
	}
	return err
}

func (p *putting) header(h *tar.Header) error {
	if p.filling == nil {
		p.filling = dump.Fill(p.ctx, p.runner.Machine)
	}
	return p.filling.Header(h)
}

// begin makes a file, and the folders above it.
func (p *putting) begin(at string, size int64) error {
	for _, folder := range above(path.Dir(at), p.stage) {
		if p.made[folder] {
			continue
		}
		p.made[folder] = true
		if err := p.header(&tar.Header{Typeflag: tar.TypeDir, Name: strings.Trim(folder, "/") + "/", Mode: 0o700}); err != nil {
			return err
		}
	}
	return p.header(&tar.Header{Typeflag: tar.TypeReg, Name: strings.Trim(at, "/"), Size: size, Mode: 0o600})
}

// Write goes into the file that was begun last.
func (p *putting) Write(b []byte) (int, error) { return p.filling.Write(b) }

// end waits until all files are there, or are given up for a reason.
func (p *putting) end(why error) error {
	filling := p.filling
	p.filling = nil
	return filling.End(why)
}

// above are the folders from one down to another, the outermost first.
func above(folder, top string) (all []string) {
	for ; folder != top && folder != "/" && folder != "."; folder = path.Dir(folder) {
		all = append([]string{folder}, all...)
	}
	return all
}

// unpack has the machine's own mbstream take a stream that read passes on.
func (p *putting) unpack(folder string, read func(out io.Writer) error) error {
	const run = `mkdir -p "$1" && exec mbstream -x -C "$1"`
	if err := p.end(nil); err != nil {
		return err
	}
	return p.runner.Pour(p.ctx, instance.Command{Args: []string{"sh", "-c", run, "sh", folder}, User: "0"}, read)
}

// runner runs programs in a machine.
func (l *Loader) runner(m instance.Machine, stop context.CancelFunc) *dump.Runner {
	return &dump.Runner{Machine: m, Stall: l.set.Stall.Std(), Stop: stop, Abandon: func(context.Context) {},
		Activity:  func(context.Context) (dump.Activity, error) { return dump.Activity{}, errors.New("no server runs yet") },
		Explained: func(error) bool { return false },
		Result: func(c instance.Command, r instance.Result) error {
			switch {
			case r.Exit == 0:
				return nil
			case r.Exit == 127 || strings.Contains(r.Stderr, "mbstream: not found"):
				return &restore.ImageError{Reason: "it has no mbstream, which unpacks the backup (it belongs to the package mariadb-backup)"}
			case strings.Contains(r.Stderr, noSpace):
				return fmt.Errorf("unpack the backup in %s: %s (give the host more disk)", m.Name(), dump.FirstError(r))
			}
			return fmt.Errorf("unpack the backup in %s: exit code %d: %s", m.Name(), r.Exit, dump.FirstError(r))
		}}
}

const noSpace = "No space left on device"
