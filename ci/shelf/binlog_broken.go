package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// loggedBackups are the broken ones, and good ones that look odd.
func loggedBackups() []item {
	return slices.Concat(lostLogs(), brokenLogFiles(), otherPlaces(), physicalLogs(), oddLogs())
}

func loggedItem(name, what string, l *label, base string, change func(j *journey)) item {
	return item{name: "binlog-" + name, what: what, shape: logged, label: l, make: withLogs(base, change)}
}

// lostLogs are those of which logs are missing, or are another server's.
func lostLogs() []item {
	read := at(objective.RungRead)
	of := func(name, what string, change func(j *journey)) item {
		return loggedItem(name, what, read, "all.sql", change)
	}
	less := func(name, what string, numbers ...int) item {
		return of(name, what, func(j *journey) {
			for _, n := range numbers {
				j.logs = j.logs.Less(logName(n))
			}
		})
	}
	return []item{
		less("gap", "a log in the middle is missing", 4),
		less("gap-two", "two logs in the middle are missing", 3, 4),
		of("purged", "the log in which the backup is was purged, and the index names those that are left", func(j *journey) {
			j.logs = j.logs.Less(logName(1), logName(2)).With(accident.Folder{"binlog.index": "./binlog.000003\n./binlog.000004\n./binlog.000005\n"})
		}),
		of("index-alone", "the index of the logs, and none of them", func(j *journey) {
			j.logs = accident.Folder{"binlog.index": "./binlog.000002\n./binlog.000003\n"}
		}),
		of("foreign", "a log is another server's", func(j *journey) { j.becomes(3, j.all["foreign/"+logName(3)]) }),
		of("foreign-all", "all logs are another server's, under the same names", func(j *journey) { j.logs = j.all.Below("foreign") }),
		of("chain", "a log is that of another life of the server, with the same number of the server", func(j *journey) {
			j.becomes(3, j.all["plain/"+logName(1)])
		}),
		of("again", "a log is the one before it, under its name", func(j *journey) { j.becomes(4, j.log(3)) }),
		of("swapped", "two logs have each other's names", func(j *journey) {
			three, four := j.log(3), j.log(4)
			j.becomes(3, four)
			j.becomes(4, three)
		}),
		of("twice", "a log lies there twice, and with another content", func(j *journey) {
			j.logs = j.logs.Under("old", accident.Folder{logName(4): j.all["foreign/"+logName(4)]})
		}),
	}
}

// brokenLogFiles are those of which a log is not what it was.
func brokenLogFiles() []item {
	read, doubt := at(objective.RungRead), doubtAt(objective.RungFound)
	log := func(name, what string, number int, l *label, happens func(was string) string) item {
		return loggedItem(name, what, l, "all.sql", func(j *journey) { j.becomes(number, happens(j.log(number))) })
	}
	packed := func(name, what string, pack accident.Func, happens func(was string) string) item {
		return loggedItem(name, what, read, "all.sql", func(j *journey) {
			raw, err := pack([]byte(j.log(3)))
			if err != nil {
				panic(err) // it lies in memory
			}
			j.logs = j.logs.Less(logName(3)).With(accident.Folder{logName(3) + ".gz": happens(string(raw))})
		})
	}
	half := func(was string) string { return was[:len(was)/2] }
	return []item{
		log("cut", "half of a log", 3, read, half),
		log("cut-event", "a log ends inside its last event", 3, read, func(was string) string { return was[:len(was)-5] }),
		log("cut-last", "the last log, which was closed, ends inside an event", 5, read, func(was string) string { return was[:len(was)-60] }),
		log("cut-header", "a log of three bytes", 3, read, func(was string) string { return was[:3] }),
		log("empty", "a log without a byte", 4, read, func(string) string { return "" }),
		log("flip", "a bit turned in an event, of which there is a checksum", 3, read, func(was string) string { return flippedAt(was, len(was)/2) }),
		log("flip-head", "a bit turned in what describes the log's format", 3, read, func(was string) string { return flippedAt(was, 40) }),
		log("flip-statement", "a bit turned in a statement", 3, read, func(was string) string { return flippedAt(was, strings.Index(was, "repeat")) }),
		log("zeros", "zeros in the place of a log's middle", 3, read, func(was string) string {
			return was[:len(was)/3] + string(make([]byte, len(was)/3)) + was[len(was)/3*2:]
		}),
		log("zeros-all", "a log of zeros", 3, read, func(was string) string { return string(make([]byte, len(was))) }),
		log("zeros-behind", "zeros behind the end of the last log", 5, read, func(was string) string { return was + string(make([]byte, 4096)) }),
		log("page", "an HTML page in the place of a log", 4, read, func(string) string { return "<!DOCTYPE html><html>404</html>\n" }),
		log("statements", "what mariadb-binlog prints of a log in its place", 4, read, func(string) string {
			return "/*!50530 SET @@SESSION.PSEUDO_SLAVE_MODE=1*/;\nDELIMITER /*!*/;\n# at 4\n"
		}),
		log("sealed-mysql", "a log that MySQL encrypted", 3, doubt, func(string) string { return "\xfdbin" + noise(2000) }),
		packed("packed-cut", "half of a log that was packed by gzip", accident.Gzip, half),
		packed("packed-flip", "a bit turned in a log that was packed by gzip", accident.Gzip, func(was string) string { return flippedAt(was, len(was)-6) }),
	}
}

