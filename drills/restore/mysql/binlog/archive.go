package binlog

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/filekind"
	"lifeboat/internal/lazy"
	"lifeboat/scenarios"
)

var _ restore.Reader = (*Archive)(nil)

// Archive is the loader of a folder of binary logs: they are replayed behind a backup, and only read alone.
type Archive struct{}

// NewArchive makes the loader of its settings, of which there are none.
func NewArchive(s scenarios.Settings) (*Archive, []scenarios.Problem) {
	if problems := s.Decode(&struct{}{}); len(problems) > 0 {
		return nil, problems
	}
	return &Archive{}, nil
}

// Takes tells whether another backup is one that holds binary logs.
func Takes(other restore.Loader) (hint, problem string) {
	if _, is := other.(*Archive); is {
		return "", ""
	}
	return "name a backup of restore: {kind: binlog}", "holds no binary logs"
}

// Prepare changes nothing.
func (*Archive) Prepare(*instance.Request) error { return nil }

// Ready is at once.
func (*Archive) Ready(context.Context, instance.Machine) error { return nil }

// Load is refused: logs alone are no system.
func (*Archive) Load(_ context.Context, s restore.Source, _ instance.Machine) (restore.Outcome, error) {
	return restore.Outcome{}, &restore.LackError{Backup: s.Backup, Lack: record.LackLogs, What: "binary logs are no system by themselves: name them " +
		"in restore.binlog of the backup that they go on from"}
}

// Read verifies every event, and that each log goes on from the one before it.
func (*Archive) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	a, out, err := collect(ctx, s, &question{})
	if err == nil {
		err = a.consistent()
	}
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	return out, nil
}

// archive is what a folder of binary logs holds.
type archive struct{ logs map[string]*log }

// logName is what servers call their logs: the name that log_bin sets, and a number of six digits or more. They may be packed one by one.
var logName = lazy.Regexp(`^(.+\.)(\d{6,})(\.(?:gz|zst|xz|bz2|lz4))?$`)

// numbered is the name of a log without its number, and that.
func numbered(name string) (stem string, number int, ok bool) {
	m := logName().FindStringSubmatch(name)
	if m == nil {
		return "", 0, false
	}
	number, err := strconv.Atoi(m[2])
	return m[1], number, err == nil
}

// following is the name of the log behind one.
func following(name string) string {
	stem, number, _ := numbered(name)
	digits := strconv.Itoa(number + 1)
	return stem + strings.Repeat("0", max(0, len(name)-len(stem)-len(digits))) + digits
}

// wanted tells whether a log is one that the answer needs.
func (q *question) wanted(name string) bool {
	if q.from == nil {
		return true
	}
	stem, number, _ := numbered(name)
	of, first, ok := numbered(q.from.File)
	return ok && stem == of && number >= first
}

// collect reads all logs of an archive that are wanted.
func collect(ctx context.Context, s restore.Source, q *question) (*archive, restore.Outcome, error) {
	a := &archive{logs: map[string]*log{}}
	doubtful := map[string]error{} // by the names without their numbers
	digest, n, err := each(ctx, s, func(name, path string, in io.Reader) error {
		if !q.wanted(name) {
			_, err := io.Copy(io.Discard, in)
			return err
		}
		l, err := q.read(name, path, in)
		if errors.As(err, new(*otherFile)) && q.from == nil { // it is a log only where others beside it are
			doubtful[stem(name)] = err
			_, err = io.Copy(io.Discard, in)
			return err
		}
		if err != nil {
			return err
		}
		other := a.logs[name]
		if other != nil && (other.size != l.size || other.whole != l.whole) {
			return damage("binary log %s lies there twice, and with another content: %s and %s", name, other.path, l.path)
		}
		a.logs[name] = l
		return nil
	})
	for name := range a.logs {
		if bad := doubtful[stem(name)]; bad != nil && err == nil {
			err = bad
		}
	}
	return a, restore.Outcome{Digest: digest, Bytes: n}, err
}

// each goes through the logs of an archive: a folder, or a tar.
func each(ctx context.Context, s restore.Source, do func(name, path string, in io.Reader) error) (digest string, n int64, err error) {
	return dump.Through(ctx, s, func(in *dump.Input) error {
		if !s.Point.Dir {
			head, found, err := in.Detect()
			switch {
			case err != nil:
				return err
			case filekind.IsTar(head):
			case found.Kind.Name == "":
				return damage("it is no archive of binary logs: neither a folder of them nor a tar of one")
			default:
				return &restore.KindError{Found: found}
			}
		}
		err := dump.Members(in, "its tar", func(h *tar.Header, from io.Reader) error {
			at := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
			m := logName().FindStringSubmatch(path.Base(at))
			switch {
			case m == nil:
				return nil
			case h.Typeflag == tar.TypeSymlink, h.Typeflag == tar.TypeLink:
				return damage("%s is a link to %s, and what lies there is not in the archive", at, h.Linkname)
			case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse:
				return nil
			}
			return member(m[1]+m[2], at, m[3] != "", from, do)
		})
		if err != nil {
			return err
		}
		return dump.Drained(in)
	})
}

// member is one log, which may be packed.
func member(name, at string, packed bool, from io.Reader, do func(name, path string, in io.Reader) error) error {
	if !packed {
		return do(name, at, from)
	}
	plain, found, done, err := dump.Unwrapped(from)
	defer done()
	if err == nil {
		err = do(name, at, plain)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	if err != nil && !dump.Harness(err) && !errors.As(err, new(*restore.ImageError)) {
		return dump.PartError(at, found, err)
	}
	return err
}

// sorted are the names of logs in the order of their numbers.
func (a *archive) sorted() []string {
	var all []string
	for name := range a.logs {
		all = append(all, name)
	}
	slices.SortFunc(all, func(x, y string) int {
		of, m, _ := numbered(x)
		other, n, _ := numbered(y)
		if of != other {
			return strings.Compare(of, other)
		}
		return m - n
	})
	return all
}
