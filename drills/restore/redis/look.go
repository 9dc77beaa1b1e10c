package redis

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/redis/rdb"
)

// Look reads the beginning of the backup and tells whether it can be one, and one that the image's server reads.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	in, head, err := l.start(ctx, s)
	if err != nil {
		return dump.Classify(s.Backup, err)
	}
	defer in.Close()
	if s.Env == nil || head == nil {
		return nil
	}
	env, err := s.Env(ctx)
	if err != nil {
		return err
	}
	snapshot, err := rdb.Head(bytes.NewReader(head))
	if err != nil {
		return nil // a log, or the restore says what is wrong with it
	}
	if name, version := serverOf(env); version != "" {
		return misfit(s.Backup, snapshot, name, version)
	}
	return nil
}

// Made reads the time in the header of a snapshot.
func (l *Loader) Made(ctx context.Context, s restore.Source) (string, error) {
	in, head, err := l.start(ctx, s)
	if err != nil {
		return "", dump.Classify(s.Backup, err)
	}
	defer in.Close()
	snapshot, err := rdb.Head(bytes.NewReader(head))
	if err != nil || snapshot.OfLog || snapshot.Made.IsZero() {
		return "", fmt.Errorf("look for the time of %s: it does not stand near its beginning", s.Backup)
	}
	return snapshot.Made.Format(time.DateTime) + " UTC", nil
}

// start opens the backup and gives the beginning of what is in it; nil: it is a folder, whose files may come in any order.
func (l *Loader) start(ctx context.Context, s restore.Source) (*dump.Input, []byte, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	in := dump.Open(ctx, stream)
	head, found, err := in.Detect()
	switch {
	case err != nil:
	case found.Name == "tar":
		return in, nil, nil
	case found.Name == "redis", found.Name == "redis_aof":
		return in, head, nil
	case found.Name == "":
		err = errNone()
	default:
		err = &restore.KindError{Found: found}
	}
	_ = in.Close() // it was only read
	return nil, nil, err
}

func errNone() error {
	return &dump.Damage{Reason: "it is neither a snapshot (RDB) nor a log (AOF) of Redis, nor a folder with one"}
}

// serverOf is the server of an image by the variables that public images set; "": it is not told.
func serverOf(env map[string]string) (name, version string) {
	if v := env["VALKEY_VERSION"]; v != "" {
		return "Valkey", v
	}
	return "Redis", env["REDIS_VERSION"]
}

// reads is the newest version of snapshots that a server reads; 0: not known here. Valkey reads what Redis 7.2 did, and from 9 on a
// version of its own.
func reads(name, version string) int {
	m := regexp.MustCompile(`^(\d+)\.(\d+)`).FindStringSubmatch(version)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(m[1]) // digits, all three
	minor, _ := strconv.Atoi(m[2])
	if name == "Valkey" {
		switch {
		case major < 7:
			return 0
		case major < 9:
			return 11
		}
		return 0
	}
	for _, r := range []struct{ major, minor, reads int }{{8, 0, 0}, {7, 4, 12}, {7, 2, 11}, {7, 0, 10}, {5, 0, 9}, {4, 0, 8}, {3, 2, 7}, {2, 6, 6}} {
		if major > r.major || major == r.major && minor >= r.minor {
			return r.reads
		}
	}
	return 0
}

// misfit is the error of a snapshot that is newer than a server; nil: it is not, as far as is known here.
func misfit(backup string, s *rdb.Snapshot, name, version string) error {
	if most := reads(name, version); most == 0 || s.Version <= most {
		return nil
	}
	return newer(backup, s, name, version)
}

func newer(backup string, s *rdb.Snapshot, name, version string) error {
	return &restore.MisfitError{Backup: backup, What: restore.MisfitSnapshot, Has: s.Product(), Wants: name + " " + version}
}
