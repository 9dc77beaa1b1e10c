package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// mixed puts the file of rows that holds a text, of a dump into a folder of a changed database, among the files of a good one.
func mixed(sql, text string) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		today, _, err := b.dump(ctx, "", directory)
		if err != nil {
			return err
		}
		before, _, err := b.dump(ctx, sql, directory)
		if err != nil {
			return err
		}
		_, files, err := accident.Untar(before)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			has := false
			look := func(raw []byte) ([]byte, error) { has = bytes.Contains(raw, []byte(text)); return raw, nil }
			if !strings.HasSuffix(name, ".dat.gz") {
				continue
			}
			if _, err := accident.Repacked(look).Of(files[name]); err != nil {
				return err
			}
			if has {
				today, err = accident.InTar(accident.Member(name, accident.Be(string(files[name]))))(today)
				return errors.Join(err, os.WriteFile(filepath.Join(dir, "shop.tar"), today, 0o600))
			}
		}
		return fmt.Errorf("find %q in a file of rows: it is in none", text)
	}
}

// holds writes texts in the place of a backup.
func holds(files map[string]string) maker {
	return func(_ context.Context, _ *bench, dir string) error {
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				return err
			}
		}
		return nil
	}
}

// promised writes a good dump and a list of digests beside it, made of the dump's.
func promised(list string, text func(digest string) string) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		raw, _, err := b.dump(ctx, "", dump)
		if err != nil {
			return err
		}
		return holds(map[string]string{"shop.dump": string(raw), list: text(fmt.Sprintf("%x", sha256.Sum256(raw)))})(ctx, b, dir)
	}
}

// noise has every byte as often as any other.
func noise(n int) string {
	raw := make([]byte, 0, n+sha256.Size)
	for i := 0; len(raw) < n; i++ {
		sum := sha256.Sum256(fmt.Append(nil, i))
		raw = append(raw, sum[:]...)
	}
	return string(raw[:n])
}

// wrongFiles are files in a backup's place that are none, are another's, or may be as good as any.
func wrongFiles() []item {
	found, read := at(objective.RungFound), at(objective.RungRead)
	doubt, ageless := doubtAt(objective.RungRead), doubtAt(objective.RungFound) // of an archive the age was to be known, too
	sealed := func(name, what, head string) item {
		return item{name: name, what: what, shape: shop, make: holds(map[string]string{"shop.dump": head + noise(40_000)}), label: ageless}
	}
	text := func(name, what, file, text string) item {
		return item{name: name, what: what, shape: shop, make: holds(map[string]string{file: text}), label: read}
	}
	const zeroDigest = "0000000000000000000000000000000000000000000000000000000000000000"
	return []item{
		text("empty", "a file without a byte", "shop.dump", ""),
		text("zeros", "a file of zeros", "shop.dump", string(make([]byte, 100_000))),
		text("message", "the message of a pg_dump that failed", "shop.sql",
			"pg_dump: error: connection to server at \"db\", port 5432 failed: Connection refused\n"),
		text("page", "the page of a login", "shop.sql.gz", "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>\n"),
		text("noise", "noise", "shop.dump", noise(60_000)),
		{name: "no-backup-yet", what: "the dump is still being written", shape: shop, make: holds(map[string]string{"shop.dump.part": "PGDMP"}), label: found},
		sealed("gpg", "encrypted by gpg", "\x85\x01\x0c\x03"),
		sealed("gpg-armoured", "encrypted by gpg, as text", "-----BEGIN PGP MESSAGE-----\n\n"),
		sealed("openssl", "encrypted by openssl", "Salted__"),
		{name: "mysql", what: "a dump of MySQL", shape: shop, make: holds(map[string]string{"shop.sql": "-- MySQL dump 10.13  Distrib 8.0.36\n--\n-- " +
			"Host: db\nDROP TABLE IF EXISTS `t`;\n-- Dump completed\n"}), label: doubt},
		{name: "kin", what: "a dump of another product that is akin to PostgreSQL", shape: shop, make: holds(map[string]string{
			"shop.sql": "--\n-- Greenplum Database database dump\n--\n\nSET statement_timeout = 0;\n"}), label: doubt},
		{name: "bare", what: "a dump without its comments", shape: shop, make: holds(map[string]string{
			"shop.sql": "SET statement_timeout = 0;\nSET lock_timeout = 0;\nCREATE TABLE public.t (n integer);\n"}), label: doubt},
		{name: "digest-wrong", what: "its digest is another", shape: shop, make: promised("SHA256SUMS",
			func(string) string { return zeroDigest + "  shop.dump\n" }), label: read},
		{name: "digest-swapped", what: "the list has the digests of two backups the wrong way round", shape: shop, make: promised("SHA256SUMS",
			func(d string) string { return zeroDigest + "  shop.dump\n" + d + "  other.dump\n" }), label: read},
		{name: "digest-of-another", what: "the list beside it promises something of another file", shape: shop, make: promised("SHA256SUMS",
			func(string) string { return zeroDigest + "  shop-of-yesterday.dump\n" }), label: doubt},
		{name: "digest-cut", what: "the list beside it is cut in the middle of a digest", shape: shop, make: promised("shop.dump.sha256",
			func(d string) string { return d[:20] }), label: doubt},
		damaged("newer-server", "of a PostgreSQL that is newer than the image", plain, doubt,
			accident.Swap("Dumped from database version 15", "Dumped from database version 99", 1)),
		damaged("newer-archive", "an archive whose format is newer", dump, ageless, accident.Swap("PGDMP\x01\x0e", "PGDMP\x01\x1f", 1)),
	}
}
