package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// kindsImage holds servers and tools of other kinds; redisImage is that of the servers into which backups of Redis are restored.
const (
	kindsImage = "lifeboat/kinds:12"
	redisImage = "lifeboat/redis:7.0"
)

// cache is the shape of a snapshot of a small shop's Redis.
var cache = &shape{name: "redis", good: redisBackup("", snapshot, "dump.rdb"), entry: redisEntry,
	yesterday: redisBackup("del customer:300", snapshot, "dump.rdb"),
	alone:     asking(map[string]string{"": "redis-check-rdb", ".tar": "tar -tf", ".aof": "redis-check-aof"})}

// How backups of it are made: lines of shell, where its server has filled /tmp/w.
const (
	snapshot = "$r save >/dev/null && cat /tmp/w/dump.rdb"
	folder   = "$r save >/dev/null && tar -C /tmp/w -cf - ."
	log      = `$r config set appendonly yes >/dev/null && wait_for aof_rewrite_in_progress:0 && $r incr visits >/dev/null &&
		$r config set appendfsync always >/dev/null && $r set after rewrite >/dev/null && tar -C /tmp/w -cf - appendonlydir`
	oneLog = `$r config set appendonly yes >/dev/null && wait_for aof_rewrite_in_progress:0 && $r config set appendfsync always >/dev/null &&
		$r set after rewrite >/dev/null && cat /tmp/w/appendonlydir/*.base.rdb /tmp/w/appendonlydir/*.incr.aof`
	oldLog = "$r config set aof-use-rdb-preamble no >/dev/null && " + oneLogOfCommands
	// Redis 4 to 6 wrote no parts.
	oneLogOfCommands = `$r config set appendonly yes >/dev/null && wait_for aof_rewrite_in_progress:0 && $r config set appendfsync always >/dev/null &&
		$r set after rewrite >/dev/null && cat /tmp/w/appendonlydir/*.base.aof /tmp/w/appendonlydir/*.incr.aof`
)

// redisServer runs a server over an empty folder, fills it from standard input, and takes a backup of it.
const redisServer = `export LC_ALL=C; rm -rf /tmp/w; mkdir /tmp/w; r="redis-cli -s /tmp/redis.sock"
wait_for() { for i in $(seq 400); do $r info persistence 2>/dev/null | grep -q "$1" && return; sleep 0.05; done; return 1; }
redis-server --port 0 --unixsocket /tmp/redis.sock --dir /tmp/w --save '' --daemonize yes --databases 16 %s >/dev/null
wait_for loading:0 && $r >/tmp/said && ! grep -i '^(error)\|^ERR' /tmp/said >&2 && { %s; }
code=$?; $r shutdown nosave >/dev/null 2>&1; exit $code`

// redisFill are the commands that fill the good one.
func redisFill() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for i := 1; i <= 300; i++ {
		line(`set customer:%d "customer %d, 北京"`, i, i)
		line("hset order:%d total %d.50 customer %d", i, 10+i%7, i)
		line("set session:%d token%d ex 864000", i, i)
	}
	for i := 1; i <= 40; i++ {
		line("zadd bestsellers %d sku%d", i*3, i)
		line("rpush queue job%d", i)
		line("sadd cities city%d", i)
		line("xadd events * order %d", i)
	}
	line("select 3")
	for i := 1; i <= 60; i++ {
		line("set setting:%d value%d", i, i)
	}
	line("select 0")
	return b.String()
}

// redisBackup fills a server, changes what it holds by a few commands, and takes a backup into a file of that name.
func redisBackup(commands, line, name string, happens ...accident.Func) maker {
	return redisOf(redisFill()+commands+"\n", "", line, name, happens...)
}

func redisOf(commands, options, line, name string, happens ...accident.Func) maker {
	return fromTools(fmt.Sprintf(redisServer, options, line), commands, name, happens...)
}

// fromTools writes what lines of shell write among the tools into a file of that name, to which accidents happen.
func fromTools(line, in, name string, happens ...accident.Func) maker {
	return from(func(ctx context.Context, b *bench) ([]byte, error) { return b.inTools(ctx, []byte(in), line) }, name, happens)
}

