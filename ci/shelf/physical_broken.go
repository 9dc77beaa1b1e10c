package main

import (
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// change is what happens to one of the backups; all are those of its server.
type change func(f, all accident.Folder) accident.Folder

// physicalBackups are the broken ones, and good ones that look odd.
func physicalBackups() []item {
	return slices.Concat(lostFiles(), brokenPages(), brokenLogs(), saidOtherwise(), brokenChains(), brokenStreams(), lostInServer(), oddPhysicals())
}

func physicalItem(name, what string, l *label, m maker) item {
	return item{name: "maria-" + name, what: what, shape: physical, make: m, label: l}
}

func tonight(name, what string, l *label, happens change) item {
	return physicalItem(name, what, l, asFolder("tonight", happens))
}

// lostFiles are those of which files are gone, or are other tables'.
func lostFiles() []item {
	read, table := at(objective.RungRead), at(objective.RungContent) // a server opens a table late, and lifeboat reads all of each
	less := func(name, what string, l *label, files ...string) item {
		return tonight(name, what, l, func(f, _ accident.Folder) accident.Folder { return f.Less(files...) })
	}
	as := func(name, what string, file, of string) item {
		return tonight(name, what, read, func(f, _ accident.Folder) accident.Folder { return f.With(accident.Folder{file: f[of]}) })
	}
	half := func(name, what string, l *label, file string) item {
		return tonight(name, what, l, func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{file: f[file][:len(f[file])/2]})
		})
	}
	without := func(name, what, folder string, l *label) item {
		return tonight(name, what, l, func(f, _ accident.Folder) accident.Folder {
			rest := maps.Clone(f)
			maps.DeleteFunc(rest, func(name, _ string) bool { return strings.HasPrefix(name, folder) })
			return rest
		})
	}
	return []item{
		less("ibd-lost", "a tablespace is missing", read, "shop/orders.ibd"),
		less("frm-lost", "a definition is missing", read, "shop/orders.frm"),
		less("partition-lost", "one of two partitions is missing", read, "shop/parts#P#p1.ibd"),
		less("par-lost", "what says of which partitions a table is", read, "shop/parts.par"),
		less("ibdata-lost", "the system's tablespace is missing", read, "ibdata1"),
		less("mad-lost", "the rows of an Aria table are missing", read, "shop/items.MAD"),
		less("mai-lost", "the index of an Aria table is missing", read, "shop/items.MAI"),
		less("aria-log-lost", "Aria's log is missing", read, "aria_log.00000001"),
		less("aria-control-lost", "the control file of Aria's log is missing", read, "aria_log_control"),
		less("accounts-lost", "the table of accounts is missing", read, "mysql/global_priv.MAD"),
		less("routines-lost", "the table of routines is missing", read, "mysql/proc.MAD"),
		less("opt-lost", "the file with a database's character set is missing", content("structure", profile), "shop/db.opt"),
		less("trigger-lost", "the file with a table's triggers is missing", content("structure", profile), "shop/orders.TRG", "shop/trimmed.TRN"),
		less("aria-table-lost", "all files of an Aria table are missing, of which nothing else tells", content("structure", rule), "shop/items.frm",
			"shop/items.MAI", "shop/items.MAD"),
		without("database-lost", "the folder of a database is missing", "shop/", read),
		without("system-lost", "the folder of the server's own database is missing", "mysql/", read),
		as("frm-another", "a definition is another table's", "shop/orders.frm", "shop/payments.frm"),
		as("ibd-another", "a tablespace is another table's", "shop/orders.ibd", "shop/payments.ibd"),
		as("ibd-system", "a tablespace is the system's", "shop/orders.ibd", "ibdata1"),
		half("frm-cut", "half of a definition", read, "shop/orders.frm"),
		half("ibd-cut", "half of a tablespace", read, "shop/orders.ibd"),
		half("ibdata-cut", "half of the system's tablespace", read, "ibdata1"),
		half("mad-cut", "half of the rows of an Aria table", table, "shop/items.MAD"),
		half("mai-cut", "half of the index of an Aria table", table, "shop/items.MAI"),
	}
}

