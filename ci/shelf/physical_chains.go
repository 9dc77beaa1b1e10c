package main

import (
	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// brokenChains are those whose increments do not go on from each other, or are not what they were.
func brokenChains() []item {
	read := at(objective.RungRead)
	chain := func(name, what string, happens change) item {
		return physicalItem("chain-"+name, what, read, asChain(happens))
	}
	less := func(name, what string, files ...string) item {
		return chain(name, what, func(f, _ accident.Folder) accident.Folder { return f.Less(files...) })
	}
	as := func(name, what, file, of string) item {
		return chain(name, what, func(f, all accident.Folder) accident.Folder { return f.With(accident.Folder{file: all[of]}) })
	}
	only := func(name, what string, parts ...string) item {
		return chain(name, what, func(_, all accident.Folder) accident.Folder {
			f := accident.Folder{}
			for _, part := range parts {
				f = f.Under(part, all.Below(part))
			}
			return f
		})
	}
	const points, info, delta = "/xtrabackup_checkpoints", "/xtrabackup_info", "inc2/shop/orders.ibd.delta"
	changed := func(name, what string, happens func(was string) string) item {
		return chain(name, what, func(f, _ accident.Folder) accident.Folder { return f.With(accident.Folder{delta: happens(f[delta])}) })
	}
	return []item{
		only("gap", "the increment in the middle is missing", "full", "inc2"),
		only("no-full", "the full one is missing", "inc1", "inc2"),
		only("two-full", "it holds two full ones", "full", "tonight", "inc1"),
		only("another", "an increment of another chain", "full", "inc1", "inc2", "other"),
		only("instead", "an increment of another chain in the place of its own", "full", "inc1", "other"),
		chain("swapped", "two increments have each other's places in the log", func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{"inc1" + points: f["inc2"+points], "inc2" + points: f["inc1"+points]})
		}),
		chain("swapped-whole", "two increments have each other's places in the log, and say so", func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{"inc1" + points: f["inc2"+points], "inc2" + points: f["inc1"+points],
				"inc1" + info: f["inc2"+info], "inc2" + info: f["inc1"+info]})
		}),
		less("points-lost", "the places of an increment in the log are missing", "inc1"+points),
		less("delta-lost", "the changed pages of a table are missing", delta),
		less("delta-meta-lost", "the changed pages of a table are missing, and what describes them", delta, "inc2/shop/orders.ibd.meta"),
		less("meta-lost", "what describes the changed pages of a table is missing", "inc2/shop/orders.ibd.meta"),
		less("system-lost", "the changed pages of the system are missing", "inc1/ibdata1.delta"),
		less("log-lost", "the log of an increment is missing", "inc2/ib_logfile0"),
		less("frm-lost", "the definition of a new table is missing", "inc1/shop/later.frm", "inc2/shop/later.frm"),
		as("log-another", "the log of an increment is another's", "inc2/ib_logfile0", "inc1/ib_logfile0"),
		as("log-later", "the log of an increment is a later one's", "inc1/ib_logfile0", "inc2/ib_logfile0"),
		as("delta-night", "the changed pages of a table are those of the increment before", delta, "inc1/shop/orders.ibd.delta"),
		as("delta-later", "the changed pages of a table are those of a later increment", delta, "other/shop/orders.ibd.delta"),
		as("delta-another", "the changed pages of a table are another table's", delta, "inc2/shop/customers.ibd.delta"),
		changed("delta-cut", "half of the changed pages of a table", func(was string) string { return was[:len(was)/2] }),
		changed("delta-cut-page", "the last of the changed pages of a table is missing", func(was string) string { return was[:len(was)-pageSize] }),
		changed("delta-page", "bytes of a changed page are others", func(was string) string { return inPage(was, 2, 300, "lifeboat") }),
		changed("delta-list", "the list of changed pages is another", func(was string) string { return flippedAt(was, 7) }),
	}
}

