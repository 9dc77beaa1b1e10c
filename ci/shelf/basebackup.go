package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/internal/accident"
)

// cluster is the shape of a base backup, and an archive of WAL beside it. What stands in its databases a dump's rules tell.
var cluster = &shape{name: "basebackup", good: based("tar", nil), entry: clusterEntry, alone: clusterTools, pattern: "base"}

// walSize is that of the segments of its server, bytes.
const walSize = 1 << 20

// takenBy pg_basebackup and others of a real server, in every form, with an archive of WAL and the time and number of a transaction in it.
func takenBy(ctx context.Context, b *bench) (accident.Folder, error) {
	return once(b, "base backups", func() (accident.Folder, error) {
		script, err := os.ReadFile(filepath.Join(b.root(), "drills/restore/basebackup/testdata/make.sh"))
		if err != nil {
			return nil, err
		}
		return scripted(ctx, script, "--user", "postgres", "--entrypoint", "bash", image, "-s")
	})
}

// scripted is the tar that a script writes in a container without a network, by paths.
func scripted(ctx context.Context, in []byte, args ...string) (accident.Folder, error) {
	out, err := command(ctx, in, "docker", append([]string{"run", "--rm", "-i", "--network", "none"}, args...)...)
	if err != nil {
		return nil, err
	}
	return accident.Unpacked(bytes.NewReader(out))
}

// root is the project's folder.
func (b *bench) root() string { return filepath.Dir(filepath.Dir(b.lifeboat)) }

// estate is a base backup, its archive, and what is known of both.
type estate struct {
	base, wal accident.Folder
	first     pgdata.Segment // that its label names
}

// segment is the name of the one some behind the first.
func (e *estate) segment(some uint64) string {
	s := e.first
	s.Number += some
	return s.Name(walSize)
}

// within changes files of the data folder, which is in a tar.
func (e *estate) within(change func(accident.Folder) accident.Folder) error {
	base, err := e.base.In("base.tar", change)
	if err == nil {
		e.base = base
	}
	return err
}

// based lays a base backup of a form and its archive into folders, changed.
func based(form string, change func(*estate) error) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		all, err := takenBy(ctx, b)
		if err != nil {
			return err
		}
		inner, err := accident.Unpacked(strings.NewReader(all["tar/base.tar"]))
		if err != nil {
			return err
		}
		l, err := pgdata.ReadLabel(inner["backup_label"])
		if err != nil {
			return err
		}
		e := &estate{base: all.Below(form), wal: all.Below("wal"), first: pgdata.SegmentAt(l.Timeline, l.Start, walSize)}
		if change != nil {
			if err := change(e); err != nil {
				return err
			}
		}
		return errors.Join(os.Mkdir(filepath.Join(dir, "wal"), 0o700), e.base.Write(filepath.Join(dir, "base")), e.wal.Write(filepath.Join(dir, "wal")))
	}
}

// clusterEntry is one as a user writes it from the README.
func clusterEntry(c column, i item) string {
	careful, wal := "", "wal: wal"
	if c == rules {
		careful = `
    - {kind: rows, on: db, password: drill, database: shop, table: items, equals: 500}
    - {kind: sql, on: db, password: drill, database: shop, query: "select to_regclass('latest') is not null", expect: "t"}`
	}
	archive := "backups: {wal: {store: {kind: dir, path: ./" + i.name + ", pattern: wal}, restore: {kind: wal}}}\n"
	if i.restored != "" {
		wal = i.restored
	}
	if !strings.Contains(wal, "wal:") {
		archive = ""
	}
	return `objectives: {age: 0s}
restore: {kind: basebackup, ` + wal + `}
` + archive + `as: db
instance: {kind: docker, image: "` + image + `", env: {POSTGRES_PASSWORD: drill}, ready: {tcp: 5432}}
checks:
  service: [{kind: tcp, to: "db:5432"}]
  data:
    - {kind: content, on: db, password: drill}` + careful + "\n"
}

// flipped turns a bit of a file's byte.
func flippedAt(content string, at int) string {
	raw := []byte(content)
	raw[at] ^= 0x10
	return string(raw)
}

// attributes is the path of a table's file with several pages.
func attributes(data accident.Folder) string {
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if strings.HasPrefix(name, "base/5/") && strings.HasSuffix(name, "/1249") {
			return name
		}
	}
	return "base/5/1249"
}