// otherPlaces are those of which the backup and the logs are not of each other.
func otherPlaces() []item {
	read, doubt := at(objective.RungRead), doubtAt(objective.RungFound)
	const place = "MASTER_LOG_FILE='binlog.000002', MASTER_LOG_POS=600"
	says := func(name, what string, l *label, base, old, new string) item {
		return loggedItem(name, what, l, base, func(j *journey) { j.says(old, new) })
	}
	until := func(name, what string, l *label, target string) item {
		i := loggedItem(name, what, l, "all.sql", nil)
		i.restored = "recover: {" + target + "}"
		return i
	}
	sealed := says("sealed", "the logs are encrypted", doubt, "all.sql", place, "MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4")
	sealed.make = withLogs("all.sql", func(j *journey) {
		j.says(place, "MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4")
		j.logs = j.all.Below("sealed")
	})
	return []item{
		says("place-behind", "the backup is behind the end of its log", read, "all.sql", "LOG_POS=600", "LOG_POS=600000"),
		says("place-inside", "the backup is inside an event of its log", read, "all.sql", "LOG_POS=600", "LOG_POS=610"),
		loggedItem("place-earlier", "the backup says an earlier place than its own, so that rows would be written twice", read, "all.sql", func(j *journey) {
			j.says("LOG_POS=600", fmt.Sprintf("LOG_POS=%d", firstTransaction(j.log(2))))
		}),
		says("place-log", "the backup is in a log that is older than all", read, "all.sql", "binlog.000002", "binlog.000000"),
		says("place-lost", "the backup does not say where in the logs it is", doubtAt(objective.RungRead), "all.sql", "-- CHANGE MASTER TO "+place+";", ""),
		says("gtid", "the backup is behind a transaction of another history", read, "all.sql", "gtid_slave_pos='0-1-8'", "gtid_slave_pos='0-1-7'"),
		says("rows", "the backup does not hold what its place says", read, "all.sql", "(1,100)", "(2,100)"),
		loggedItem("mixed", "a transaction changes a database that the dump does not hold, too", doubt, "shop.sql", func(j *journey) {
			j.logs = j.all.Below("mixed")
		}),
		sealed,
		until("time-behind", "nothing in the logs is of the time to which recovery should go, or later", doubt, "time: 2999-01-01T00:00:00Z"),
		until("transaction-lost", "the transaction before which recovery should end is not in the logs", doubt, "before: 0-1-999"),
		until("transaction-before", "the backup holds the transaction before which recovery should end", doubt, "before: 0-1-3"),
	}
}

// firstTransaction is where the first one of a log begins.
func firstTransaction(log string) int {
	const begins, kindAt, sizeAt, gtid = 4, 4, 9, 162
	for at := begins; at+sizeAt+4 <= len(log); at += int(binary.LittleEndian.Uint32([]byte(log[at+sizeAt:]))) {
		if log[at+kindAt] == gtid {
			return at
		}
	}
	panic("no transaction begins in a binary log")
}

