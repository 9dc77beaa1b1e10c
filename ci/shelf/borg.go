package main

import (
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// archives is the shape of a repository of borg with archives of the tree.
var archives = &shape{name: "borg", good: vault("", borgNights), entry: vaultEntry, store: vaultStore("borg"), beside: treeList,
	alone: vaultTools("borg check repository")}

// How it is filled: a night of which a file is missing, so that most of what tonight's holds is of that one, and tonight.
const (
	borgInit = `B=/trees/vault/repository; cd /trees/tree; rm -rf $BORG_BASE_DIR; create() { borg create "$@" .; }
borg init -e repokey $B
`
	borgFirst  = `create --timestamp "$(hours 90 | tr ' ' T)" --exclude '*/file80.txt' $B::shop-1` + "\n"
	borgAgain  = "create $B::shop-2\n"
	borgNights = borgInit + borgFirst + borgAgain
)

// segments are those of a repository of borg, the largest first.
func segmentsOf(f accident.Folder) []string {
	names := below("data")(f)
	for i := range names {
		if len(f[names[i]]) > len(f[names[0]]) {
			names[0], names[i] = names[i], names[0]
		}
	}
	return names
}

// newestOf is the segment that was written last.
func newestOf(f accident.Folder) []string {
	newest := ""
	for _, name := range below("data")(f) {
		if len(name) > len(newest) || len(name) == len(newest) && name > newest {
			newest = name
		}
	}
	return []string{newest}
}

// called are files at the top of a repository whose names begin so.
func called(begin string) picker {
	return func(f accident.Folder) []string {
		return sortedBy(f, func(name string) bool { return strings.HasPrefix(name, vaultAt+begin) })
	}
}

// borgRepositories are the broken ones, and good ones that look odd.
func borgRepositories() []item {
	found, read, doubt := at(objective.RungFound), at(objective.RungRead), doubtAt(objective.RungFound)
	of := func(name, what string, l *label, m maker) item {
		return item{name: "borg-" + name, what: what, shape: archives, make: m, label: l}
	}
	broken := func(name, what string, l *label, happen ...mishap) item {
		return of(name, what, l, vault("", borgNights, happen...))
	}
	nights := func(name, what string, l *label, lines string, happen ...mishap) item {
		return of(name, what, l, vault("", borgInit+lines, happen...))
	}
	largest, both := first(segmentsOf), borgFirst+borgAgain
	chosen := func(i item, keys string) item { i.chosen = ", " + keys; return i }
	all := []item{
		broken("segment-lost", "the segment of most files is missing", read, without(largest)),
		broken("segment-flip", "a bit turned in the segment of most files", read, happens(largest, accident.Flip(0.5))),
		broken("segment-cut", "half of the segment of most files", read, happens(largest, accident.Share(0.5))),
		broken("segment-zeros", "zeros in the segment of most files", read, happens(largest, accident.Zero(0.2, 0.8))),
		broken("segment-empty", "the segment of most files is a file without a byte", read, happens(largest, accident.Keep(0))),
		broken("segments-lost", "its segments are missing", read, without(below("data"))),
		broken("segments-flip", "a bit turned in every segment", read, happens(below("data"), accident.Flip(0.5))),
		broken("newest-lost", "the segment that was written last is missing, and with it tonight's archive", found, without(newestOf)),
		broken("commit-lost", "the segment that was written last ends before its commit, so that tonight's archive is none", found,
			happens(newestOf, accident.Drop(9))),
		broken("config-lost", "its config is missing", read, without(below("config"))),
		broken("config-empty", "its config is a file without a byte", read, happens(below("config"), accident.Keep(0))),
		broken("key-lost", "its key is missing", read, happens(below("config"), accident.CutAt("key =", 1, 0))),
		broken("key-flip", "a character of its key is another", doubt, happens(below("config"), accident.Swap("key = h", "key = i", 1))),
		broken("password", "another passphrase", doubt),
		broken("nothing", "an empty folder: nothing is mounted there", doubt, without(called(""))),
		nights("only-init", "nothing was ever backed up", doubt, ""),
		nights("stale", "the newest archive is four days old", found, borgFirst),
		nights("deleted", "tonight's archive was deleted", found, both+"borg delete $B::shop-2\nborg compact $B\n"),
		nights("empty-mount", "what was backed up was an empty folder", read, "rm -rf /trees/tree/*\n"+borgAgain),
		nights("unfinished", "its only archive was not finished", found, "create $B::shop-1.checkpoint\n"),
		chosen(broken("other-name", "no archive has such a name", doubt), "pattern: 'mail-*'"),
		chosen(broken("other-host", "no archive is of the host", doubt), "host: db"),
	}
	all = append(all, lostInTree(func(name, what, change string, l *label) item { return of(name, what, l, vault(change, borgNights)) })...)
	return append(all, oddBorg(nights, chosen)...)
}

// oddBorg are good ones.
func oddBorg(nights func(name, what string, l *label, lines string, happen ...mishap) item, chosen func(i item, keys string) item) []item {
	good := func(name, what, lines string, happen ...mishap) item {
		return nights("good-"+name, what, nil, lines, happen...)
	}
	const both = borgFirst + borgAgain
	locked := func(f accident.Folder) error {
		f[vaultAt+"lock.exclusive/gone@42-0"], f[vaultAt+"lock.roster"] = "x", `{"exclusive": [["gone@42", 7, 0]]}`
		return nil
	}
	again := func(options string) string {
		return "rm -rf $B $BORG_BASE_DIR; borg init " + options + " $B\n" + both
	}
	return []item{
		good("plain", "as it is", both),
		good("lock", "a borg that was killed left its lock", both, locked),
		good("index-lost", "its index is missing, which borg makes again", both, without(called("index."))),
		good("hints-lost", "its hints are missing, which borg makes again", both, without(called("hints."))),
		good("index-flip", "a bit turned in its index, which borg makes again", both, happens(called("index."), accident.Flip(0.5))),
		good("nonce-lost", "what borg counts encryptions by is missing", both, without(below("nonce"))),
		good("open", "not encrypted", again("-e none")),
		good("blake", "sealed by another algorithm, written by appending alone", again("-e repokey-blake2 --append-only")),
		good("packed", "packed by lzma", strings.ReplaceAll(both, "create --", "create -C lzma --")),
		good("compacted", "the first night was pruned, and its segments compacted", both+"borg prune --keep-last 1 $B\nborg compact --threshold 0 $B\n"),
		good("checkpoint", "tonight's archive is beside one that was not finished", both+"create $B::shop-3.checkpoint\n"),
		chosen(good("names", "a name in Chinese, among others", both+"create \"$B::备份 北京\"\ncd /etc; create $B::mail-1\n"), "pattern: '备份*'"),
		chosen(good("within", "the folder within an archive of more", "borg create $B::all /trees/tree /etc\n"), "take: /trees/tree"),
		chosen(good("checked", "checked by borg, too", both), "check: data"),
	}
}