// from writes a backup into a file of that name, to which accidents happen.
func from(made func(ctx context.Context, b *bench) ([]byte, error), name string, happens []accident.Func) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		raw, err := made(ctx, b)
		if err == nil {
			raw, err = accident.All(happens...)(raw)
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), raw, 0o600)
	}
}

// tools is a container with the programs of other kinds.
func (b *bench) tools(ctx context.Context) (*workshop, error) {
	return once(b, "tools", func() (*workshop, error) {
		w, err := openContainer(ctx, "root", kindsImage, []string{"-v", "/trees"}, "sleep", "infinity")
		if err == nil {
			b.atEnd(w.close)
		}
		return w, err
	})
}

// inTools runs lines of shell among the tools, one caller after another, and gives what they write.
func (b *bench) inTools(ctx context.Context, in []byte, lines string) ([]byte, error) {
	w, err := b.tools(ctx)
	if err != nil {
		return nil, err
	}
	w.Lock()
	defer w.Unlock()
	return w.run(ctx, in, lines)
}

// good tells whether lines of shell among the tools end well.
func (b *bench) good(ctx context.Context, in []byte, lines string) (bool, error) {
	w, err := b.tools(ctx)
	if err != nil {
		return false, err
	}
	return w.good(ctx, in, lines)
}

// goodFolder is good with a tar of a folder.
func (b *bench) goodFolder(ctx context.Context, dir, lines string) (bool, error) {
	raw, err := command(ctx, nil, "tar", "-C", dir, "-cf", "-", ".")
	if err != nil {
		return false, err
	}
	return b.good(ctx, raw, lines)
}

// redisEntry is one as a user writes it from the README, and the rules that a careful user adds.
func redisEntry(c column, i item) string {
	age := "26h"
	if i.ageless {
		age = "0s"
	}
	careful := ""
	if c == rules {
		careful = `
    - {kind: redis, on: cache, pattern: "customer:*", at_least: 300}
    - {kind: redis, on: cache, pattern: "order:*", at_least: 300}
    - {kind: redis, on: cache, database: 3, pattern: "setting:*", at_least: 60}
    - {kind: redis, on: cache, key: "session:7", ttl: some}
    - {kind: redis, on: cache, key: "customer:7", equals: "customer 7, 北京"}`
	}
	return `objectives: {age: ` + age + `}
restore: {kind: redis}
as: cache
instance: {kind: docker, image: "` + redisImage + `", data: [/data], ready: {tcp: 6379}}
checks:
  service: [{kind: tcp, to: "cache:6379"}]
  data:
    - {kind: redis, on: cache}` + careful + "\n"
}

// unsummed has a snapshot promise no checksum, as a server with rdbchecksum no writes it.
func unsummed(raw []byte) ([]byte, error) {
	clear(raw[len(raw)-8:])
	return raw, nil
}

// dated gives a snapshot another time at which it was made.
func dated(ago time.Duration) accident.Func {
	return func(raw []byte) ([]byte, error) {
		at := bytes.Index(raw, []byte("ctime\xc2"))
		if at < 0 {
			return nil, errors.New("find the time of the snapshot: it is not there")
		}
		binary.LittleEndian.PutUint32(raw[at+len("ctime\xc2"):], uint32(time.Now().Add(-ago).Unix()))
		return unsummed(raw)
	}
}

