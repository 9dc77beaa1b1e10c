package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// uploads is the shape of a tar of a tree of files.
var uploads = &shape{name: "files", good: treeBackup("", treeTar, "uploads.tar"), entry: treeEntry, alone: asking(map[string]string{"": "tar -tf"}),
	yesterday: treeBackup("rm uploads/2026/file80.txt", treeTar, "uploads.tar"), profile: treeProfile, beside: treeList}

// Lines of shell that pack the tree below /trees/tree as people do.
const (
	treeTar     = "tar --xattrs -S --numeric-owner -C /trees/tree -cf - ."
	treeGzip    = treeTar + " | gzip"
	treeZstd    = treeTar + " | zstd -q"
	treeEntries = "cd /trees/tree && find . -mindepth 1 -print0 | LC_ALL=C sort -z | tar --xattrs -S --numeric-owner --no-recursion --null -T - -cf -"
)

// treeGood makes the good tree, once: files with every attribute that a backup can lose. It lies on a volume, which has holes.
const treeGood = `[ -d /trees/good ] || { mkdir /trees/good && cd /trees/good && mkdir -p uploads/2026 'uploads/mit Leerzeichen' 图片 empty config &&
for i in $(seq 80); do seq $i $((400 + i * 9)) >uploads/2026/file$i.txt; done
printf 'host=db\nname=shop\n' >config/app.ini; chmod 600 config/app.ini; printf '#!/bin/sh\nexec true\n' >run.sh; chmod 755 run.sh
seq 30 >'uploads/mit Leerzeichen/a b.txt'; seq 40 >图片/图.txt; seq 50 >$'uploads/neue\nzeile.txt'; seq 60 >$'uploads/\xff\xfe.bin'
ln -s ../config/app.ini uploads/app.ini; ln uploads/2026/file1.txt uploads/again.txt; setfattr -n user.origin -v scanner uploads/2026/file2.txt
truncate -s 4M sparse.img; printf x | dd of=sparse.img bs=1 seek=2000000 conv=notrunc status=none; chown -R 33:33 uploads 图片; chmod 750 uploads
find . -exec touch -h -d '2026-01-02 03:04:05' {} +; } && rm -rf /trees/tree && cp -a /trees/good /trees/tree && cd /trees/tree && { %s
true; } && %s`

// treeOf changes a copy of the good tree by lines of shell, and gives what another line writes.
func treeOf(ctx context.Context, b *bench, change, line string) ([]byte, error) {
	return b.inTools(ctx, nil, fmt.Sprintf(treeGood, change, line))
}

// treeBackup packs a changed copy of the tree into a file of that name.
func treeBackup(change, line, name string, happens ...accident.Func) maker {
	return fromTools(fmt.Sprintf(treeGood, change, line), "", name, happens...)
}

// treeProfile is the manifest of the good tree.
func treeProfile(ctx context.Context, b *bench) ([]byte, error) { return profileOfTree(ctx, b, "") }

func profileOfTree(ctx context.Context, b *bench, change string) ([]byte, error) {
	if _, err := once(b, "lifeboat among the tools", func() ([]byte, error) {
		w, err := b.tools(ctx)
		if err != nil {
			return nil, err
		}
		return command(ctx, nil, "docker", "cp", b.lifeboat, w.id+":/tmp/lifeboat")
	}); err != nil {
		return nil, err
	}
	return treeOf(ctx, b, change, "/tmp/lifeboat profile --files /trees/tree -o /tmp/profile.json >/dev/null && cat /tmp/profile.json && rm /tmp/profile.json")
}

// profiledTree packs a changed copy with the manifest of that beside it.
func profiledTree(change, line, name string) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		text, err := profileOfTree(ctx, b, change)
		if err != nil {
			return err
		}
		return holds(map[string]string{name + ".profile.json": string(text)}).then(treeBackup(change, line, name))(ctx, b, dir)
	}
}

// then makes one thing after another.
func (m maker) then(next maker) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		if err := m(ctx, b, dir); err != nil {
			return err
		}
		return next(ctx, b, dir)
	}
}

// treeList is the list of digests that a careful user keeps beside his catalogue.
func treeList(ctx context.Context, b *bench, c column, folder string) error {
	if c != rules {
		return nil
	}
	_, err := once(b, "list of digests", func() (string, error) {
		raw, err := treeOf(ctx, b, "", "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum")
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, "tree.sha256"), raw, 0o600)
		}
		return "", err
	})
	return err
}

