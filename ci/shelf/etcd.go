package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// etcdImage is that of the servers into which snapshots of etcd are restored.
const etcdImage = "lifeboat/etcd:3.4"

// registry is the shape of a snapshot of a small cluster's etcd.
var registry = &shape{name: "etcd", good: etcdSnapshot("", "snap.db"), entry: etcdEntry,
	alone: asking(map[string]string{"": "env ETCDCTL_API=3 etcdctl snapshot status"})}

// How snapshots of it are made: lines of shell, where its server is filled.
const (
	etcdSave   = "etcdctl snapshot save /tmp/e.db >/dev/null && cat /tmp/e.db"
	etcdCopy   = "stop && cat /tmp/e/member/snap/db"
	etcdGuard  = "etcdctl user add root:sesame && etcdctl user grant-role root root && etcdctl auth enable && C=(--user root:sesame)"
	etcdChange = `for i in 1 2 3 4 5 6 7 8 9 10; do etcdctl put /registry/pods/p$i other$i; done; for i in 58 59 60; do etcdctl del /registry/pods/p$i; done
		L=$(etcdctl lease grant 864000 | cut -d' ' -f2); for i in 1 2; do etcdctl put --lease=$L /registry/leases/l$i x; done`
	// etcdRevision is the one that those lines lead to.
	etcdRevision = 17
)

// etcdServer runs a server of an empty folder, fills it from standard input, runs lines of shell, and takes a snapshot of it.
const etcdServer = `rm -rf /tmp/e /tmp/e.db; C=(); etcdctl() { ETCDCTL_API=3 command etcdctl "${C[@]}" "$@"; }
serve() { etcd --data-dir /tmp/e "$@" >>/tmp/etcd.log 2>&1 &
	for i in $(seq 200); do etcdctl endpoint health >/dev/null 2>&1 && return; sleep 0.05; done; return 1; }
stop() { kill $(jobs -p) && wait; return 0; }
%s; etcdctl txn >/dev/null && { %s
true; } >/tmp/said && { %s; }; code=$?; stop >/dev/null 2>&1; exit $code`

// etcdFill is a transaction of etcdctl that puts what the good one holds.
func etcdFill() string {
	b := bytes.NewBufferString("\n")
	for i := 1; i <= 60; i++ {
		fmt.Fprintf(b, "put /registry/pods/p%d \"pod %d of the shop\"\n", i, i)
	}
	for i := 1; i <= 20; i++ {
		fmt.Fprintf(b, "put /registry/services/s%d %s\n", i, strings.Repeat("service", i*3))
	}
	return b.String() + "put /registry/secrets/s1 hidden\nput \"/配置/数据库 1\" 主库\n\n\n"
}

// etcdSnapshot fills a server, changes what it holds by lines of shell, and saves a snapshot of it.
func etcdSnapshot(change, name string, happens ...accident.Func) maker {
	return etcdOf("serve", etcdChange+"\n"+change, etcdSave, name, happens...)
}

func etcdOf(serve, change, line, name string, happens ...accident.Func) maker {
	return fromTools(fmt.Sprintf(etcdServer, serve, change, line), etcdFill(), name, happens...)
}

// etcdEntry is one as a user writes it from the README, and the rules that a careful user adds.
func etcdEntry(c column, i item) string {
	careful, kind, login := "", "kind: etcd", ""
	if i.restored != "" {
		kind = i.restored
	}
	if strings.Contains(kind, "password") {
		login = ", user: root, password: sesame"
	}
	if c == rules {
		careful = fmt.Sprintf(`
    - {kind: etcd, on: etcd%[1]s, prefix: /registry/pods/, at_least: 57, revision: %[2]d}
    - {kind: etcd, on: etcd%[1]s, prefix: /registry/services/, at_least: 20, at_most: 20}
    - {kind: etcd, on: etcd%[1]s, key: /registry/pods/p7}
    - {kind: etcd, on: etcd%[1]s, key: /registry/services/s20}
    - {kind: etcd, on: etcd%[1]s, key: /配置/数据库 1}`, login, etcdRevision)
	}
	return `objectives: {age: 0s}
restore: {` + kind + `}
as: etcd
instance: {kind: docker, image: "` + etcdImage + `", ready: {tcp: 2379}}
checks:
  service: [{kind: tcp, to: "etcd:2379"}]
  data:
    - {kind: etcd, on: etcd` + login + "}" + careful + "\n"
}

// rehashed has accidents happen before a snapshot's hash was taken, which holds.
func rehashed(happens ...accident.Func) accident.Func {
	return func(raw []byte) ([]byte, error) {
		raw, err := accident.All(happens...)(raw[:len(raw)-sha256.Size])
		sum := sha256.Sum256(raw)
		return append(raw, sum[:]...), err
	}
}

