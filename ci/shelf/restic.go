package main

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// snapshots is the shape of a repository of restic with snapshots of the tree.
var snapshots = &shape{name: "restic", good: vault("", resticNights), entry: vaultEntry, store: vaultStore("restic"), beside: treeList,
	alone: vaultTools("restic check --no-cache --password-file password -r repository")}

// How it is filled: a night of which a file is missing, so that the packs of most files are of that one, and tonight.
const (
	resticInit  = "R='restic -q -r /trees/vault/repository --no-cache'; $R init\n"
	resticFirst = `$R backup --host shop --tag nightly --time "$(hours 90)" --exclude file80.txt /trees/tree` + "\n"
	resticAgain = "$R backup --host shop --tag nightly /trees/tree\n"
	resticPacks = `for i in $($R list index); do $R cat index $i; done >/trees/vault/packs
$R snapshots --json | grep -o '"id":"[0-9a-f]*' | head -1 | cut -d'"' -f4 >/trees/vault/oldest` + "\n"
	resticNights = resticInit + resticFirst + resticAgain + resticPacks
)

// packsOf are packs that hold blobs of a type, the largest first.
func packsOf(kind string) picker {
	return func(f accident.Folder) (names []string) {
		largest := 0
		for d := json.NewDecoder(strings.NewReader(f["packs"])); ; {
			var index struct {
				Packs []struct {
					ID    string
					Blobs []struct {
						Type   string
						Length int
					}
				}
			}
			if d.Decode(&index) != nil {
				return names
			}
			for _, p := range index.Packs {
				size := 0
				for _, b := range p.Blobs {
					if b.Type == kind {
						size += b.Length
					}
				}
				name := vaultAt + path.Join("data", p.ID[:2], p.ID)
				if size > largest {
					largest, names = size, append([]string{name}, names...)
				} else if size > 0 {
					names = append(names, name)
				}
			}
		}
	}
}

// oldest is the file of the first night's snapshot.
func oldest(f accident.Folder) []string {
	return below(path.Join("snapshots", strings.TrimSpace(f["oldest"])))(f)
}

// tonights are the files of all other snapshots.
func tonights(f accident.Folder) []string {
	return slices.DeleteFunc(below("snapshots")(f), func(name string) bool { return slices.Contains(oldest(f), name) })
}

// oldLayout is how repositories lie in old buckets.
func oldLayout(name string) string {
	kind, rest, _ := strings.Cut(name, "/")
	if kind == "data" {
		return path.Join(kind, path.Base(rest))
	}
	return path.Join(strings.TrimSuffix(kind, "s"), rest)
}

// resticRepositories are the broken ones, and good ones that look odd.
func resticRepositories() []item {
	found, read, doubt := at(objective.RungFound), at(objective.RungRead), doubtAt(objective.RungFound)
	of := func(name, what string, l *label, m maker) item {
		return item{name: "restic-" + name, what: what, shape: snapshots, make: m, label: l}
	}
	broken := func(name, what string, l *label, mishaps ...mishap) item {
		return of(name, what, l, vault("", resticNights, mishaps...))
	}
	nights := func(name, what string, l *label, lines string, mishaps ...mishap) item {
		return of(name, what, l, vault("", resticInit+lines+resticPacks, mishaps...))
	}
	data := first(packsOf("data"))
	chosen := func(i item, keys string) item { i.chosen = ", " + keys; return i }
	all := []item{
		broken("pack-lost", "the pack of most files is missing", read, without(data)),
		broken("pack-flip", "a bit turned in the pack of most files", read, happens(data, accident.Flip(0.5))),
		broken("pack-cut", "half of the pack of most files", read, happens(data, accident.Share(0.5))),
		broken("pack-zeros", "the pack of most files is zeros", read, happens(data, accident.Zero(0, 1))),
		broken("pack-empty", "the pack of most files is a file without a byte", read, happens(data, accident.Keep(0))),
		broken("tree-flip", "a bit turned in a pack of folders", read, happens(packsOf("tree"), accident.Flip(0.5))),
		broken("tree-lost", "packs of folders are missing", read, without(packsOf("tree"))),
		broken("half-copied", "a copy of it that stopped: most packs are missing", read, without(below("data"))),
		broken("index-lost", "its indexes are missing", read, without(below("index"))),
		broken("index-one-lost", "one of its indexes is missing", read, without(first(below("index")))),
		broken("index-flip", "a bit turned in its indexes", read, happens(below("index"), accident.Flip(0.5))),
		broken("index-empty", "its indexes are files without a byte", read, happens(below("index"), accident.Keep(0))),
		broken("key-lost", "its key is missing", read, without(below("keys"))),
		broken("key-flip", "a bit turned in its key", read, happens(below("keys"), accident.Flip(0.5))),
		broken("key-cut", "half of its key", read, happens(below("keys"), accident.Share(0.5))),
		broken("config-lost", "its config is missing", read, without(below("config"))),
		broken("config-flip", "a bit turned in its config", read, happens(below("config"), accident.Flip(0.5))),
		broken("config-empty", "its config is a file without a byte", read, happens(below("config"), accident.Keep(0))),
		broken("snapshots-lost", "its snapshots are missing, as if nothing had been backed up", doubt, without(below("snapshots"))),
		broken("snapshot-flip", "a bit turned in tonight's snapshot", found, happens(tonights, accident.Flip(0.5))),
		broken("snapshot-cut", "half of tonight's snapshot", found, happens(tonights, accident.Share(0.5))),
		broken("snapshots-flip", "a bit turned in all its snapshots", found, happens(below("snapshots"), accident.Flip(0.5))),
		broken("snapshots-empty", "its snapshots are files without a byte", found, happens(below("snapshots"), accident.Keep(0))),
		broken("password", "another password", doubt),
		broken("nothing", "an empty folder: nothing is mounted there", doubt, without(below("config")), without(below("keys")), without(below("index")),
			without(below("data")), without(below("snapshots"))),
		nights("other-key", "its key is another repository's, of the same password", read, resticFirst+resticAgain+
			"restic -q -r /trees/more --no-cache init; rm /trees/vault/repository/keys/*; cp /trees/more/keys/* /trees/vault/repository/keys/\n"),
		nights("only-init", "nothing was ever backed up", doubt, ""),
		nights("stale", "the newest snapshot is a week old", found, strings.ReplaceAll(resticFirst, "90", "168")),
		nights("pruned", "tonight's snapshot was forgotten and pruned", found, resticFirst+resticAgain+
			"$R forget --prune $($R snapshots --json | grep -o '\"short_id\":\"[0-9a-f]*' | tail -1 | cut -d'\"' -f4)\n"),
		nights("empty-mount", "what was backed up was an empty folder", read, "rm -rf /trees/tree/*\n"+resticAgain),
		nights("killed", "its only backup was killed: packs, and no snapshot", doubt, resticKilled),
		chosen(broken("other-host", "no snapshot is of the host", doubt), "host: db"),
		chosen(broken("other-tag", "no snapshot has the tag", doubt), "tags: [weekly]"),
		chosen(broken("other-path", "no snapshot is of the path", doubt), "paths: [/srv/files]"),
	}
	all = append(all, lostInTree(func(name, what, change string, l *label) item { return of(name, what, l, vault(change, resticNights)) })...)
	return append(all, oddRestic(nights, chosen)...)
}

