package filekind

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	t.Parallel()
	const dump = "--\n-- PostgreSQL database dump\n--\n"
	boot := func(at int, magic string) string { return strings.Repeat("\x00", at) + magic }
	for name, test := range map[string]struct{ head, want, said string }{
		"nothing":             {"", "empty", ""},
		"blanks":              {"\n\n  \n", "empty", ""},
		"zeros":               {boot(70_000, ""), "zeros", ""},
		"gzip":                {"\x1f\x8b\x08", "gzip", ""},
		"pzstd":               {"\x50\x2a\x4d\x18\x04\x00\x00\x00", "zstd", ""},
		"bzip2":               {"BZh91AY&SY12", "bzip2", ""},
		"a text with BZh":     {"BZh9 is no bzip2", "", ""},
		"lzma":                {"\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x16", "lzma", ""},
		"a text with ]":       {"] hello, this is a text of some length", "", ""},
		"gpg, armoured":       {"-----BEGIN PGP MESSAGE-----\n", "gpg", ""},
		"gpg, public key":     {"\x85\x01\x0c\x03" + strings.Repeat("\x9a", 20), "gpg", ""},
		"gpg, passphrase":     {"\x8c\x0d\x04\x09\x03\x08" + strings.Repeat("\x9a", 20), "gpg", ""},
		"latin text":          {"Ünïcödé text that is nothing at all, in UTF-8", "", ""},
		"openssl":             {"Salted__12345678", "openssl", ""},
		"openssl, base64":     {"U2FsdGVkX18=", "openssl_base64", ""},
		"age":                 {"age-encryption.org/v1\n", "age", ""},
		"LUKS":                {"LUKS\xba\xbe\x00\x02", "luks", ""},
		"UTF-16":              {"\xff\xfe-\x00-\x00", "utf16", ""},
		"UTF-16, no mark":     {wide("-- PostgreSQL database dump, and more words than a line\n"), "utf16", ""},
		"UTF-32":              {"\xff\xfe\x00\x00-\x00\x00\x00", "utf32", ""},
		"pg_dump":             {dump, "pg_plain", ""},
		"pg_dump, marked":     {BOM + dump, "pg_plain", ""},
		"pg_dumpall":          {"--\n-- PostgreSQL database cluster dump\n--\n", "pg_cluster", ""},
		"pg_dump, custom":     {"PGDMP\x01\x0e\x00", "pg_custom", ""},
		"Greenplum":           {"--\n-- Greenplum Database database dump\n--\n", "pg_kin", "Greenplum Database database dump"},
		"EnterpriseDB":        {"--\n-- EnterpriseDB database cluster dump\n--\n", "pg_kin", "EnterpriseDB database cluster dump"},
		"pg_dump, bare":       {"\n\n\\restrict a1\n\n\nSET statement_timeout = 0;\nSET lock_timeout = 0;\n", "pg_bare", ""},
		"pg_dumpall, bare":    {"SET default_transaction_read_only = off;\n\nSET client_encoding = 'UTF8';\n", "pg_bare", ""},
		"SQL, timed":          {"SET statement_timeout = 0;\nDELETE FROM a;\n", "", ""},
		"mysqldump":           {"-- MySQL dump 10.13  Distrib 8.0.36\n", "mysql", ""},
		"mariadb-dump":        {"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n", "mysql", ""},
		"mysqldump, warned":   {"mysqldump: [Warning] Using a password\n-- MySQL dump 10.13\n", "mysql", ""},
		"mysqldump of a wiki": {"-- MySQL dump 10.13\nINSERT INTO page VALUES ('-- PostgreSQL database dump');\n", "mysql", ""},
		"pg_dump of a wiki":   {dump + "COPY page FROM stdin;\n-- MySQL dump 10.13\n", "pg_plain", ""},
		"SQLite":              {"SQLite format 3\x00", "sqlite", ""},
		"SQLite, dumped":      {"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;", "sqlite_dump", ""},
		"SQL Server":          {"TAPE\x00\x00\x03\x00", "mssql", ""},
		"Oracle":              {"\x03\x03\x69EXPORT:V12.02.00\n", "oracle", ""},
		"Redis":               {"REDIS0011\xfa", "redis", ""},
		"Valkey":              {"VALKEY080\xfa", "redis", ""},
		"Redis' log":          {"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", "redis_aof", ""},
		"Redis' log, timed":   {"#TS:1795916848\r\n*3\r\n$3\r\nSET\r\n", "redis_aof", ""},
		"etcd":                {strings.Repeat("\x00", 16) + "\xed\xda\x0c\xed\x02\x00\x00\x00", "bbolt", ""},
		"MongoDB":             {"\x6d\xe2\x99\x81\x66", "mongodb", ""},
		"ELF":                 {"\x7fELF\x02", "elf", ""},
		"qcow2":               {"QFI\xfb\x00\x00\x00\x03", "qcow2", ""},
		"VMDK":                {"KDMV\x01", "vmdk", ""},
		"VMDK, described":     {"# Disk DescriptorFile\nversion=1", "vmdk_text", ""},
		"VHD":                 {"conectix\x00", "vhd", ""},
		"VHDX":                {"vhdxfile", "vhdx", ""},
		"VDI":                 {"<<< Oracle VM VirtualBox Disk Image >>>\n" + boot(0x40-40, "\x7f\x10\xda\xbe"), "vdi", ""},
		"VMA":                 {"VMA\x00\x00\x00\x00\x01", "vma", ""},
		"ISO":                 {boot(0x8001, "CD001\x01"), "iso", ""},
		"a boot sector":       {"\xeb\x63\x90" + boot(507, "\x55\xaa"), "disk", ""},
		"HTML":                {"\n<!DOCTYPE HTML><title>403</title>", "html", ""},
		"XHTML":               {"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC>", "html", ""},
		"a bucket's error": {"<?xml version='1.0'?><Error><Message>Access Denied</Message></Error>", "xml",
			"Access Denied"},
		"JSON":              {"{\"error\": \"not found\"}\nmore", "json", "{\"error\": \"not found\"}"},
		"Git LFS":           {"version https://git-lfs.github.com/spec/v1\noid sha256:00", "lfs", ""},
		"pg_dump's error":   {"pg_dump: error: connection failed\nmore", "message", "pg_dump: error: connection failed"},
		"mysqldump --xml":   {"<?xml version=\"1.0\"?>\n<mysqldump xmlns:xsi=\"x\">", "mysql_xml", ""},
		"mysqldump's error": {"mysqldump: Got error: 1045: Access denied", "message", "mysqldump: Got error: 1045: Access denied"},
		"a shell's":         {"bash: pg_dump: command not found\n", "message", "bash: pg_dump: command not found"},
		"a script's":        {"/opt/backup.sh: line 3: pg_dump: command not found", "message", "/opt/backup.sh: line 3: pg_dump: command not found"},
		"the engine's":      {"Error response from daemon: No such container: db\n", "message", "Error response from daemon: No such container: db"},
		"a folder":          {tarred(t, "toc.dat"), "tar", ""},
		"an OVA":            {tarred(t, "shop.ovf"), "ova", ""},
		"docker save":       {tarred(t, "blobs/"), "oci", ""},
		"docker save, old":  {tarred(t, strings.Repeat("a1", 32)+"/"), "oci", ""},
		"docker export":     {tarred(t, ".dockerenv"), "rootfs", ""},
		"pg_basebackup":     {tarred(t, "backup_label"), "basebackup", ""},
		"text":              {"hello", "", ""},
		"SQL of somebody":   {"CREATE TABLE x ();", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Of([]byte(test.head))
			assert.Equal(t, test.want, got.Name)
			assert.Equal(t, test.said, got.Said)
			if test.want != "" {
				assert.NotEmpty(t, got.Words)
			}
		})
	}
}