// pageOf gives the page in which a text first stands to a function, and where it lies.
func pageOf(text string, change func(raw []byte, at int)) accident.Func {
	return func(raw []byte) ([]byte, error) {
		const size = 4096
		at := bytes.Index(raw, []byte(text))
		if at < 0 {
			return nil, fmt.Errorf("find %q: it is not there", text)
		}
		change(raw, at/size*size)
		return raw, nil
	}
}

// etcdSnapshots are the broken ones, and good ones that look odd.
func etcdSnapshots() []item {
	read, unhashed := at(objective.RungRead), doubtAt(objective.RungRead)
	of := func(name, what string, l *label, m maker) item {
		return item{name: "etcd-" + name, what: what, shape: registry, make: m, label: l}
	}
	damaged := func(name, what string, l *label, happens ...accident.Func) item {
		return of(name, what, l, etcdSnapshot("", "snap.db", happens...))
	}
	packed := func(name, what, file string, happens ...accident.Func) item {
		return of(name, what, read, etcdSnapshot("", file, happens...))
	}
	copied := func(name, what string, l *label, happens ...accident.Func) item {
		i := of("copy-"+name, what, l, etcdOf("serve", etcdChange, etcdCopy, "db", happens...))
		i.restored = "kind: etcd, hash: none"
		return i
	}
	is := func(name, what, file, text string, l *label) item {
		return of(name, what, l, holds(map[string]string{file: text}))
	}
	holding := func(name, what, change string, l *label) item {
		return of(name, what, l, etcdSnapshot(change, "snap.db"))
	}
	ofCopy := of("copy", "a copy of a server's file, of which nobody said that it is one", unhashed, etcdOf("serve", etcdChange, etcdCopy, "db"))
	guarded := etcdOf("serve", etcdChange+"\n"+etcdGuard, etcdSave, "snap.db")
	all := []item{
		damaged("cut-1", "the first hundredth of it", read, accident.Share(0.01)),
		damaged("cut-50", "its first half", read, accident.Share(0.5)),
		damaged("cut-99", "all but the last hundredth", read, accident.Share(0.99)),
		damaged("cut-hash", "all but its hash", unhashed, accident.Drop(sha256.Size)),
		damaged("cut-in-hash", "half of its hash is missing", read, accident.Drop(sha256.Size/2)),
		damaged("flip", "a bit turned in the middle", read, accident.Flip(0.5)),
		damaged("flip-value", "a bit turned in a value", read, accident.Swap("pod 30 of", "pod 31 of", 1)),
		damaged("flip-header", "a bit turned in its header", read, accident.FlipByte(20)),
		damaged("flip-hash", "a bit turned in its hash", read, accident.FlipByte(-1)),
		damaged("zeros", "a tenth of it is zeros", read, accident.Zero(0.4, 0.5)),
		damaged("appended", "a line stands behind it", read, accident.Add("Snapshot saved at snap.db\n")),
		damaged("appended-page", "a page of zeros stands behind it", read, accident.Add(string(make([]byte, 4096)))),
		damaged("twice", "two snapshots, one behind the other", read, accident.Twice),
		damaged("newer", "of an etcd that is newer than the image", unhashed, rehashed(accident.Swap("3.4.0", "3.9.0", 1))),
		packed("gzip-cut", "packed by gzip, its first half", "snap.db.gz", accident.Gzip, accident.Share(0.5)),
		packed("gzip-flip", "packed by gzip, a bit turned", "snap.db.gz", accident.Gzip, accident.Flip(0.5)),
		packed("zstd-cut", "packed by zstd, its first half", "snap.db.zst", accident.Zstd, accident.Share(0.5)),
		ofCopy,
		copied("cut", "a copy of a server's file, cut in its pages", read, accident.Keep(6*4096)),
		copied("page-lost", "a copy of a server's file, of which a page is zeros", read, pageOf("pod 30 of", func(raw []byte,
			at int) {
			clear(raw[at : at+4096])
		})),
		copied("flip-value", "a copy of a server's file, a bit turned in a value", content("values", profile), accident.Swap("pod 30 of", "pod 31 of", 1)),
		is("empty", "a file without a byte", "snap.db", "", read),
		is("zero-file", "a file of zeros", "snap.db", string(make([]byte, 20_000)), read),
		is("page", "the page of a login", "snap.db", "<!DOCTYPE html><html><head><title>Sign in</title></head></html>\n", read),
		is("message", "the message of an etcdctl that failed", "snap.db", "Error: context deadline exceeded\n", read),
		is("sealed", "encrypted by openssl", "snap.db.enc", "Salted__"+noise(20_000), unhashed),
		is("postgres", "an archive of pg_dump", "snap.db", "PGDMP\x01\x0e\x00"+noise(20_000), unhashed),
		is("unfinished", "it is still being written", "snap.db.part", "\x00", at(objective.RungFound)),
		of("nothing", "of a server that held nothing", read, fromTools(fmt.Sprintf(etcdServer, "serve", "", etcdSave), "\n\n\n", "snap.db")),
		of("no-password", "of a cluster that asks for a password, which nobody gave", unhashed, guarded),
		holding("half", "half of the pods are lost", "for i in $(seq 11 40); do etcdctl del /registry/pods/p$i; done", content("keys", rule)),
		holding("prefix-lost", "the services are lost", "etcdctl del --prefix /registry/services/", content("keys", rule)),
		holding("key-lost", "one pod is lost, and another one is new", "etcdctl del /registry/pods/p7; etcdctl put /registry/pods/p61 x",
			content("few_keys", rule)),
		holding("renamed", "a service has another's name", "etcdctl del /registry/services/s20; etcdctl put /registry/services/s21 x",
			content("swapped_keys", rule)),
		holding("value", "one value is another", "etcdctl put /registry/pods/p7 elsewhere", content("values", profile)),
		holding("no-lease", "a key lost its lease", "etcdctl put /registry/leases/l1 x", content("expiries", profile)),
		of("stale", "an older snapshot under today's date", content("stale", rule), etcdOf("serve", "", etcdSave, "snap.db")),
		of("another", "another cluster's", content("stale", rule), etcdOf("serve",
			"etcdctl del --prefix /registry; for i in $(seq 20); do etcdctl put /else/$i x; done",
			etcdSave, "snap.db")),
	}
	return slices.Concat(all, rehashedSnapshots(damaged), oddSnapshots(of, guarded))
}

