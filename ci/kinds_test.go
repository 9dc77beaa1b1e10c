package ci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kindsNight is a catalogue of backups that are restored before their server starts, or by another one than PostgreSQL's: each of them
// whole, and cut.
const kindsNight = `catalogue: kinds
defaults: {objectives: {age: 0s}, as: db}
backups:
`

const kindsEntries = `
  - name: base-%[1]s
    store: {kind: dir, path: ., pattern: base-%[1]s}
    restore: {kind: basebackup, wal: wal}
    backups: {wal: {store: {kind: dir, path: ., pattern: wal}, restore: {kind: wal}}}
    instance: {kind: docker, image: "lifeboat/postgres:15", env: {POSTGRES_PASSWORD: drill}, ready: {tcp: 5432}}
    checks: {service: [{kind: tcp, to: "db:5432"}], data: [{kind: content, on: db, password: drill}]}
  - name: mysql-%[1]s
    store: {kind: dir, path: ./mysql-%[1]s}
    restore: {kind: mysql}
    instance: {kind: docker, image: "lifeboat/mariadb:10.11", env: {MARIADB_ROOT_PASSWORD: drill}, ready: {tcp: 3306}}
    checks: {service: [{kind: tcp, to: "db:3306"}], data: [{kind: content, on: db, password: drill}]}
  - name: redis-%[1]s
    store: {kind: dir, path: ./redis-%[1]s}
    restore: {kind: redis}
    instance: {kind: docker, image: "lifeboat/redis:7.0", ready: {tcp: 6379}}
    checks: {service: [{kind: tcp, to: "db:6379"}], data: [{kind: redis, on: db}]}
  - name: etcd-%[1]s
    store: {kind: dir, path: ./etcd-%[1]s}
    restore: {kind: etcd}
    instance: {kind: docker, image: "lifeboat/etcd:3.4", ready: {tcp: 2379}}
    checks: {service: [{kind: tcp, to: "db:2379"}], data: [{kind: etcd, on: db, prefix: /registry/, at_least: 38}]}
  - name: files-%[1]s
    store: {kind: dir, path: ./files-%[1]s}
    restore: {kind: files, path: /restored}
    instance: {kind: docker, image: "lifeboat/postgres:15", command: [sleep, infinity]}
    checks: {data: [{kind: tree, on: db}]}
`

// baseBackup writes one, and the archive of WAL behind it, as a real server's tools made them.
func baseBackup(t *testing.T, folder string) {
	t.Helper()
	script, err := os.Open("../drills/restore/basebackup/testdata/make.sh")
	require.NoError(t, err)
	defer script.Close() //nolint:errcheck // it was only read
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp:exec", "--user", "postgres", "--entrypoint", "bash",
		"lifeboat/postgres:15", "-s")
	c.Stdin = script
	out, err := c.Output()
	require.NoError(t, err)
	for tr := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		name := strings.TrimPrefix(h.Name, "./")
		if rest, ok := strings.CutPrefix(name, "tar/"); ok {
			name = "base-whole/" + rest
		} else if !strings.HasPrefix(name, "wal/") {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		raw, err := io.ReadAll(tr)
		require.NoError(t, err)
		put(t, filepath.Join(folder, name), raw)
	}
}

func put(t *testing.T, path string, raw []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, raw, 0o600))
}

// TestKindsOfBackups proves one backup of each kind by the whole program, and none of them that is cut.
func TestKindsOfBackups(t *testing.T) {
	t.Parallel()
	b := onBench(t, "small")
	folder, _ := b.folder()
	baseBackup(t, folder)
	var tree bytes.Buffer
	w := tar.NewWriter(&tree)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "uploads/图 1.txt", Size: 5000, Mode: 0o640, Uid: 33}))
	_, err := w.Write(bytes.Repeat([]byte("x"), 5000))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var plain bytes.Buffer
	unpacked, err := gzip.NewReader(bytes.NewReader(read(t, "../drills/restore/etcd/testdata/snap.db.gz")))
	require.NoError(t, err)
	_, err = plain.ReadFrom(unpacked)
	require.NoError(t, err)
	for name, raw := range map[string][]byte{
		"mysql-%s/shop.sql": read(t, "../drills/restore/mysql/mysqldump/testdata/mariadb-10.11.sql"),
		"redis-%s/dump.rdb": read(t, "../drills/restore/redis/rdb/testdata/all.rdb"), "files-%s/uploads.tar": tree.Bytes(),
		"etcd-%s/snap.db":  plain.Bytes(),
		"base-%s/base.tar": read(t, filepath.Join(folder, "base-whole", "base.tar"))} {
		put(t, filepath.Join(folder, fmt.Sprintf(name, "whole")), raw)
		put(t, filepath.Join(folder, fmt.Sprintf(name, "cut")), raw[:len(raw)/2])
	}
	others, err := filepath.Glob(filepath.Join(folder, "base-whole", "*"))
	require.NoError(t, err)
	for _, path := range others {
		if filepath.Base(path) != "base.tar" {
			put(t, filepath.Join(folder, "base-cut", filepath.Base(path)), read(t, path))
		}
	}
	path := filepath.Join(folder, "kinds.yaml")
	require.NoError(t, os.WriteFile(path, []byte(kindsNight+fmt.Sprintf(kindsEntries, "whole")+fmt.Sprintf(kindsEntries, "cut")), 0o600))
	_, n := b.verify(path, "--parallel", "2")
	got := map[string]string{}
	for _, p := range n.Proofs {
		got[p.Backup] = p.Status
		for _, r := range p.Rungs {
			if r.State != "reached" {
				break
			}
			got[p.Backup] = p.Status + " " + r.Rung
		}
	}
	assert.Equal(t, map[string]string{"base-whole": "passed content", "mysql-whole": "passed content", "redis-whole": "passed content",
		"etcd-whole": "passed content", "etcd-cut": "failed found",
		"files-whole": "passed started", "base-cut": "failed found", "mysql-cut": "failed found", "redis-cut": "failed found",
		"files-cut": "failed found"}, got)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return raw
}
