package main

import (
	"context"
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

// The shapes of repositories of PostgreSQL with their own WAL. What stands in their databases a dump's rules tell.
var (
	backrest = &shape{name: "pgbackrest", good: kept("plain"), entry: keptEntry("pgbackrest"), pattern: "repo"}
	barman   = &shape{name: "barman", good: laidByBarman(), entry: keptEntry("barman"), pattern: "repo"}
)

// repositories that the real pgBackRest made of a cluster, plain and sealed, and the time and the number of a transaction in its WAL.
func repositories(ctx context.Context, b *bench) (accident.Folder, error) {
	return once(b, "repositories of pgBackRest", func() (accident.Folder, error) {
		script, err := os.ReadFile(filepath.Join(b.root(), "drills/restore/basebackup/testdata/repository.sh"))
		if err != nil {
			return nil, err
		}
		program, err := command(ctx, nil, "docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", kindsImage, "/usr/bin/pgbackrest")
		if err != nil {
			return nil, err
		}
		return scripted(ctx, program, "--user", "postgres", "--entrypoint", "bash", image, "-c", string(script))
	})
}

// kept lays one of them into its folder, changed.
func kept(form string, happen ...mishap) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		all, err := repositories(ctx, b)
		if err != nil {
			return err
		}
		return laid(all.Below(form), dir, happen)
	}
}

func laid(f accident.Folder, dir string, happen []mishap) error {
	all := accident.Folder{}.Under("repo", f)
	for _, happens := range happen {
		if err := happens(all); err != nil {
			return err
		}
	}
	return all.Write(dir)
}

// laidByBarman lays the parts of a base backup out as Barman does, by hand: no server of the shelf has that program.
func laidByBarman(happen ...mishap) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		all, err := takenBy(ctx, b)
		if err != nil {
			return err
		}
		base, err := accident.Unpacked(strings.NewReader(all["tar/base.tar"]))
		if err != nil {
			return err
		}
		space, err := accident.Unpacked(strings.NewReader(all["tar/16384.tar"]))
		if err != nil {
			return err
		}
		l, err := pgdata.ReadLabel(base["backup_label"])
		if err != nil {
			return err
		}
		const id = "20260131T020000"
		f := accident.Folder{"main/identity.json": "{}", "main/wals/xlog.db": "x"}
		f = f.Under("main/base/"+id+"/data", base).Under("main/base/"+id+"/16384", space)
		end := ""
		for name, raw := range all.Below("wal") {
			if k, err := pgdata.ReadLabel(raw); strings.HasSuffix(name, ".backup") && err == nil && k.Start == l.Start {
				end = k.Stop.String()
			}
			if _, is := pgdata.ParseSegment(name, walSize); is {
				packed, err := accident.Gzip([]byte(raw)) // by the same name, packed or not
				if err != nil {
					return err
				}
				raw, name = string(packed), "0000000100000000/"+name
			}
			f["main/wals/"+name] = raw
		}
		f["main/base/"+id+"/backup.info"] = fmt.Sprintf("backup_label=None\nbegin_wal=%s\nbegin_xlog=%s\nend_xlog=%s\nend_time=2026-01-31 02:00:09.123456+00:00\n"+
			"mode=rsync-concurrent\nstatus=DONE\ntablespaces=[('fast', 16384, '/tmp/space')]\nversion=150004\n",
			pgdata.SegmentAt(l.Timeline, l.Start, walSize).Name(walSize), l.Start, end)
		return laid(f, dir, happen)
	}
}

// keptEntry is one as a user writes it from the README.
func keptEntry(program string) func(c column, i item) string {
	return func(c column, i item) string {
		careful, keys := "", ""
		if c == rules {
			careful = `
    - {kind: rows, on: db, password: drill, database: shop, table: items, equals: 500}`
		}
		if i.restored != "" {
			keys = ", " + i.restored
		}
		return `objectives: {age: 0s}
restore: {kind: basebackup, repository: ` + program + keys + `}
as: db
instance: {kind: docker, image: "` + image + `", env: {POSTGRES_PASSWORD: drill}, ready: {tcp: 5432}}
checks:
  service: [{kind: tcp, to: "db:5432"}]
  data:
    - {kind: content, on: db, password: drill}` + careful + "\n"
	}
}

