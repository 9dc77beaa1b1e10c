package basebackup

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// putting fills the folders of a machine that does not run, by one stream. A nil one drops everything.
type putting struct {
	*dump.Filling
	data     string // data folder
	uid, gid int    // of the server
	made     map[string]bool
	want     func(name string) bool // segments of an archive; nil: all
}

// fill begins to put files into a machine.
func fill(ctx context.Context, m instance.Machine, data string, uid, gid int) *putting {
	return &putting{Filling: dump.Fill(ctx, m), data: strings.Trim(data, "/"), uid: uid, gid: gid, made: map[string]bool{}}
}

// destination of a path in the data folder: tablespaces lie on the volume beside it, to which links lead.
func (p *putting) destination(name string) string {
	if rest, ok := strings.CutPrefix(name, "pg_tblspc/"); ok {
		return path.Join(strings.Trim(spaceFolder, "/"), rest)
	}
	return path.Join(p.data, name)
}

// own makes a folder of the server's own, and those above it that nobody has made: the outermost are the volumes'.
func (p *putting) own(at string) error {
	volume := strings.Trim(stageFolder, "/")
	switch {
	case p.made[at], at == "", at == ".":
		return nil
	case at == volume, at == strings.Trim(spaceFolder, "/"), at == strings.Trim(walFolder, "/"):
		if at != volume {
			if err := p.own(volume); err != nil {
				return err
			}
		}
		p.made[at] = true
		return p.Header(&tar.Header{Typeflag: tar.TypeDir, Name: at + "/", Mode: 0o755})
	case at != p.data:
		if err := p.own(path.Dir(at)); err != nil {
			return err
		}
	}
	p.made[at] = true
	return p.Header(&tar.Header{Typeflag: tar.TypeDir, Name: at + "/", Mode: 0o700, Uid: p.uid, Gid: p.gid})
}

func (p *putting) folder(name string) error {
	if p == nil || name == "pg_tblspc" {
		return nil
	}
	return p.own(p.destination(name))
}

// file begins one of the server's; nil: it is not wanted.
func (p *putting) file(name string, size int64) (io.Writer, error) {
	if p == nil || left(name) {
		return nil, nil
	}
	at := p.destination(name)
	if err := p.own(path.Dir(at)); err != nil {
		return nil, err
	}
	return p, p.Header(&tar.Header{Typeflag: tar.TypeReg, Name: at, Size: size, Mode: 0o600, Uid: p.uid, Gid: p.gid})
}

// wal places files of an archive where the server reads them and cannot write.
func (p *putting) wal() placing {
	if p == nil {
		return nil
	}
	return func(name string, size int64, from io.Reader) error {
		if p.want != nil && !p.want(name) {
			return nil
		}
		return p.public(path.Join(walFolder, name), size, from)
	}
}

// public makes a file that is the machine's, and that the server may only read.
func (p *putting) public(at string, size int64, from io.Reader) error {
	at = strings.Trim(at, "/")
	if err := p.own(path.Dir(at)); err != nil {
		return err
	}
	if err := p.Header(&tar.Header{Typeflag: tar.TypeReg, Name: at, Size: size, Mode: 0o644}); err != nil {
		return err
	}
	if _, err := io.Copy(p, from); err != nil {
		return err
	}
	return nil
}

// owner finds whom the image runs its server as.
func owner(ctx context.Context, m instance.Machine, who string) (uid, gid int, err error) {
	if n, err := strconv.Atoi(who); err == nil {
		return n, n, nil
	}
	lack := func(why string) error {
		return &restore.ImageError{Reason: fmt.Sprintf("whom it runs its server as is not known: %s (name the user, or its number, in "+
			"restore.os_user)", why)}
	}
	const passwd = "/etc/passwd"
	raw, err := m.Get(ctx, passwd)
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || f[0] != who {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		gid, e := strconv.Atoi(f[3])
		if err != nil || e != nil {
			break
		}
		return uid, gid, nil
	}
	return 0, 0, lack(fmt.Sprintf("there is no user %s in its %s", who, passwd))
}
