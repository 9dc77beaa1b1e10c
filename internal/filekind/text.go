package filekind

import (
	"archive/tar"
	"bytes"
	"path"
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

// BOM is the mark of UTF-8, with which Windows programs begin a text. It changes nothing of what the text is.
const BOM = "\xef\xbb\xbf"

// ofText tells what a text is by its words.
func ofText(head []byte) Found {
	text := string(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(BOM))))
	low := strings.ToLower(text[:min(len(text), 512)])
	switch {
	case text == "":
		return Found{Kind: Named("empty")} // nothing but blanks and ends of lines
	case headed(text) != "":
		return Found{Kind: Named(headed(text))}
	case strings.HasPrefix(text, "/*M!999999"), strings.HasPrefix(text, "-- phpMyAdmin SQL Dump"),
		strings.HasPrefix(text, "-- Dump created by MySQL"), strings.HasPrefix(text, "/*!40"):
		return Found{Kind: Named("mysql")}
	case kin().MatchString(text):
		return Found{Kind: Named("pg_kin"), Said: said(kin().FindStringSubmatch(text)[1])}
	case bare().MatchString(text):
		return Found{Kind: Named("pg_bare")}
	case strings.HasPrefix(low, "pragma foreign_keys"), strings.HasPrefix(low, "begin transaction;\ncreate table"):
		return Found{Kind: Named("sqlite_dump")}
	case strings.HasPrefix(low, "<!doctype html"), strings.HasPrefix(low, "<html"):
		return Found{Kind: Named("html")}
	case strings.HasPrefix(low, "<?xml"), strings.HasPrefix(low, "<error>"):
		if strings.Contains(low, "<!doctype html") || strings.Contains(low, "<html") {
			return Found{Kind: Named("html")}
		}
		if strings.Contains(low, "<mysqldump") {
			return Found{Kind: Named("mysql_xml")}
		}
		return Found{Kind: Named("xml"), Said: said(between(text, "<Message>", "</Message>"))}
	case jsonStart().MatchString(text):
		return Found{Kind: Named("json"), Said: said(text)}
	case strings.HasPrefix(text, "version https://git-lfs.github.com/"):
		return Found{Kind: Named("lfs")}
	case message().MatchString(text):
		return Found{Kind: Named("message"), Said: said(text)}
	}
	return Found{}
}

var (
	// kin are products that have a pg_dump of their own: Greenplum, EnterpriseDB, YugabyteDB and others.
	kin = lazy.Regexp(`\A(?:--\s*\n)?-- (\S[^\n]{1,40} database (?:cluster )?dump)\s*\n`)
	// bare is how pg_dump's and pg_dumpall's scripts begin behind their headings.
	bare = lazy.Regexp(`\A(?:\\restrict \S+\s+)?SET (?:statement_timeout = 0|default_transaction_read_only = off);\s+SET `)
)

// headed is the kind of the dump whose heading comes first: texts within a dump may hold that of another system.
func headed(text string) (kind string) {
	first := len(text)
	for _, h := range []struct{ heading, kind string }{{"PostgreSQL database cluster dump", "pg_cluster"}, {"PostgreSQL database dump", "pg_plain"},
		{"-- MySQL dump ", "mysql"}, {"-- MariaDB dump ", "mysql"}} {
		if i := strings.Index(text, h.heading); i >= 0 && i < first {
			first, kind = i, h.kind
		}
	}
	return kind
}

// message of a program, in the first line of what it should have written: its name and a colon, as programs that
// complain write it, or the shell's, the engine's and the network's words.
var message = lazy.Regexp(`(?i)\A(` +
	`(/\S*/)?(pg_dump|pg_dumpall|pg_restore|psql|pg_basebackup|mysqldump|mariadb-dump|mysqlpump|mysql|mariadb|mongodump|` +
	`redis-cli|sqlite3|docker|podman|kubectl|ssh|scp|rsync|curl|wget|aws|mc|rclone|sudo|su|env|gzip|xz|zstd|gpg|openssl|` +
	`tar|qemu-img|timeout|nsenter|OCI runtime exec)(\.exe)?( \[\d+\])?: |` +
	`(-?(ba|da|z|k)?sh|/bin/\w+|/usr/bin/\w+|\S+\.sh): (line )?\S+: |` +
	`Error response from daemon|Cannot connect to the Docker daemon|the input device is not a TTY|` +
	`Error from server|error: |Error: |FATAL: |ERROR: |Access denied|Permission denied|Connection (refused|timed out)|` +
	`Host key verification failed|Could not resolve host|No such (file|container)|Password: ?\n?|` +
	`Unable to locate credentials|An error occurred \()`)

// said is a message in one line.
func said(text string) string {
	const most = 200
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if len(line) > most {
		line = line[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, ""))
}

func between(text, from, to string) string {
	_, rest, ok := strings.Cut(text, from)
	inner, _, ends := strings.Cut(rest, to)
	if !ok || !ends {
		return ""
	}
	return inner
}

var jsonStart = lazy.Regexp(`\A(\{\s*("|\})|\[\s*(\{|"|\]))`)

// firstMember of a tar, which its first header's checksum tells: old ones carry no magic.
func firstMember(head []byte) (name string, ok bool) {
	if len(head) < 512 {
		return "", false
	}
	h, err := tar.NewReader(bytes.NewReader(head)).Next()
	if err != nil {
		return "", false
	}
	return h.Name, true
}

// IsTar tells whether a file of which head is the beginning is a tar, of whatever.
func IsTar(head []byte) bool {
	_, ok := firstMember(head)
	return ok
}

// tarOf tells what a tar is by its first member.
func tarOf(member string) string {
	clean := strings.TrimPrefix(path.Clean(member), "./")
	top, _, _ := strings.Cut(clean, "/")
	switch {
	case strings.HasSuffix(strings.ToLower(clean), ".ovf"):
		return "ova"
	case clean == "backup_label" || clean == "tablespace_map":
		return "basebackup"
	case slices.Contains([]string{".dockerenv", "bin", "boot", "etc", "usr"}, top):
		return "rootfs"
	case slices.Contains([]string{"blobs", "oci-layout", "index.json", "manifest.json", "repositories"}, top),
		imageFile().MatchString(clean):
		return "oci"
	}
	return "tar"
}

// imageFile: docker save names a layer's folder and the configuration by their digests.
var imageFile = lazy.Regexp(`\A[0-9a-f]{64}(\.json|\.tar|/|\z)`)