// holdingAll are files whose paths hold all of some words.
func holdingAll(words ...string) picker {
	return func(f accident.Folder) []string {
		return sortedBy(f, func(name string) bool {
			return !strings.HasSuffix(name, "/") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
		})
	}
}

// last is the last of some files, less some behind it.
func last(behind int, of picker) picker {
	return func(f accident.Folder) []string {
		names := of(f)
		if len(names) <= behind {
			return nil
		}
		return names[len(names)-1-behind:][:1]
	}
}

// repacked has accidents happen to what is packed.
func repacked(to picker, what ...accident.Func) mishap {
	return happens(to, accident.Repacked(accident.All(what...)))
}

// backrestRepositories are the broken ones, and good ones that look odd.
func backrestRepositories() []item {
	read := at(objective.RungRead)
	of := func(form, name, what string, l *label, happen ...mishap) item {
		i := item{name: "pgbackrest-" + name, what: what, shape: backrest, make: kept(form, happen...), label: l}
		if form == "sealed" {
			i.restored = "cipher_pass: sesame"
		}
		return i
	}
	plain := func(name, what string, happen ...mishap) item { return of("plain", name, what, read, happen...) }
	sealed := func(name, what string, happen ...mishap) item { return of("sealed", name, what, read, happen...) }
	good := func(form, name, what, keys string, happen ...mishap) item {
		i := of(form, "good-"+name, what, nil, happen...)
		if keys != "" {
			i.restored = keys
		}
		return i
	}
	by := func(i item, keys string) item { i.restored = keys; return i }
	doubt := func(form, name, what, keys string) item {
		return by(of(form, name, what, doubtAt(objective.RungRead)), keys)
	}
	table, bundle := last(0, holdingAll("F/pg_data/base/1/2619.gz")), last(0, holdingAll("F/bundle/1"))
	segments := holdingAll("archive/demo/15-1/", ".gz")
	gap, info, manifest := last(1, segments), holdingAll("backup/demo/backup.info"), holdingAll("I/backup.manifest")
	archive := holdingAll("archive/demo/archive.info")
	return []item{
		plain("file-lost", "a table of the full backup is missing", without(table)),
		plain("file-flip", "a bit turned in a table of the full backup", happens(table, accident.Flip(0.5))),
		plain("file-cut", "a table of the full backup is cut", happens(table, accident.Drop(20))),
		plain("file-zeros", "zeros in a table, packed as a good one is", repacked(table, accident.Zero(0, 1))),
		plain("page", "a bit turned in a page of a table, packed as a good one is", repacked(table, accident.FlipByte(9000))),
		plain("manifest-lost", "the manifest of its newest backup is missing", without(manifest)),
		plain("manifest-cut", "half of the manifest of its newest backup, and of its copy", happens(manifest, accident.Share(0.5))),
		plain("manifest-flip", "a bit turned in the manifest of its newest backup, and in its copy", happens(manifest, accident.Flip(0.5))),
		plain("info-flip", "a bit turned in the list of its backups, and in its copy", happens(info, accident.Flip(0.5))),
		plain("info-lost", "the list of its backups is missing", without(info)),
		plain("full-lost", "the full backup, on which the newest stands, is missing", without(holdingAll("backup/demo/", "F/"))),
		plain("segment-lost", "a segment of WAL is missing", without(gap)),
		plain("segments-lost", "its WAL is missing", without(segments)),
		plain("segment-flip", "a bit turned in a segment", happens(gap, accident.Flip(0.5))),
		plain("segment-cut", "half of a segment", happens(gap, accident.Share(0.5))),
		plain("segment-other", "a segment is not the one that was archived", repacked(gap, accident.FlipByte(5000))),
		plain("archive-info-lost", "what says whose its WAL is is missing", without(archive)),
		plain("archive-info-flip", "a bit turned in what says whose its WAL is, and in its copy", happens(archive, accident.Flip(0.5))),
		plain("other-cluster", "its WAL is another cluster's", happens(archive, accident.Swap("db-system-id=7", "db-system-id=6", 1))),
		plain("not-one", "something else lies in its place", func(f accident.Folder) error {
			clear(f)
			f["repo/readme"] = "hello"
			return nil
		}),
		by(plain("before", "no backup was complete before the time that is asked for"), "recover: {time: 2020-01-01T00:00:00Z}"),
		sealed("bundle-lost", "a bundle is missing, of an encrypted one", without(bundle)),
		sealed("bundle-flip", "a bit turned in a bundle, of an encrypted one", happens(bundle, accident.Flip(0.5))),
		sealed("bundle-cut", "half of a bundle, of an encrypted one", happens(bundle, accident.Share(0.5))),
		doubt("sealed", "key", "another key", "cipher_pass: sesamo"),
		doubt("plain", "stanza", "another stanza is asked for", "stanza: prod"),

		good("plain", "plain", "a full one and an incremental one", ""),
		good("sealed", "sealed", "encrypted, in bundles", ""),
		good("plain", "copies", "its lists are missing, and their copies are not", "", without(func(f accident.Folder) []string {
			return slices.DeleteFunc(holdingAll("demo/", ".info")(f), func(name string) bool { return strings.HasSuffix(name, ".copy") })
		})),
		good("plain", "expired", "WAL from before its newest backup was removed", "", without(first(segments))),
		good("plain", "named", "its stanza is named", "stanza: demo"),
	}
}

