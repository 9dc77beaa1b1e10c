package basebackup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// segments are files of WAL that lie in one place.
type segments struct {
	all       map[string]segment // by name
	histories map[uint32]string  // texts of history files, by timeline
	backups   []*pgdata.Label    // histories of backups
	partial   int                // segments that were not complete when they were archived
	size      int64              // of a segment, as the first of them says; 0: none was seen
}

type segment struct {
	header pgdata.Header
	whole  bool // it begins as one
	size   int64
}

func newSegments() *segments {
	return &segments{all: map[string]segment{}, histories: map[uint32]string{}}
}

// archivedName are names in an archive of WAL, with what may be behind them of a compression.
var archivedName = lazy.Regexp(`^([0-9A-F]{24}|[0-9A-F]{8}\.history|[0-9A-F]{24}\.[0-9A-F]{8}\.backup|[0-9A-F]{24}\.partial)` +
	`(\.(gz|zst|lz4|xz|bz2))?$`)

// logName tells whether a file belongs to an archive of WAL.
func logName(base string) bool { return archivedName().MatchString(base) }

// add notes a file of which the head and the size are known.
func (s *segments) add(name string, head []byte, size int64) {
	if len(name) != 24 || strings.Trim(name, "0123456789ABCDEF") != "" {
		return
	}
	h, whole := pgdata.ReadHeader(head)
	if whole && s.size == 0 && pgdata.SegmentSize(h.Size) {
		s.size = h.Size
	}
	s.all[name] = segment{header: h, whole: whole, size: size}
}

// placing makes a file of WAL in the machine of which the size is known; nil: nothing is to be placed.
type placing func(name string, size int64, from io.Reader) error

// mostSegment is the most that a segment may have, bytes.
const mostSegment = 1 << 30

// take reads a file of an archive to its end, and has it placed where somebody wants it.
func (s *segments) take(base string, r io.Reader, place placing) error {
	m := archivedName().FindStringSubmatch(path.Base(base))
	if m == nil {
		return nil
	}
	name := m[1]
	plain, found, done, err := dump.Unwrapped(r)
	defer done()
	if err != nil {
		return dump.PartError(base, found, err)
	}
	if _, twice := s.all[name]; twice {
		return damage("the archive holds %s twice", name)
	}
	switch {
	case strings.HasSuffix(name, ".partial"):
		s.partial++
		_, err = io.Copy(io.Discard, plain)
	case strings.HasSuffix(name, ".backup"):
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(plain, mostText)); err == nil {
			if label, e := pgdata.ReadLabel(string(text)); e == nil && label.Stop != 0 {
				s.backups = append(s.backups, label)
			}
		}
	case strings.HasSuffix(name, ".history"):
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(plain, mostText)); err == nil {
			of, _ := pgdata.ParseHistoryName(name)
			s.histories[of] = string(text)
			if place != nil {
				err = place(name, int64(len(text)), strings.NewReader(string(text)))
			}
		}
	default:
		err = s.takeSegment(name, plain, place)
	}
	if err != nil {
		return dump.PartError(base, found, err)
	}
	return nil
}

// takeSegment has a segment placed with the bytes that it has. How many those are is known when it was read; what its first page says is placed as
// it comes, and one that is shorter is filled up with zeros: nothing starts on it, for it is held against what it should have before.
func (s *segments) takeSegment(name string, r io.Reader, place placing) error {
	head := make([]byte, pgdata.HeaderSize)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	rest := &io.LimitedReader{R: r, N: mostSegment + 1}
	said := int64(0)
	if h, whole := pgdata.ReadHeader(head[:n]); whole && pgdata.SegmentSize(h.Size) {
		said = h.Size
	}
	switch {
	case place == nil || err != nil:
		err = nil // of what is shorter its size tells
	case said > 0:
		err = place(name, said, io.LimitReader(io.MultiReader(bytes.NewReader(head), rest, zeros{}), said))
	default: // it may be anything
		whole := bytes.NewBuffer(head)
		if _, err = whole.ReadFrom(rest); err == nil {
			err = place(name, int64(whole.Len()), whole)
		}
	}
	if err == nil {
		_, err = io.Copy(io.Discard, rest)
	}
	if err != nil {
		return err
	}
	size := int64(n) + mostSegment + 1 - rest.N
	if size > mostSegment {
		return fmt.Errorf("it has more than %d bytes", mostSegment)
	}
	s.add(name, head[:n], size)
	return nil
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// errNone says that nothing of an archive is there.
var errNone = errors.New("it holds no WAL: neither segments nor their history")