// redisBackups are the broken ones, and good ones that look odd.
func redisBackups() []item {
	read, ageless := at(objective.RungRead), doubtAt(objective.RungFound)
	of := func(name, what string, l *label, m maker) item {
		return item{name: "redis-" + name, what: what, shape: cache, make: m, label: l}
	}
	rdb := func(name, what string, l *label, happens ...accident.Func) item {
		return of(name, what, l, redisBackup("", snapshot, "dump.rdb", happens...))
	}
	aof := func(name, what, line, file string, l *label, happens ...accident.Func) item {
		i := of("aof-"+name, what, l, redisBackup("", line, file, happens...))
		i.ageless = true
		return i
	}
	is := func(name, what, file, text string, l *label) item {
		return of(name, what, l, holds(map[string]string{file: text}))
	}
	holding := func(name, what, commands string, l *label) item {
		return of(name, what, l, redisBackup(commands, snapshot, "dump.rdb"))
	}
	parts := func(happens accident.Files) accident.Func { return accident.InTar(happens) }
	const base, incr, list = "appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"
	all := []item{
		rdb("cut-1", "the first hundredth of it", read, accident.Share(0.01)),
		rdb("cut-50", "its first half", read, accident.Share(0.5)),
		rdb("cut-99", "all but the last hundredth", read, accident.Share(0.99)),
		rdb("cut-sum", "all but its checksum", read, accident.Drop(8)),
		rdb("flip-magic", "a bit turned in its first bytes", read, accident.FlipByte(1)),
		rdb("flip", "a bit turned in the middle", read, accident.Flip(0.5)),
		rdb("flip-sum", "a bit turned in its checksum", read, accident.FlipByte(-1)),
		rdb("zeros", "a tenth of it is zeros", read, accident.Zero(0.4, 0.5)),
		rdb("twice", "two snapshots, one behind the other", read, accident.Twice),
		of("gzip-cut", "packed by gzip, its first half", read, redisBackup("", snapshot, "dump.rdb.gz", accident.Gzip, accident.Share(0.5))),
		of("gzip-flip", "packed by gzip, a bit turned", read, redisBackup("", snapshot, "dump.rdb.gz", accident.Gzip, accident.Flip(0.5))),
		is("empty", "a file without a byte", "dump.rdb", "", read),
		is("zero-file", "a file of zeros", "dump.rdb", string(make([]byte, 20_000)), read),
		is("page", "the page of a login", "dump.rdb", "<!DOCTYPE html><html><head><title>Sign in</title></head></html>\n", read),
		is("message", "the message of a redis-cli that failed", "dump.rdb", "Could not connect to Redis at db:6379: Connection refused\n", read),
		is("sealed", "encrypted by openssl", "dump.rdb.enc", "Salted__"+noise(20_000), ageless),
		is("postgres", "an archive of pg_dump", "dump.rdb", "PGDMP\x01\x0e\x00"+noise(20_000), ageless),
		is("unfinished", "it is still being written", "dump.rdb.part", "REDIS0010", at(objective.RungFound)),
		of("nothing", "of a server that held nothing", read, redisOf("", "", snapshot, "dump.rdb")),
		rdb("last-week", "of last week, with today's date", at(objective.RungFound), dated(7*24*time.Hour)),
		rdb("newer", "of a Redis that is newer than the image", doubtAt(objective.RungRead), accident.Swap("REDIS0010", "REDIS0012", 1), unsummed),
		aof("cut", "its log ends inside a command", log, "aof.tar", read, parts(accident.Member(incr, accident.Drop(3)))),
		aof("cut-base", "the snapshot that its log begins with is cut", log, "aof.tar", read, parts(accident.Member(base, accident.Share(0.5)))),
		aof("flip-base", "a bit turned in the snapshot that its log begins with", log, "aof.tar", read, parts(accident.Member(base, accident.Flip(0.5)))),
		aof("no-base", "the snapshot that its log begins with is missing", log, "aof.tar", read, parts(accident.Without(base))),
		aof("no-incr", "what came after the snapshot is missing", log, "aof.tar", read, parts(accident.Without(incr))),
		aof("no-list", "the list of its parts is missing", log, "aof.tar", read, parts(accident.Without(list))),
		aof("tar-cut", "half of the tar of its parts", log, "aof.tar", read, accident.Share(0.5)),
		aof("one-cut", "a log in one file ends inside a command", oneLog, "appendonly.aof", read, accident.Drop(3)),
		aof("zeros", "zeros behind the last command", oneLog, "appendonly.aof", read, accident.Add(string(make([]byte, 4096)))),
		aof("flip-command", "a bit turned in the name of a command", oneLog, "appendonly.aof", read,
			accident.Swap("$3\r\nset\r\n$5\r\nafter", "$3\r\nsdt\r\n$5\r\nafter", 1)),
		aof("foreign-command", "a command that may be a module's, and no version in its log", oldLog, "appendonly.aof", doubtAt(objective.RungRead),
			accident.Swap("$5\r\nHMSET", "$5\r\nHMSDT", 1)),
		aof("flushed", "its last command is FLUSHALL", oneLog, "appendonly.aof", read, accident.Add("*1\r\n$8\r\nFLUSHALL\r\n"),
			accident.Add("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*1\r\n$7\r\nFLUSHDB\r\n")),
		holding("half", "half of the customers are lost", "eval \"for i=1,150 do redis.call('del','customer:'..i) end\" 0", content("keys", rule, lastSeen)),
		holding("database-lost", "one of its databases is lost", "select 3\nflushdb\nselect 0", content("keys", rule, lastSeen)),
		holding("key-lost", "one customer is lost", "del customer:7", content("few_keys", rule)),
		holding("value", "one value is another", `set customer:7 "customer 7, 上海"`, content("values", rule)),
		holding("renamed", "a key has another's name", "rename customer:7 customer:777", content("swapped_keys", rule)),
		holding("no-expiry", "a session lost its expiry", "persist session:7", content("expiries", rule)),
	}
	return append(all, oddRedis(of, aof, holding, log)...)
}

