package etcd

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

func loader(t testing.TB, settings string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("etcd", settings)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

// keptFile is a file that a test keeps.
type keptFile struct {
	*os.File
	size int64
}

func (k keptFile) Size() int64    { return k.size }
func (k keptFile) Path() string   { return k.Name() }
func (k keptFile) Fetched() int64 { return 0 }
func (k keptFile) Same() error    { return nil }

func source(t testing.TB, content []byte, promised string) restore.Source {
	s := restoretest.Source("cluster", "snap.db", content, promised)
	s.Keep = func(fill func(*os.File) error) (store.Random, error) {
		f, err := os.Create(filepath.Join(t.TempDir(), "kept"))
		require.NoError(t, err)
		if err := fill(f); err != nil {
			_ = f.Close()
			return nil, err
		}
		info, err := f.Stat()
		require.NoError(t, err)
		return keptFile{f, info.Size()}, nil
	}
	return s
}

// sample of a snapshot that a real server made.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".db.gz"))
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	return raw
}

// hashed is a file with a hash that holds.
func hashed(file []byte) []byte {
	sum := sha256.Sum256(file)
	return append(bytes.Clone(file), sum[:]...)
}

func bent(raw []byte, at int) []byte {
	raw = bytes.Clone(raw)
	raw[at] ^= 8
	return raw
}

func zipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestRead: what etcd restores is read without it, and what it does not restore is named.
func TestRead(t *testing.T) {
	t.Parallel()
	raw := sample(t, "snap")
	file := raw[:len(raw)-sha256.Size]
	leaf := bytes.Index(raw, []byte("/registry/pods/p40")) // in the page of the last keys
	for name, test := range map[string]struct {
		raw      []byte
		settings string
		promised string
		bad      string // what is wrong with the backup
		lack     string
	}{
		"a snapshot":             {raw: raw},
		"packed":                 {raw: zipped(t, raw)},
		"as promised":            {raw: raw, promised: restoretest.Digest(raw)},
		"not as promised":        {raw: raw, promised: restoretest.Digest(file), bad: "its manifest promises"},
		"one bit":                {raw: bent(raw, leaf), bad: "its hash does not hold"},
		"one bit of the hash":    {raw: bent(raw, len(raw)-1), bad: "its hash does not hold"},
		"a copied file":          {raw: file, lack: record.LackHash},
		"a copied file, said":    {raw: file, settings: "hash: none"},
		"copied, a bit":          {raw: bent(file, bytes.Index(file, []byte{0, 0, 0, 0, 0, 0, 0, 79, '_'})+8), settings: "hash: none", bad: "has a name that etcd gives none"},
		"cut in its pages":       {raw: raw[:len(raw)/2], bad: fmt.Sprintf("it is cut off: it has %d bytes, and its pages need %d", len(raw)/2, len(file))},
		"cut in its pages, said": {raw: raw[:len(raw)/2], settings: "hash: none", bad: "it is cut off"},
		"cut in its hash":        {raw: raw[:len(raw)-9], bad: "its hash would have 32 more"},
		"a line behind it":       {raw: append(bytes.Clone(raw), "Snapshot saved\n"...), bad: "something else stands behind it"},
		"cut in its headers":     {raw: raw[:50], bad: "it is cut off"},
		"both headers":           {raw: bent(bent(raw, 40), 4096+40), bad: "neither of its two headers is whole"},
		"another page":           {raw: hashed(bytes.Replace(file, page(file, 5), page(file, 4), 1)), bad: "page"},
		"something else":         {raw: []byte("# nothing\n" + string(raw)), bad: "it is no snapshot of etcd"},
		"nothing":                {raw: hashed(bytes.ReplaceAll(file, []byte("key"), []byte("kex"))), bad: "it holds not one key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := test.settings
			if settings == "" {
				settings = "{}"
			}
			out, err := loader(t, settings).Read(t.Context(), source(t, test.raw, test.promised))
			switch {
			case test.bad != "":
				var bad *restore.BackupError
				require.ErrorAs(t, err, &bad, "%v", err)
				assert.Contains(t, bad.Reason, test.bad)
			case test.lack != "":
				var lack *restore.LackError
				require.ErrorAs(t, err, &lack, "%v", err)
				assert.Equal(t, test.lack, lack.Lack)
			default:
				require.NoError(t, err)
				assert.Equal(t, restoretest.Digest(test.raw), out.Digest)
			}
		})
	}
	s, err := readSnapshot(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	assert.Equal(t, &snapshot{hashed: true, revision: 79, keys: 38, leased: 1, versions: 78, members: 1, version: "3.4.0"}, s,
		"as etcdctl snapshot status says, and a count of all keys of the server")
	raw = sample(t, "compacted") // at a deletion, which is gone
	s, err = readSnapshot(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	assert.Equal(t, []int64{7, 4}, []int64{s.revision, s.keys})
}

// page of a file of bbolt, whose pages have 4096 bytes.
func page(file []byte, n int) []byte { return file[n*4096 : (n+1)*4096] }

// FuzzRead: no file ends the program, and none that is bent is held for the whole one.
func FuzzRead(f *testing.F) {
	raw := sample(f, "snap")
	file := raw[:len(raw)-sha256.Size]
	for _, at := range []int{8, 24, 4096 + 24, 3 * 4096, 3*4096 + 20, 5*4096 + 12} {
		f.Add(at, byte(0xff))
	}
	f.Fuzz(func(t *testing.T, at int, with byte) {
		changed := bytes.Clone(file)
		changed[uint(at)%uint(len(changed))] ^= with
		_, _ = readSnapshot(bytes.NewReader(changed), int64(len(changed)))
		_, _ = readSnapshot(bytes.NewReader(changed[:uint(at)%uint(len(changed))]), int64(uint(at)%uint(len(changed))))
	})
}

const image = "lifeboat/etcd:3.4"

// driver of sealed sandboxes, as a drill has it.
func driver(t *testing.T) *docker.Driver {
	t.Helper()
	dockertest.NeedImage(t, image, "ci/images/kinds.sh")
	return dockertest.Driver(t, "etcd")
}

// TestLoad restores into the real server, in the driver's sandbox: what it takes, and what it says of what it does not.
func TestLoad(t *testing.T) {
	t.Parallel()
	d := driver(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	generation := 0
	load := func(settings string, raw []byte) (restore.Outcome, instance.Machine, error) {
		l := loader(t, settings)
		generation++
		r := instance.Request{Name: "cluster", Generation: generation, Image: image}
		require.NoError(t, l.Prepare(&r))
		m, err := d.Boot(ctx, r)
		require.NoError(t, err)
		out, err := l.Load(ctx, source(t, raw, ""), m)
		return out, m, err
	}
	raw := sample(t, "snap")
	out, m, err := load("{}", raw)
	require.NoError(t, err)
	assert.Equal(t, []string{"a snapshot of etcd 3.4.0 at revision 79: 38 keys, of a cluster of 1 members", "the server holds 38 keys at revision 79"}, out.Notes)
	got, err := m.Exec(ctx, instance.Command{Args: []string{"etcdctl", "get", "/registry/pods/p9", "--print-value-only"}})
	require.NoError(t, err)
	assert.Equal(t, "other30\n", got.Stdout)

	_, _, err = load("{}", sample(t, "compacted"))
	require.NoError(t, err, "its server begins at the revision of the compaction")
	_, _, err = load("{hash: none, password: sesame}", sample(t, "auth")[:len(raw)-sha256.Size])
	require.NoError(t, err, "a copied file, whose cluster asks for a password")
	_, _, err = load("{}", sample(t, "auth"))
	var lack *restore.LackError
	require.ErrorAs(t, err, &lack, "%v", err)
	assert.Equal(t, record.LackLogin, lack.Lack)

	newer := hashed(bytes.ReplaceAll(raw[:len(raw)-sha256.Size], []byte("3.4.0"), []byte("3.7.0")))
	_, _, err = load("{}", newer)
	var misfit *restore.MisfitError
	require.ErrorAs(t, err, &misfit, "%v", err)
	assert.Equal(t, "etcd 3.7.0", misfit.Has)
}