// physicalLogs are those of a physical backup.
func physicalLogs() []item {
	read := at(objective.RungRead)
	of := func(name, what string, l *label, change func(j *journey)) item {
		i := loggedItem("physical-"+name, what, l, "", change)
		i.restored = "kind: mariadb-backup"
		return i
	}
	info := func(name, what string, l *label, old, new string) item {
		return of(name, what, l, func(j *journey) {
			const file = "xtrabackup_binlog_info"
			j.full = j.full.With(accident.Folder{file: reworded(j.full[file], old, new)})
		})
	}
	return []item{
		of("gap", "a log in the middle is missing", read, func(j *journey) { j.logs = j.logs.Less(logName(3)) }),
		of("first", "the log in which the backup is is missing", read, func(j *journey) { j.logs = j.logs.Less(logName(2)) }),
		of("foreign", "a log is another server's", read, func(j *journey) { j.becomes(4, j.all["foreign/"+logName(4)]) }),
		of("flip", "a bit turned in an event, of which there is a checksum", read, func(j *journey) {
			j.becomes(4, flippedAt(j.log(4), len(j.log(4))/2))
		}),
		of("cut", "half of a log", read, func(j *journey) { j.becomes(4, j.log(4)[:len(j.log(4))/2]) }),
		info("place", "the backup is inside an event of its log", read, "\t600\t", "\t610\t"),
		info("gtid", "the backup is behind a transaction of another history", read, "0-1-8", "0-1-6"),
		of("place-lost", "the backup does not say where in the logs it is", doubtAt(objective.RungRead), func(j *journey) {
			j.full = j.full.Less("xtrabackup_binlog_info")
		}),
	}
}

// oddLogs are good ones.
func oddLogs() []item {
	good := func(name, what, base, restored string, change func(j *journey)) item {
		i := loggedItem("good-"+name, what, nil, base, change)
		i.restored, i.other = restored, strings.Contains(restored, "recover")
		return i
	}
	const physical = "kind: mariadb-backup"
	return []item{
		good("plain", "a dump and the logs behind it", "all.sql", "", nil),
		good("one", "a dump of one database of several", "shop.sql", "", nil),
		good("unnamed", "a dump of one database, without its name in it", "one.sql", "", nil),
		good("packed", "logs that were packed one by one", "all.sql", "", func(j *journey) {
			for n, pack := range map[int]accident.Func{2: accident.Gzip, 3: accident.Zstd} {
				raw, err := pack([]byte(j.log(n)))
				if err != nil {
					panic(err) // it lies in memory
				}
				j.logs = j.logs.Less(logName(n)).With(accident.Folder{logName(n) + map[int]string{2: ".gz", 3: ".zst"}[n]: string(raw)})
			}
		}),
		good("folders", "logs in a folder for each day, and older ones are gone", "all.sql", "", func(j *journey) {
			all := accident.Folder{}
			for n := 2; n <= 5; n++ {
				all = all.Under("第 "+string(rune('0'+n))+" 天", accident.Folder{logName(n): j.log(n)})
			}
			j.logs = all.With(accident.Folder{"binlog.index": "./binlog.000001\n", "notes.txt": "x"})
		}),
		good("live", "logs that were copied while their server wrote", "all.sql", "", func(j *journey) { j.logs = j.all.Below("live") }),
		good("writing", "the last log was being written, and ends inside an event", "all.sql", "recover: {before: 0-1-19}", func(j *journey) {
			j.logs = j.all.Below("live")
			j.becomes(5, j.log(5)[:len(j.log(5))-5])
		}),
		good("before", "up to just before a transaction, behind which a log is missing", "all.sql", "recover: {before: 0-1-19}", func(j *journey) {
			j.logs = j.logs.Less(logName(5))
		}),
		good("physical", "a physical backup and the logs behind it", "", physical, nil),
		good("physical-before", "a physical backup, up to just before a transaction", "", physical+", recover: {before: 0-1-19}", nil),
	}
}