// oddRedis are good ones.
func oddRedis(of func(name, what string, l *label, m maker) item, aof func(name, what, line, file string, l *label, happens ...accident.Func) item,
	holding func(name, what, commands string, l *label) item, parts string) []item {
	sessions := of("good-sessions", "nothing but sessions that expire", nil, redisOf("set session:1 a ex 864000\nset session:2 b ex 864000\n", "",
		snapshot, "dump.rdb"))
	sessions.other, sessions.yesterday = true, sessions.make
	return []item{
		of("good-plain", "as it is", nil, redisBackup("", snapshot, "dump.rdb")),
		of("good-stream", "as redis-cli --rdb - writes it, with the mark of a stream's end", nil, redisBackup("", snapshot, "dump.rdb",
			accident.Add("4ef7d4723230a56fafefe2e5f7d83dcb26fa5e80"))),
		of("good-gzip", "packed by gzip", nil, redisBackup("", snapshot, "dump.rdb.gz", accident.Gzip)),
		of("good-zstd", "packed by zstd", nil, redisBackup("", snapshot, "dump.rdb.zst", accident.Zstd)),
		of("good-unsummed", "without a checksum", nil, redisOf(redisFill(), "--rdbchecksum no", snapshot, "dump.rdb")),
		of("good-folder", "a tar of the server's folder", nil, redisBackup("", folder, "data.tar")),
		aof("good-parts", "a log in parts", parts, "aof.tar", nil),
		aof("good-parts-gzip", "a log in parts, packed by gzip", parts, "aof.tar.gz", nil, accident.Gzip),
		aof("good-one-log", "a log in one file, behind a snapshot", oneLog, "appendonly.aof", nil),
		aof("good-old-log", "a log of commands alone", oldLog, "appendonly.aof", nil),
		holding("good-types", "every type, functions, names in Chinese and of any bytes", "set \"键 1\" 值\nset \"\\xff\\x00\" \"\\x80\"\nsetrange gap 5000 x\n"+
			"pfadd seen a b c\ngeoadd shops 13.4 52.5 berlin\nxgroup create events readers 0\nsetbit bits 70000 1\n"+
			"function load \"#!lua name=shop\\nredis.register_function('price', function(keys, args) return 1 end)\"", nil),
		sessions,
		holding("good-quiet", "one key more than yesterday", "set customer:301 x", nil),
	}
}

// asking is what backup scripts ask: what packs it says by its exit code whether a file is good, else the tool of the file's ending.
func asking(tools map[string]string) func(ctx context.Context, b *bench, dir string) (tool string, fine bool, err error) {
	return func(ctx context.Context, b *bench, dir string) (tool string, fine bool, err error) {
		name, err := backupIn(dir)
		if err != nil || name == "" {
			return "", false, err
		}
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", false, err
		}
		packers := map[string]string{".gz": "gzip -tq", ".zst": "zstd -tq"}
		tool = cmp.Or(packers[filepath.Ext(name)], tools[filepath.Ext(name)], tools[""])
		fine, err = b.good(ctx, raw, "cat >/tmp/asked; timeout 20 "+tool+" /tmp/asked >/dev/null 2>&1")
		return tool, fine, err
	}
}
