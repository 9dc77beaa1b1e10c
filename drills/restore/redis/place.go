package redis

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// placing puts the files of a backup into the data folder, by one stream. Their modes let any server write them: the stream's
// owner is root, and an image's server may be anybody.
type placing struct {
	*dump.Filling
	at   string // the data folder
	made bool   // the folder of parts
}

const (
	fileMode   = 0o666
	folderMode = 0o777
)

func (p *placing) file(name string, size int64) (io.Writer, error) {
	if dir := path.Dir(name); dir != "." && !p.made {
		p.made = true
		if err := p.Header(&tar.Header{Typeflag: tar.TypeDir, Name: path.Join(p.at, dir) + "/", Mode: folderMode}); err != nil {
			return nil, err
		}
	}
	return p, p.Header(&tar.Header{Typeflag: tar.TypeReg, Name: path.Join(p.at, name), Size: size, Mode: fileMode})
}

// place reads the backup and puts its files into the data folder, in one pass where the store says how long they are, and behind them what the
// server is told.
func (l *load) place(ctx context.Context, password string) (restore.Outcome, error) {
	first, err := l.measure(ctx)
	if err != nil {
		return first, err
	}
	to := &placing{Filling: dump.Fill(ctx, l.machine), at: strings.Trim(l.set.Folder, "/")}
	out, err := l.pass(ctx, to)
	switch {
	case errors.Is(err, tar.ErrWriteTooLong), err == nil && l.size != ofFolder && l.backup.chosen[0].size != l.size:
		err = errLength
	case err == nil && first.Digest != "" && first.Digest != out.Digest:
		err = errors.New("it became another one while it was restored")
	case err == nil:
		err = put(to, confFile, []byte(l.conf(password)))
	}
	return out, to.End(err)
}

var errLength = errors.New("it is not as long as its store says")

// ofFolder is the size of what comes as several files, which say their own.
const ofFolder = -1

// measure finds how long the file is that will be placed. One that is compressed says so only at its end, so it is read to there, and
// there is an outcome.
func (l *load) measure(ctx context.Context) (restore.Outcome, error) {
	l.size = ofFolder
	in, head, err := l.start(ctx, l.source)
	if err != nil {
		return restore.Outcome{}, err
	}
	wrapped := in.Wrapped()
	_ = in.Close() // it was only read
	switch {
	case head == nil:
		return restore.Outcome{}, nil
	case !wrapped && l.source.Point.Size > 0:
		l.size = l.source.Point.Size
		return restore.Outcome{}, nil
	}
	out, err := l.pass(ctx, nowhere{})
	if err == nil {
		l.size = l.backup.chosen[0].size
	}
	return out, err
}

// conf is what the server is told beside its image's or the scenario's own settings, the last word counting. Directives are
// those that every version knows.
func (l *load) conf(password string) string {
	yes := func(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }
	b := &l.backup
	lines := []string{
		"dir " + quoted(l.set.Folder),
		"dbfilename " + snapshotName,
		"appendonly " + yes(b.log != ""),
		"aof-load-truncated " + yes(l.set.AOFTruncated == cutAllow),
		"databases " + strconv.Itoa(max(usualDatabases, b.databases())),
		"cluster-enabled no",
		"maxmemory 0",       // nothing is thrown away
		"protected-mode no", // who asks stands in the sandbox's network
		"daemonize no",
		`logfile ""`,
		// What the business writes after the restore stays over a restart, as it does in production. The backup itself is no file of
		// this folder, and the copy of it was read before the first of these saves can come.
		`save ""`,
		"save 3600 1",
		"auto-aof-rewrite-percentage 0",
	}
	if b.log != "" {
		lines = append(lines, "appendfilename "+quoted(b.log))
	}
	if b.split {
		lines = append(lines, "appenddirname "+partsFolder)
	}
	if password != "" {
		lines = append(lines, "requirepass "+quoted(password))
	}
	return strings.Join(lines, "\n") + "\n"
}

const usualDatabases = 16

// quoted is a text as the server's settings take any.
func quoted(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		if c < ' ' {
			fmt.Fprintf(&b, `\x%02x`, c)
			continue
		}
		b.WriteByte(c)
	}
	return `"` + b.String() + `"`
}