// resticKilled is a backup that is killed while it waits for more: its lock stays, and packs that nothing lists.
const resticKilled = `{ head -c 12000000 /dev/urandom; exec sleep 20; } | $R backup --host shop --pack-size 4 --stdin &
for i in $(seq 100); do [ -z "$(ls /trees/vault/repository/locks)" ] || break; sleep 0.1; done; sleep 2; kill -9 $!
wait $! || test -n "$(ls /trees/vault/repository/locks)"
`

// oddRestic are good ones.
func oddRestic(nights func(name, what string, l *label, lines string, mishaps ...mishap) item, chosen func(i item, keys string) item) []item {
	good := func(name, what, lines string, mishaps ...mishap) item {
		return nights("good-"+name, what, nil, lines, mishaps...)
	}
	const both = resticFirst + resticAgain
	return []item{
		good("plain", "as it is", both),
		chosen(good("hosts", "another host's snapshot is newer", both+"$R backup --host mail /etc\n"), "host: shop"),
		chosen(good("chosen", "tags and paths choose among several", both+"$R backup --host shop --tag hourly /etc\n"),
			"host: shop, tags: [nightly], paths: [/trees/tree]"),
		good("lock", "a backup that was killed left its lock and its packs", both+resticKilled),
		good("old-layout", "it lies as in old buckets", both, moved(below("data"), oldLayout), moved(below("keys"), oldLayout), moved(below("snapshots"), oldLayout)),
		good("version-1", "of the first format", strings.Replace(both, "$R", "rm -r /trees/vault/repository; $R init --repository-version 1; $R", 1)),
		good("compressed", "compressed as far as it goes", strings.ReplaceAll(both, "$R backup", "$R --compression max backup")),
		good("keys", "with another's key beside its own", both+"echo somebody >/tmp/new; $R key add --new-password-file /tmp/new\n"),
		good("pruned", "the first night was forgotten, and its packs packed anew", both+"$R forget --prune --keep-last 1 --max-unused 0\n"),
		good("old-flip", "the first night's snapshot is damaged", both, happens(oldest, accident.Flip(0.5))),
		good("part", "an upload that stopped left a part of a pack", both, func(f accident.Folder) error {
			name := packsOf("data")(f)[0]
			f[name+"-tmp-123456"] = f[name][:100]
			return nil
		}),
		good("names", "a folder whose name is Chinese, and a pattern, and has a line break",
			"mv /trees/tree $'/trees/图 [a]*?\nb'; $R backup $'/trees/图 [a]*?\nb'; mv $'/trees/图 [a]*?\nb' /trees/tree\n"),
		chosen(good("within", "the folder within a snapshot of more", "$R backup /trees/tree /etc\n"), "take: /trees/tree"),
		chosen(good("checked", "checked by restic, too", both), "check: data"),
	}
}
