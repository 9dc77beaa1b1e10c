package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/redis/rdb"
	"lifeboat/internal/resp"
)

// compare holds what the server has against what was read. began is when it was started, by this host's clock, which is the
// sandbox's as well.
func (l *load) compare(ctx context.Context, conn *resp.Conn, began time.Time) error {
	persistence, err := conn.Info(ctx, "persistence")
	if err != nil {
		return fmt.Errorf("ask the server on %s: %w", l.machine.Name(), err)
	}
	if err := l.master(ctx, conn); err != nil {
		return err
	}
	has, err := conn.Keyspace(ctx)
	if err != nil {
		return fmt.Errorf("ask the server on %s: %w", l.machine.Name(), err)
	}
	asked := time.Now()
	snapshot := l.backup.snapshot()
	if l.backup.log != "" {
		if err := l.readLog(persistence); err != nil {
			return err
		}
		if err := l.live(ctx, conn, has); err != nil {
			return err
		}
		if err := l.left(has, asked); err != nil {
			return err
		}
	} else if snapshot.Unknown == "" {
		if err := l.loaded(persistence, snapshot); err != nil {
			return err
		}
		if err := l.keys(has, snapshot, began, asked); err != nil {
			return err
		}
	}
	stats, err := conn.Info(ctx, "stats")
	if err != nil {
		return fmt.Errorf("ask the server on %s: %w", l.machine.Name(), err)
	}
	return l.something(has, asked, stats["expired_keys"])
}

// master makes a replica of settings of its own one that is nobody's: only such a server lets keys expire.
func (l *load) master(ctx context.Context, conn *resp.Conn) error {
	info, err := conn.Info(ctx, "replication")
	if err != nil {
		return fmt.Errorf("ask the server on %s: %w", l.machine.Name(), err)
	}
	if info["role"] == "slave" {
		if _, err := conn.Do(ctx, "SLAVEOF", "NO", "ONE"); err != nil {
			return fmt.Errorf("end the replication of %s: %w", l.machine.Name(), err)
		}
		l.Note("its settings make the server a replica: it is none here")
	}
	return nil
}

// readLog makes sure that the server has read the log that was put there, and all of it.
func (l *load) readLog(info map[string]string) error {
	if info["aof_enabled"] != "1" {
		return errors.New("the server reads no log, though it was told to: its command leaves out what it is given (instance: command)")
	}
	size, err := strconv.ParseInt(info["aof_current_size"], 10, 64)
	if err != nil {
		return errors.New("the server does not say how much of its log it has read")
	}
	if want := l.backup.bytes(); size < want {
		return fmt.Errorf("the server read %d bytes of the log, and %d were put into %s: is that where its data are (restore.folder)?", size, want, l.set.Folder)
	}
	return nil
}

// live takes out of a count of keys the databases in which there are only such as have expired: a server counts them until it meets them.
func (l *load) live(ctx context.Context, conn *resp.Conn, has map[int]int64) error {
	for _, n := range slices.Sorted(maps.Keys(has)) {
		_, err := conn.Do(ctx, "SELECT", strconv.Itoa(n))
		var key any
		if err == nil {
			key, err = conn.Do(ctx, "RANDOMKEY")
		}
		if err != nil {
			return fmt.Errorf("ask the server on %s: %w", l.machine.Name(), err)
		}
		if key == nil {
			delete(has, n)
		}
	}
	return nil
}

// left refuses a log that has less than half of the keys of a snapshot beside it: servers that are told to write none any more leave their old one there.
func (l *load) left(has map[int]int64, asked time.Time) error {
	var all int64
	for _, n := range has {
		all += n
	}
	for _, p := range l.backup.beside() {
		if keys := p.snapshot.Keys() - p.snapshot.Gone(asked); l.set.Format == formatAuto && all < keys/2 {
			return which("its log leaves %d keys, and %s beside it holds %d: one of them is not what its server goes on from (say which: restore.format: aof "+
				"where it has appendonly yes, else rdb)", all, p.name, keys)
		}
	}
	return nil
}

// loaded holds the server's own count of what it loaded against what was read, where it tells (Redis 7.0 and later).
func (l *load) loaded(info map[string]string, s *rdb.Snapshot) error {
	loaded, err := strconv.ParseInt(info["rdb_last_load_keys_loaded"], 10, 64)
	expired, e := strconv.ParseInt(info["rdb_last_load_keys_expired"], 10, 64)
	if err != nil || e != nil {
		return nil
	}
	want := s.Keys()
	switch {
	case loaded+expired == 0:
		return fmt.Errorf("the server loaded nothing, and %d keys were put into %s: is that where its data are (restore.folder)?", want, l.set.Folder)
	case loaded+expired > want || loaded+expired < want-partly(s):
		return &dump.Damage{Reason: fmt.Sprintf("the server loaded %d of its keys and let %d go that had expired, and it holds %d", loaded, expired, want)}
	}
	return nil
}

func partly(s *rdb.Snapshot) (n int64) {
	for _, d := range s.Databases {
		n += d.Partly
	}
	return n
}

// keys holds each database against what was read. A key may be gone whose expiry lies before the question, and is gone whose expiry
// lies before the start; no other is. Where others may use the server already, fewer or more are no word on the backup.
func (l *load) keys(has map[int]int64, s *rdb.Snapshot, began, asked time.Time) error {
	const slack = 2 * time.Second // expiries are told apart by seconds, and a clock may be set
	for _, n := range slices.Sorted(maps.Keys(s.Databases)) {
		d := s.Databases[n]
		most, least := d.Keys-d.Gone(began.Add(-slack)), d.Keys-d.Gone(asked.Add(slack))-d.Partly
		if has[n] >= least && has[n] <= most {
			continue
		}
		what := fmt.Sprintf("database %d holds %d keys, and %d to %d of the %d in the backup have not expired", n, has[n], least, most, d.Keys)
		if !l.source.Unused {
			return fmt.Errorf("%s; others could use the server meanwhile", what)
		}
		return &dump.Damage{Reason: what}
	}
	if gone := s.Gone(asked); gone > 0 {
		l.Note("%d keys had expired by the time of the restore and are gone, as they would be in production", gone)
	}
	return nil
}

// something makes sure that there is a key. What has expired as a whole proves nothing, and is no word on the backup.
// expired is how many the server itself let go of since it started.
func (l *load) something(has map[int]int64, asked time.Time, expired string) error {
	var all int64
	var told []string
	for _, n := range slices.Sorted(maps.Keys(has)) {
		all += has[n]
		told = append(told, fmt.Sprintf("%d: %d", n, has[n]))
	}
	s := l.backup.snapshot()
	switch {
	case all > 0:
		l.Note("the server holds %d keys (by database: %s)", all, strings.Join(told, ", "))
		return nil
	case s != nil && l.backup.log == "" && s.Gone(asked) > 0:
		return fmt.Errorf("all of its %d keys had expired by the time of the restore, so that nothing of them was proved: restore it sooner", s.Keys())
	case l.backup.log != "" && expired != "" && expired != "0":
		return fmt.Errorf("all keys that its log of %d commands leaves (%s) had expired by the time of the restore, so that nothing of them was proved: "+
			"restore it sooner", l.backup.commands(), expired)
	case l.backup.log != "":
		return &dump.Damage{Reason: fmt.Sprintf("its log of %d commands leaves not one key", l.backup.commands())}
	}
	return errors.New("the server holds not one key, and it is not known why")
}