// What the tools themselves write, where they are installed.
func TestOfWhatToolsWrite(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"gzip": "gzip -c x", "xz": "xz -c x", "bzip2": "bzip2 -c x", "lz4": "lz4 -c x", "zstd": "zstd -c x",
		"lzma": "xz --format=lzma -c x", "zip": "zip -q - x", "zip_sealed": "zip -qP secret - x",
		"openssl": "openssl enc -aes-256-cbc -pbkdf2 -k x -in x", "openssl_base64": "openssl enc -a -aes-256-cbc -pbkdf2 -k x -in x",
		"gpg": "gpg --homedir . --batch --passphrase x --pinentry-mode loopback -c -o - x", "tar": "tar -cf - x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(strings.Fields(command)[0]); err != nil {
				t.Skip(err)
			}
			at := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(at, "x"), []byte(strings.Repeat("hello\n", 100)), 0o600))
			c := exec.Command("sh", "-c", command)
			c.Dir = at
			out, err := c.Output()
			require.NoError(t, err)
			assert.Equal(t, name, Of(out).Name)
		})
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "xz -dk shop.sql.xz", Of([]byte("\xfd7zXZ\x00")).Command("shop.sql.xz"))
	assert.Equal(t, `xz -dk 'it'\''s; rm -rf'`, Of([]byte("\xfd7zXZ\x00")).Command("it's; rm -rf"))
	assert.Empty(t, Of([]byte("<html>")).Command("x"))
}

func TestKindsAreNamedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range Kinds {
		assert.False(t, seen[k.Name], k.Name)
		seen[k.Name] = true
	}
	for _, test := range tests {
		assert.True(t, seen[test.kind], "%s is in no table", test.kind)
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, head []byte) { Of(head) })
}

func wide(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func tarred(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	h := &tar.Header{Name: name, Mode: 0o600}
	if strings.HasSuffix(name, "/") {
		h.Typeflag = tar.TypeDir
	}
	require.NoError(t, w.WriteHeader(h))
	require.NoError(t, w.Close())
	return b.String()
}