// barmanRepositories are the broken ones, and good ones that look odd.
func barmanRepositories() []item {
	read := at(objective.RungRead)
	of := func(name, what string, l *label, happen ...mishap) item {
		return item{name: "barman-" + name, what: what, shape: barman, make: laidByBarman(happen...), label: l}
	}
	broken := func(name, what string, happen ...mishap) item { return of(name, what, read, happen...) }
	segments, info := holdingAll("wals/0000000100000000/"), holdingAll("backup.info")
	gap, table := last(1, segments), first(holdingAll("data/base/5/1249"))
	stanza := of("good-named", "its server is named", nil)
	stanza.restored = "stanza: main"
	other := of("server", "another server is asked for", doubtAt(objective.RungRead))
	other.restored = "stanza: other"
	return []item{
		broken("segment-lost", "a segment of WAL is missing", without(gap)),
		broken("segments-lost", "its WAL is missing", without(segments)),
		broken("segment-cut", "half of a segment", happens(gap, accident.Share(0.5))),
		broken("segment-flip", "a bit turned in a segment", happens(gap, accident.Flip(0.5))),
		broken("segment-timeline", "a segment was written on another timeline", repacked(gap, accident.FlipByte(4))),
		broken("segment-foreign", "a segment is another cluster's", repacked(gap, accident.FlipByte(24))),
		broken("tablespace-lost", "a tablespace is missing", without(holdingAll("/16384/"))),
		broken("control-lost", "its control file is missing", without(holdingAll("global/pg_control"))),
		broken("control-flip", "a bit turned in its control file", happens(holdingAll("global/pg_control"), accident.FlipByte(40))),
		broken("page", "a bit turned in a page of a table", happens(table, accident.FlipByte(9000))),
		broken("version-lost", "it does not say its version", without(first(holdingAll("data/PG_VERSION")))),
		broken("info-lost", "its backup.info is missing", without(info)),
		broken("failed", "its only backup failed", happens(info, accident.Swap("status=DONE", "status=FAILED", 1))),
		broken("info-cut", "its backup.info is cut before it says that it is complete", happens(info, accident.CutAt("status=", 1, 0))),
		other,

		of("good-plain", "a data folder, a tablespace, and WAL", nil),
		of("good-unpacked", "its WAL is not packed", nil, happens(segments, accident.Gunzip)),
		of("good-failed", "a newer backup beside it failed", nil, func(f accident.Folder) error {
			for name, text := range maps.Clone(f) {
				if strings.HasSuffix(name, "backup.info") {
					f[strings.Replace(name, "20260131T", "20260201T", 1)] = strings.Replace(text, "status=DONE", "status=FAILED", 1)
				}
			}
			return nil
		}),
		stanza,
	}
}