// clusters are the broken ones, and good ones that look odd.
func clusters() []item {
	return slices.Concat(brokenBases(), brokenFolders(), brokenWAL(), oddClusters())
}

// brokenBase is a base backup to which something happens.
func brokenBase(name, what string, change func(e *estate) error) item {
	return item{name: "base-" + name, what: what, shape: cluster, make: based("tar", change), label: at(objective.RungRead)}
}

// brokenBases are those of which whole parts are not what they were.
func brokenBases() []item {
	base := func(name, what string, change func(f accident.Folder) accident.Folder) item {
		return brokenBase(name, what, func(e *estate) error { e.base = change(e.base); return nil })
	}
	packed := brokenBase("packed-cut", "half of a packed tar", nil)
	packed.make = based("packed", func(e *estate) error {
		raw := e.base["base.tar.gz"]
		e.base = e.base.With(accident.Folder{"base.tar.gz": raw[:len(raw)/2]})
		return nil
	})
	return []item{
		packed,
		base("cut", "half of its tar", func(f accident.Folder) accident.Folder {
			return f.With(accident.Folder{"base.tar": f["base.tar"][:len(f["base.tar"])/2+100]})
		}),
		base("tablespace", "the tar of a tablespace is missing", func(f accident.Folder) accident.Folder { return f.Less("16384.tar") }),
		base("tablespace-unlisted", "the tar of a tablespace is missing, and no manifest lists it", func(f accident.Folder) accident.Folder {
			return f.Less("16384.tar", "backup_manifest")
		}),
		base("manifest-edited", "its manifest was edited", func(f accident.Folder) accident.Folder {
			return f.With(accident.Folder{"backup_manifest": strings.Replace(f["backup_manifest"], `"Size": 8192`, `"Size": 8193`, 1)})
		}),
		base("manifest-cut", "its manifest is cut", func(f accident.Folder) accident.Folder {
			return f.With(accident.Folder{"backup_manifest": f["backup_manifest"][:5000]})
		}),
		base("another", "something else in its place", func(accident.Folder) accident.Folder { return accident.Folder{"readme": "hello"} }),
	}
}

// brokenFolders are those whose data folder is not what it was: where they are bare no manifest promises anything.
func brokenFolders() []item {
	inside := func(name, what string, change func(f accident.Folder) accident.Folder) item {
		return brokenBase(name, what, func(e *estate) error { return e.within(change) })
	}
	bare := func(name, what string, change func(f accident.Folder) accident.Folder) item {
		return brokenBase(name, what, func(e *estate) error { e.base = e.base.Less("backup_manifest"); return e.within(change) })
	}
	return []item{
		inside("file-lost", "a table's file is missing", func(f accident.Folder) accident.Folder { return f.Less(attributes(f)) }),
		inside("file-more", "a file more than its manifest lists", func(f accident.Folder) accident.Folder { return f.With(accident.Folder{"base/5/99999": "x"}) }),
		inside("byte", "a bit turned in a table", func(f accident.Folder) accident.Folder {
			return f.With(accident.Folder{attributes(f): flippedAt(f[attributes(f)], 9000)})
		}),
		inside("label", "its label is missing", func(f accident.Folder) accident.Folder { return f.Less("backup_label") }),
		bare("page", "a bit turned in a page, and no manifest tells", func(f accident.Folder) accident.Folder {
			return f.With(accident.Folder{attributes(f): flippedAt(f[attributes(f)], 9000)})
		}),
		bare("page-zeros", "zeros in a page, and no manifest tells", func(f accident.Folder) accident.Folder {
			was := f[attributes(f)]
			return f.With(accident.Folder{attributes(f): was[:8192+8] + strings.Repeat("\x00", 100) + was[8192+108:]})
		}),
		bare("label-unlisted", "its label is missing, and no manifest tells", func(f accident.Folder) accident.Folder { return f.Less("backup_label") }),
		bare("control", "a bit turned in its control file", func(f accident.Folder) accident.Folder {
			return f.With(accident.Folder{"global/pg_control": flippedAt(f["global/pg_control"], 40)})
		}),
		bare("control-lost", "its control file is missing", func(f accident.Folder) accident.Folder { return f.Less("global/pg_control") }),
		bare("version-lost", "it does not say its version", func(f accident.Folder) accident.Folder { return f.Less("PG_VERSION") }),
		bare("database-lost", "the folder of a database is missing", func(f accident.Folder) accident.Folder {
			rest := maps.Clone(f)
			maps.DeleteFunc(rest, func(name, _ string) bool { return strings.HasPrefix(name, "base/1/") })
			return rest
		}),
	}
}