// brokenStreams are streams that are cut or damaged, and what is none.
func brokenStreams() []item {
	const from, file = "tonight.mbs", "shop.mbs"
	read, ageless := at(objective.RungRead), doubtAt(objective.RungFound) // where nothing was decided the age was to be known, too
	stream := func(name, what, file string, happens ...accident.Func) item {
		return physicalItem("stream-"+name, what, read, asFile(from, file, happens...))
	}
	is := func(name, what, file, text string, l *label) item {
		return physicalItem(name, what, l, holds(map[string]string{file: text}))
	}
	partial := physicalItem("partial", "of one database alone, which no server starts from", ageless, asFolder("some", nil))
	return []item{
		stream("cut-1", "the first hundredth of a stream", file, accident.Share(0.01)),
		stream("cut-50", "the first half of a stream", file, accident.Share(0.5)),
		stream("cut-99", "all of a stream but its last hundredth", file, accident.Share(0.99)),
		stream("cut-end", "a stream without its last file", file, accident.CutAt("xtrabackup_info", 1, -14)),
		stream("flip", "a bit turned in a stream", file, accident.Flip(0.5)),
		stream("zeros", "a tenth of a stream is zeros", file, accident.Zero(0.85, 0.95)),
		stream("twice", "two streams, one behind the other", file, accident.Twice),
		stream("gzip-cut", "half of a stream that was packed by gzip", file+".gz", accident.Gzip, accident.Share(0.5)),
		stream("zstd-cut", "half of a stream that was packed by zstd", file+".zst", accident.Zstd, accident.Share(0.5)),
		stream("gzip-flip", "a bit turned in a stream that was packed by gzip", file+".gz", accident.Gzip, accident.Flip(0.5)),
		physicalItem("tar-cut", "half of a tar", read, asFile("tonight", "shop.tar", accident.Share(0.5))),
		is("message", "the message of a mariadb-backup that failed", file, "[00] 2026-01-31 02:00:00 Failed to connect to MariaDB server: Access denied\n", read),
		is("empty", "a file without a byte", file, "", read),
		is("zero-file", "a file of zeros", file, string(make([]byte, 50_000)), read),
		is("sealed", "encrypted by openssl", file+".enc", "Salted__"+noise(20_000), ageless),
		is("dump", "a dump", "shop.sql", "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)\n--\n", ageless),
		partial,
	}
}

// lostInServer are good backups of servers that lost something.
func lostInServer() []item {
	of := func(name, what string, l *label) item { return physicalItem(name, what, l, asFolder(name, nil)) }
	stale := physicalItem("stale", "an older backup under today's date", content("stale", rule), asFolder("full", nil))
	return []item{
		of("rows", "the rows of one table are lost", content("rows", rule)),
		of("digit", "one digit of a value", content("values", rule)),
		of("routine", "a routine is lost", content("structure", profile)),
		of("another", "another system's", content("stale", rule)),
		of("nothing", "of a server that held nothing", content("rows", rule)),
		stale,
	}
}

// oddPhysicals are good ones.
func oddPhysicals() []item {
	good := func(name, what string, m maker) item { return physicalItem("good-"+name, what, nil, m) }
	return []item{
		good("plain", "a folder as it is", asFolder("tonight", nil)),
		good("prepared", "it was prepared when it was taken", asFolder("prepared", nil)),
		good("exported", "it was prepared with --export, whose .cfg files lie in it", asFolder("exported", nil)),
		good("stream", "a stream", asFile("tonight.mbs", "shop.mbs")),
		good("gzip", "a stream that was packed by gzip", asFile("tonight.mbs", "shop.mbs.gz", accident.Gzip)),
		good("zstd", "a stream that was packed by zstd", asFile("tonight.mbs", "shop.mbs.zst", accident.Zstd)),
		good("tar", "a tar of a folder", asFile("tonight", "商店 1.tar")),
		good("chain", "a full one with two increments", asChain(nil)),
		good("chain-names", "increments whose names are not in their order, and have spaces", laidAs(func(all accident.Folder) (accident.Folder, error) {
			return accident.Folder{}.Under("backup/z 全量", all.Below("full")).Under("backup/b", all.Below("inc1")).Under("backup/a 1", all.Below("inc2")), nil
		})),
		good("chain-below", "increments below the full one", laidAs(func(all accident.Folder) (accident.Folder, error) {
			f := all.Below("full").Under("increments/1", all.Below("inc1")).Under("increments/2", all.Below("inc2"))
			return accident.Folder{}.Under("backup", f), nil
		})),
		good("others", "files of others lie in it", asFolder("tonight", func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{"README.txt": "taken by cron\n", "backup.log": "[00] completed OK!\n", "shop/orders.cfg": "x"})
		})),
	}
}
