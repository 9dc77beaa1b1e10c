package files

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
)

type stream struct {
	*bytes.Reader
	want string
}

func (stream) Close() error   { return nil }
func (stream) Digest() string { return "sha256:x" }
func (s stream) Bytes() int64 { return s.Size() - int64(s.Len()) }

func (s stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if errors.Is(err, io.EOF) && s.want != "" {
		err = &store.Mismatch{Point: "files", Want: s.want, Got: "sha256:x"}
	}
	return n, err
}

func source(raw []byte, promise string) restore.Source {
	s := restore.Source{Backup: "files", Open: func(context.Context) (store.Stream, error) { return stream{bytes.NewReader(raw), promise}, nil }}
	if promise != "" {
		s.Point.Digest = record.Digest{Algorithm: record.SHA256, Value: promise}
	}
	return s
}

func packed(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := []byte(h.Gname) // of the test's own
		h.Gname, h.Size = "", int64(len(content))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func good(t *testing.T) []byte {
	return packed(t, tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, tar.Header{Name: "./a b", Mode: 0o644, Uid: 33, Gname: "hello"},
		tar.Header{Name: "./SHA256SUMS", Mode: 0o644, Gname: "x"}, tar.Header{Typeflag: tar.TypeSymlink, Name: "./up", Linkname: "../../x"})
}

func gz(t *testing.T, raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zst(t *testing.T, raw []byte) []byte {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return w.EncodeAll(raw, nil)
}

func loader(t *testing.T, text string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("files", text)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

func machine(t *testing.T, l *Loader) instance.Machine {
	t.Helper()
	site, _ := instancetest.NewSite(t, "files", nil)
	r := instance.Request{Name: "app", Generation: 1, Image: "app", Hold: true}
	require.NoError(t, l.Prepare(&r))
	m, err := fake.New(site, &fake.World{Images: map[string]fake.Script{"app": {}}}).Boot(t.Context(), r)
	require.NoError(t, err)
	return m
}

func TestLoad(t *testing.T) {
	t.Parallel()
	l := loader(t, "path: /srv/files")
	raw := good(t)
	for name, packed := range map[string][]byte{"tar": raw, "gzip": gz(t, raw), "zstd": zst(t, raw)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, l.Look(t.Context(), source(packed, "")))
			m := machine(t, l)
			out, err := l.Load(t.Context(), source(packed, ""), m)
			require.NoError(t, err)
			assert.Equal(t, "sha256:x", out.Digest)
			assert.Equal(t, int64(len(packed)), out.Bytes)
			assert.Len(t, out.Tree.Entries, 4)
			assert.Equal(t, map[string]string{"SHA256SUMS": "x"}, out.Tree.Lists)
			got, err := m.Get(t.Context(), "/srv/files/a b")
			require.NoError(t, err)
			assert.Equal(t, "hello", string(got))
			s, err := m.State(t.Context())
			require.NoError(t, err)
			assert.False(t, s.Running, "it is loaded before it starts")
		})
	}
}