// rehashedSnapshots are those whose hash is of what is wrong in them.
func rehashedSnapshots(damaged func(name, what string, l *label, happens ...accident.Func) item) []item {
	read := at(objective.RungRead)
	return []item{
		damaged("page-lost", "a page is zeros, and its hash is of that", read, rehashed(pageOf("pod 30 of", func(raw []byte,
			at int) {
			clear(raw[at : at+4096])
		}))),
		damaged("page-elsewhere", "a page lies in the place of another, and its hash is of that", read, rehashed(pageOf("pod 30 of", func(raw []byte,
			at int) {
			copy(raw[at:at+4096], raw[at-4096:at])
		}))),
		damaged("right-hash", "a value is another, and its hash is of that", content("values", profile), rehashed(accident.Swap("pod 30 of", "pod 31 of", 1))),
	}
}

// oddSnapshots are good ones.
func oddSnapshots(of func(name, what string, l *label, m maker) item, guarded maker) []item {
	good := func(name, what string, m maker) item { return of("good-"+name, what, nil, m) }
	holding := func(name, what, change string) item { return good(name, what, etcdSnapshot(change, "snap.db")) }
	const three = `for n in 1 2 3; do C=http://127.0.0.1:$((2377 + n * 2)) P=http://127.0.0.1:$((2378 + n * 2))
		etcd --name n$n --data-dir /tmp/e/$n --listen-client-urls $C --advertise-client-urls $C --listen-peer-urls $P --initial-advertise-peer-urls $P \
		--initial-cluster n1=http://127.0.0.1:2380,n2=http://127.0.0.1:2382,n3=http://127.0.0.1:2384 >>/tmp/etcd.log 2>&1 & done; C=()
		for i in $(seq 200); do etcdctl endpoint health >/dev/null 2>&1 && break; sleep 0.05; done`
	copied, secret := good("copy", "a copy of a server's file, which the entry says", etcdOf("serve", etcdChange, etcdCopy, "db")), good("auth",
		"of a cluster with users", guarded)
	copied.restored, secret.restored = "kind: etcd, hash: none", "kind: etcd, password: sesame"
	return []item{
		good("plain", "as it is", etcdSnapshot("", "snap.db")),
		good("gzip", "packed by gzip", etcdSnapshot("", "snap.db.gz", accident.Gzip)),
		good("zstd", "packed by zstd", etcdSnapshot("", "snap.db.zst", accident.Zstd)),
		copied, secret,
		good("three", "of a cluster of three members", etcdOf(three, etcdChange, etcdSave, "snap.db")),
		holding("leases", "most of its keys go with leases, of which one ends in a second", "L=$(etcdctl lease grant 864000 | cut -d' ' -f2)\n"+
			"for i in $(seq 11 57); do etcdctl put --lease=$L /registry/pods/p$i x; done\n"+
			"S=$(etcdctl lease grant 1 | cut -d' ' -f2); etcdctl put --lease=$S /short x"),
		holding("compacted", "compacted and defragmented", "etcdctl compact 16 && etcdctl defrag"),
		holding("revisions", "a key was written 200 times, and deleted ones are behind", "for i in $(seq 200); do echo \"put /again x$i\"; done >/tmp/puts\n"+
			"for i in $(seq 5); do etcdctl put /gone/$i x; etcdctl del /gone/$i; etcdctl put /again $i; done"),
		holding("large", "a value of a megabyte, and one without a byte",
			"head -c 1000000 /dev/zero | tr '\\0' x | etcdctl put /large; etcdctl put /nothing ''"),
		holding("names", "names in Chinese and of any bytes", "etcdctl put '键/北京 1' 值; etcdctl put $'\\xff\\x01' $'\\x80'"),
	}
}