// brokenPages are those in which pages are not what they were; in some each has the checksum of what it is.
func brokenPages() []item {
	read, table := at(objective.RungRead), at(objective.RungContent)
	page := func(name, what string, l *label, file string, number, at int, with string) item {
		return tonight(name, what, l, func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{file: inPage(f[file], number, at, with)})
		})
	}
	right := func(name, what, file, old, new string, l *label) item {
		return tonight(name, what, l, func(f, _ accident.Folder) accident.Folder {
			return f.With(accident.Folder{file: resummed(f[file], old, new)})
		})
	}
	of := func(name, what, night, file string, l *label) item {
		return tonight(name, what, l, func(f, all accident.Folder) accident.Folder {
			return f.With(accident.Folder{file: all[night+"/"+file]})
		})
	}
	return []item{
		page("page", "bytes of a page are others", read, "shop/orders.ibd", 4, 700, "lifeboat"),
		page("page-zeros", "a page is zeros", table, "shop/orders.ibd", 5, 0, string(make([]byte, pageSize))),
		page("page-system", "bytes of a page of the system's are others", read, "ibdata1", 7, 100, "lifeboat"),
		page("accounts-flip", "bytes of a page of accounts are others", read, "mysql/global_priv.MAD", 0, 200, "lifeboat lifeboat"),
		page("mad-flip", "bytes of an Aria table's rows are others", table, "shop/items.MAD", 0, 8192+400, "lifeboat"),
		right("page-right", "a value is another, and the page's checksum is of that", "shop/payments.ibd", "payment 77 of", "payment 78 of", content("values", rule)),
		right("page-key", "a value is another than in its index, and the page's checksum is of that", "shop/customers.ibd", "北京", "南京",
			table),
		of("ibd-night", "a tablespace is that of the night before", "full", "shop/orders.ibd", content("rows", rule)),
		of("ibd-later", "a tablespace is that of a later night", "digit", "shop/orders.ibd", read),
		of("ibdata-night", "the system's tablespace is that of the night before", "full", "ibdata1", read),
		of("ibdata-later", "the system's tablespace is that of a later night", "digit", "ibdata1", read),
	}
}

// brokenLogs are those whose log is not what it was.
func brokenLogs() []item {
	log := func(name, what string, happens func(was string, all accident.Folder) string) item {
		return tonight("log-"+name, what, at(objective.RungRead), func(f, all accident.Folder) accident.Folder {
			return f.With(accident.Folder{"ib_logfile0": happens(f["ib_logfile0"], all)})
		})
	}
	const header = 12288
	return []item{
		log("lost", "its log is missing", func(string, accident.Folder) string { return "" }),
		log("cut", "half of its log", func(was string, _ accident.Folder) string { return was[:header+(len(was)-header)/2] }),
		log("header", "a bit turned in its log's header", func(was string, _ accident.Folder) string { return flippedAt(was, 10) }),
		log("tail", "a bit turned near its log's end", func(was string, _ accident.Folder) string { return flippedAt(was, len(was)-40) }),
		log("zeros", "its log is zeros behind the header", func(was string, _ accident.Folder) string {
			return was[:header] + string(make([]byte, len(was)-header))
		}),
		log("night", "its log is that of the night before", func(_ string, all accident.Folder) string { return all["full/ib_logfile0"] }),
		physicalItem("log-lost-prepared", "it was prepared, and its log is missing", at(objective.RungRead),
			asFolder("prepared", func(f, _ accident.Folder) accident.Folder { return f.Less("ib_logfile0") })),
		log("later", "its log is that of the next night", func(_ string, all accident.Folder) string { return all["second/ib_logfile0"] }),
	}
}

// saidOtherwise are those of which the small files are not what they were.
func saidOtherwise() []item {
	const points, info, conf = "xtrabackup_checkpoints", "xtrabackup_info", "backup-my.cnf"
	read, found, ageless := at(objective.RungRead), at(objective.RungFound), doubtAt(objective.RungFound)
	text := func(name, what, file string, l *label, happens func(was string) string) item {
		return tonight(name, what, l, func(f, _ accident.Folder) accident.Folder { return f.With(accident.Folder{file: happens(f[file])}) })
	}
	gone := func(string) string { return "" }
	return []item{
		text("points-lost", "its places in the log are missing", points, read, gone),
		text("points-cut", "its places in the log are cut", points, read, func(was string) string { return was[:30] }),
		text("points-edited", "it claims to end further on in the log", points, read, func(was string) string {
			return reworded(was, "last_lsn = ", "last_lsn = 1")
		}),
		text("points-increment", "it claims to be an increment", points, read, func(was string) string {
			return reworded(reworded(was, "full-backuped", "incremental"), "from_lsn = 0", "from_lsn = 4711")
		}),
		text("points-partial", "it claims that it was never ended", points, read, func(was string) string { return reworded(was, "full-backuped", "") }),
		text("info-lost", "nothing says when it was made, and whether it was ended", info, ageless, gone),
		text("info-old", "it was made twenty days ago", info, found, func(was string) string { return agedInfo(was, 20) }),
		text("info-version", "of a version that the image does not have", info, doubtAt(objective.RungRead), func(was string) string {
			return reworded(was, "server_version = 10.11", "server_version = 11.8")
		}),
		text("conf-lost", "the settings are missing without which nobody can read its files", conf, read, gone),
		text("conf-pages", "its settings claim pages of another size", conf, read, func(was string) string {
			return reworded(was, "innodb_page_size=16384", "innodb_page_size=8192")
		}),
	}
}