// What is wrong with a backup is the backup's, whether it is only read or restored; what may be good is not.
func TestBadBackups(t *testing.T) {
	t.Parallel()
	l, raw := loader(t, "path: /srv/files"), good(t)
	packedTar := gz(t, raw)
	flipped := bytes.Clone(packedTar)
	flipped[len(flipped)/2] ^= 8
	for name, c := range map[string]struct {
		raw     []byte
		promise string
		bad     string
		kind    bool
	}{
		"cut":              {raw: raw[:1200], bad: "it is cut off"},
		"cut, gzip":        {raw: packedTar[:len(packedTar)-9], bad: "its gzip compression ends too early: it is cut off"},
		"flipped":          {raw: flipped, bad: "gzip compression"},
		"junk":             {raw: append(bytes.Clone(raw), "junk"...), bad: "it goes on after the end of the archive"},
		"wrong digest":     {raw: raw, promise: "sha256:y", bad: "digest is sha256:x"},
		"cut and promised": {raw: raw[:1200], promise: "sha256:y", bad: "digest is sha256:x"},
		"empty tree":       {raw: packed(t, tar.Header{Typeflag: tar.TypeDir, Name: "./"}), bad: "it holds not one file"},
		"empty files":      {raw: packed(t, tar.Header{Name: "a"}), bad: "not one of its files holds a byte"},
		"no member":        {raw: make([]byte, 10240), bad: ""},
		"hostile":          {raw: packed(t, tar.Header{Name: "../a", Gname: "x"}), bad: "leads out of the tree"},
		"text":             {raw: []byte("select 1;\nselect 2;\n"), bad: "it is no tar archive"},
		"page":             {raw: []byte("<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head></html>"), kind: true},
		"encrypted":        {raw: []byte("age-encryption.org/v1\n-> X25519 x\n"), kind: true},
		"a dump":           {raw: append([]byte("PGDMP\x01\x0e\x00"), make([]byte, 600)...), bad: "it is no tar archive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, read := l.Read(t.Context(), source(c.raw, c.promise))
			_, loaded := l.Load(t.Context(), source(c.raw, c.promise), machine(t, l))
			for _, err := range []error{read, loaded} {
				if c.kind {
					assert.ErrorAs(t, err, new(*restore.KindError))
					continue
				}
				var bad *restore.BackupError
				var kind *restore.KindError
				if c.bad == "" {
					require.True(t, errors.As(err, &bad) || errors.As(err, &kind) && kind.Bad(), "%v", err)
					continue
				}
				require.ErrorAs(t, err, &bad)
				assert.Equal(t, "files", bad.Backup)
				assert.Contains(t, bad.Reason, c.bad)
			}
		})
	}
}

// broken is a machine that breaks what it is given.
type broken struct {
	instance.Machine
	put   error
	loses bool
}

func (b broken) PutTree(_ context.Context, _ string, in io.Reader) (tree.Made, []tree.Entry, error) {
	if b.put != nil {
		_, _ = io.CopyN(io.Discard, in, 700)
		return tree.Made{}, nil, b.put
	}
	_, err := io.Copy(io.Discard, in)
	return tree.Made{}, []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755}}, err
}

func (b broken) Tree(context.Context, string) ([]tree.Entry, error) { return nil, nil }

// What breaks on the way to the instance, or in it, says nothing of the backup.
func TestTheInstanceIsNotTheBackup(t *testing.T) {
	t.Parallel()
	l := loader(t, "path: /srv/files")
	for name, m := range map[string]broken{"no room": {put: errors.New("no space left on device")},
		"cut on the way": {put: &tree.Damage{Reason: "it is cut off"}}, "loses files": {loses: true}} {
		_, err := l.Load(t.Context(), source(good(t), ""), m)
		require.Error(t, err, name)
		assert.NotErrorAs(t, err, new(*restore.BackupError), name)
	}
	_, err := l.Load(t.Context(), source(good(t)[:1200], ""), broken{put: errors.New("no space left on device")})
	assert.ErrorAs(t, err, new(*restore.BackupError), "what is wrong with the backup comes first")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"{}": "has no path", "path: srv": "is not a folder", "path: /": "is not a folder", "path: /a/../b": "is not a folder"} {
		s, err := scenarios.ParseSettings("files", text)
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Message, want)
	}
	r := instance.Request{Data: []string{"/srv"}}
	require.NoError(t, loader(t, "path: /srv/files").Prepare(&r))
	assert.Equal(t, []string{"/srv"}, r.Data, "it lies on a volume already")
}

// TestLookAtPacked: to look at the tar that a store makes of a folder would restore all of that folder first.
func TestLookAtPacked(t *testing.T) {
	t.Parallel()
	l := loader(t, "path: /data")
	for _, isTar := range []bool{true, false} {
		unread := io.NopCloser(iotest.ErrReader(&store.Problem{Reason: "it was read"}))
		s := restore.Source{Backup: "files", Open: func(ctx context.Context) (store.Stream, error) {
			return store.Verify(ctx, store.Opened{Body: unread, Size: -1, Tar: isTar}), nil
		}}
		err := l.Look(t.Context(), s)
		assert.Equal(t, isTar, err == nil, "%v", err)
	}
}