// treeEntry is one as a user writes it from the README, and the list that a careful user adds.
func treeEntry(c column, _ item) string { return treeAged("0s", c) }

func treeAged(age string, c column) string {
	careful := ""
	if c == rules {
		careful = `, file: tree.sha256`
	}
	return `objectives: {age: ` + age + `}
restore: {kind: files, path: /restored}
as: app
instance: {kind: docker, image: "` + image + `", command: [sleep, infinity]}
checks: {data: [{kind: tree, on: app` + careful + "}]}\n"
}

// trees are the broken ones, and good ones that look odd.
func trees() []item {
	read, doubt := at(objective.RungRead), doubtAt(objective.RungRead)
	of := func(name, what string, l *label, m maker) item {
		return item{name: "files-" + name, what: what, shape: uploads, make: m, label: l}
	}
	file := func(name, what, line, file string, happens ...accident.Func) item {
		return of(name, what, read, treeBackup("", line, file, happens...))
	}
	is := func(name, what, file, text string, l *label) item {
		return of(name, what, l, holds(map[string]string{file: text}))
	}
	holding := func(name, what, change string, l *label) item {
		return of(name, what, l, treeBackup(change, treeTar, "uploads.tar"))
	}
	by := func(name, what, line string) item {
		return of(name, what, content("attributes", profile), treeBackup("", line, "uploads.tar"))
	}
	made := func(name, what string, l *label, p ...piece) item {
		return of(name, what, l, holds(map[string]string{"uploads.tar": string(archived(p))}))
	}
	full := strings.Repeat("an upload\n", 500)
	all := []item{
		file("cut-1", "the first hundredth of it", treeTar, "uploads.tar", accident.Share(0.01)),
		file("cut-50", "its first half", treeTar, "uploads.tar", accident.Share(0.5)),
		file("cut-95", "all but the last twentieth", treeTar, "uploads.tar", accident.Share(0.95)),
		file("flip-header", "a bit turned in a name", treeTar, "uploads.tar", accident.FlipTarHeader),
		file("zeros", "a tenth of it is zeros", treeTar, "uploads.tar", accident.Zero(0.4, 0.5)),
		file("junk", "something follows the end of the archive", treeTar, "uploads.tar", accident.Add("something else")),
		file("gzip-cut", "packed by gzip, its first half", treeGzip, "uploads.tar.gz", accident.Share(0.5)),
		file("gzip-cut-sum", "packed by gzip, all but its checksum", treeGzip, "uploads.tar.gz", accident.Drop(8)),
		file("gzip-flip", "packed by gzip, a bit turned", treeGzip, "uploads.tar.gz", accident.Flip(0.5)),
		file("zstd-cut", "packed by zstd, all but the last hundredth", treeZstd, "uploads.tar.zst", accident.Share(0.99)),
		file("zstd-flip", "packed by zstd, a bit turned", treeZstd, "uploads.tar.zst", accident.Flip(0.5)),
		is("empty", "a file without a byte", "uploads.tar", "", read),
		is("zero-file", "a file of zeros", "uploads.tar", string(make([]byte, 100_000)), read),
		is("page", "the page of a login", "uploads.tar.gz", "<!DOCTYPE html><html><head><title>Sign in</title></head></html>\n", read),
		is("message", "the message of a tar that failed", "uploads.tar", "tar: uploads: Cannot open: Permission denied\n", read),
		is("sealed", "encrypted by age", "uploads.tar.age", "age-encryption.org/v1\n-> X25519 x\n"+noise(20_000), doubt),
		is("unfinished", "it is still being written", "uploads.tar.part", full, at(objective.RungFound)),
		of("digest-wrong", "its digest is another", read, holds(map[string]string{"uploads.tar.sha256": strings.Repeat("0", 64) + "  uploads.tar\n"}).
			then(treeBackup("", treeTar, "uploads.tar"))),
		made("no-files", "folders, and not one file", read, piece{name: "uploads/"}, piece{name: "uploads/2026/"}),
		made("no-bytes", "files without a byte", read, piece{name: "uploads/"}, piece{name: "uploads/a.txt"}),
		made("climbs", "a name that leads out of the tree", read, piece{name: "a.txt", text: []byte(full)}, piece{name: "../../etc/cron.d/own", text: []byte("*")}),
		made("climbs-by-link", "a name that leads out through a link of its own", read, piece{name: "a.txt", text: []byte(full)},
			piece{name: "way", link: "/etc"}, piece{name: "way/own", text: []byte("*")}),
		holding("file-more", "a file more", "seq 9 >uploads/2026/own.php", content("few_files", rule)),
		holding("names", "names that are not English are question marks", "mv 图片/图.txt 图片/???; mv 图片 ????", content("few_files", rule)),
		by("times", "times were lost", "tar --xattrs -S --mtime=now --numeric-owner -C /trees/tree -cf - ."),
		by("hard-links", "names of one file are several files", "tar --xattrs -S --hard-dereference --numeric-owner -C /trees/tree -cf - ."),
	}
	return slices.Concat(all, lostInTree(holding), oddTrees())
}