// brokenWAL are good ones whose archive of WAL is not what it was.
func brokenWAL() []item {
	wal := func(name, what string, change func(e *estate) accident.Folder) item {
		return brokenBase(name, what, func(e *estate) error { e.wal = change(e); return nil })
	}
	return []item{
		brokenBase("no-wal", "neither it nor the archive has the WAL of the time in which it was taken", func(e *estate) error {
			e.base, e.wal = e.base.Less("pg_wal.tar"), e.wal.Less(e.segment(0), e.segment(1))
			return nil
		}),
		wal("gap", "a segment is missing from the archive", func(e *estate) accident.Folder { return e.wal.Less(e.segment(2)) }),
		wal("foreign", "a segment is another cluster's", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{e.segment(2): flippedAt(e.wal[e.segment(2)], 24)})
		}),
		wal("timeline", "a segment was written on another timeline", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{e.segment(2): flippedAt(e.wal[e.segment(2)], 4)})
		}),
		wal("renamed", "a segment has another's name", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{e.segment(2): e.wal[e.segment(1)]})
		}),
		wal("segment-cut", "half of a segment", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{e.segment(2): e.wal[e.segment(2)][:walSize/2]})
		}),
		wal("segment-zeros", "a segment of zeros", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{e.segment(2): string(make([]byte, walSize))})
		}),
		wal("record", "a bit turned in a segment", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{e.segment(2): flippedAt(e.wal[e.segment(2)], 100)})
		}),
		wal("no-history", "a timeline without its history", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{"000000020000000000000009": e.wal[e.segment(2)]})
		}),
		wal("history", "the history of a timeline is no such", func(e *estate) accident.Folder {
			return e.wal.With(accident.Folder{"00000002.history": "junk"})
		}),
	}
}

// oddClusters are good ones.
func oddClusters() []item {
	good := func(name, what string, m maker, restore string) item {
		return item{name: "base-good-" + name, what: what, shape: cluster, make: m, restored: restore, other: restore != "" || name == "cold"}
	}
	return []item{
		good("tar", "-Ft, and its archive", based("tar", nil), ""),
		good("packed", "-Ft -z, and its archive", based("packed", nil), ""),
		good("cold", "the files of a server that was shut down", based("cold", nil), ""),
		good("by-itself", "without its archive", based("tar", nil), "data: /var/lib/postgresql/data"),
		good("to-a-name", "up to a restore point", based("tar", nil), "wal: wal, recover: {name: noon}"),
		good("no-manifest", "without its manifest", based("tar", func(e *estate) error { e.base = e.base.Less("backup_manifest"); return nil }), ""),
		good("streamed", "its WAL in the archive alone", based("tar", func(e *estate) error { e.base = e.base.Less("pg_wal.tar"); return nil }), ""),
	}
}

// clusterTools asks pg_verifybackup, which reads data folders alone in this version; of tars people ask tar.
func clusterTools(ctx context.Context, b *bench, dir string) (tool string, fine bool, err error) {
	const tars = "for t in *.tar; do [ ! -e \"$t\" ] || tar -tf \"$t\" || exit; done; for t in *.gz; do [ ! -e \"$t\" ] || gzip -tq \"$t\" || exit; done"
	raw, err := command(ctx, nil, "tar", "-C", filepath.Join(dir, "base"), "-cf", "-", ".")
	if err != nil {
		return "", false, err
	}
	w, err := b.postgres(ctx)
	if err != nil {
		return "", false, err
	}
	const unpack = "rm -rf /tmp/asked && mkdir -m 700 /tmp/asked && cd /tmp/asked && tar -xf - && "
	fine, err = w.good(ctx, raw, unpack+fmt.Sprintf("{ if [ -e base.tar ] && [ -e backup_manifest ]; then "+
		"mkdir -m 700 d && tar -xf base.tar -C d && mv backup_manifest d/ && for t in [0-9]*.tar; do [ ! -e \"$t\" ] || "+
		"{ mkdir -p d/pg_tblspc/${t%%.tar} && tar -xf $t -C d/pg_tblspc/${t%%.tar} || exit; }; done; pg_verifybackup -n d; else %s; fi; } >/dev/null 2>&1", tars))
	return "pg_verifybackup", fine, err
}