// lostInTree are changes of the tree that no archive and no repository shows: what was backed up was not what it was.
func lostInTree(of func(name, what, change string, l *label) item) []item {
	return []item{
		of("own-digest", "a file is not what the list in the tree says", "sha256sum uploads/2026/*.txt >SHA256SUMS; echo x >>uploads/2026/file7.txt",
			at(objective.RungContent)),
		of("half", "half of its files were left out", "rm uploads/2026/file[1-4]*", content("files", rule, lastSeen)),
		of("file-lost", "a file was left out", "rm uploads/2026/file7.txt", content("few_files", rule)),
		of("file-empty", "a file is empty", ": >uploads/2026/file7.txt; touch -d '2026-01-02 03:04:05' uploads/2026/file7.txt", content("contents", rule)),
		of("another-night", "a file is another night's", "seq 1 464 >uploads/2026/file7.txt; touch -d '2026-01-01 03:04:05' uploads/2026/file7.txt",
			content("contents", rule)),
		of("zeroed", "a file holds zeros", "head -c $(stat -c %s config/app.ini) /dev/zero >t; cat t >config/app.ini; rm t; "+
			"touch -d '2026-01-02 03:04:05' config/app.ini", content("contents", rule)),
		of("folder-lost", "an empty folder was left out", "rmdir empty", content("folders", profile)),
		of("modes", "modes were lost", "chmod -R a=rwX .", content("attributes", profile)),
		of("owners", "owners were lost", "chown -R 0:0 .", content("attributes", profile)),
		of("xattrs", "extended attributes were lost", "setfattr -x user.origin uploads/2026/file2.txt", content("attributes", profile)),
		of("link-lost", "a link is a copy of what it led to", "rm uploads/app.ini; cp config/app.ini uploads/app.ini", content("attributes", profile)),
		of("holes", "its holes were filled", "cp --sparse=never sparse.img t; cat t >sparse.img; rm t", content("attributes", profile)),
	}
}

// oddTrees are good ones.
func oddTrees() []item {
	good := func(name, what, change, line, file string) item {
		return item{name: "files-good-" + name, what: what, shape: uploads, make: treeBackup(change, line, file),
			profiled: profiledTree(change, line, file)}
	}
	ownList := good("own-list", "with a list of digests of its own, of some of its files", "sha256sum uploads/2026/*.txt >SHA256SUMS; "+
		"touch -d '2026-01-02 03:04:05' SHA256SUMS .", treeTar, "uploads.tar")
	oldFormat := good("old-format", "in the format of 1988",
		`rm uploads/$'neue\nzeile.txt'; setfattr -x user.origin uploads/2026/file2.txt; cat sparse.img >s; mv s sparse.img;
			find . -exec touch -h -d '2026-01-02 03:04:05' {} +`, "tar --format=ustar --numeric-owner -C /trees/tree -cf - .", "uploads.tar")
	ownList.other, oldFormat.other = true, true // their lists would be others
	return []item{
		good("tar", "as it is", "", treeTar, "uploads.tar"),
		good("gzip", "packed by gzip", "", treeGzip, "uploads.tar.gz"),
		good("zstd", "packed by zstd", "", treeZstd, "uploads.tar.zst"),
		good("entries", "without a folder before its names", "", treeEntries, "uploads.tar"),
		good("absolute", "names that begin with a slash", "",
			`tar --xattrs -S --numeric-owner -P --transform 's,^\./,/,' -C /trees/tree -cf - .`, "uploads.tar"),
		good("unpadded", "without the zeros that a tape is filled up with", "", "tar --xattrs -S -b 1 --numeric-owner -C /trees/tree -cf - .", "uploads.tar"),
		good("blocks", "with blocks of a tape", "", "tar --xattrs -S -b 512 --numeric-owner -C /trees/tree -cf - .", "uploads.tar"),
		ownList,
		oldFormat,
	}
}
