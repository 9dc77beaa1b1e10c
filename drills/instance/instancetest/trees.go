package instancetest

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/tree"
)

// capable is the value of an extended attribute by which a file has CAP_NET_BIND_SERVICE: linux/capability.h, vfs_cap_data.
const capable = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// A tree is put onto a volume before anything of the image runs, with all that files have, and read there again.
func (x suite) trees(t *testing.T) {
	b, ctx := x.New(t), t.Context()
	r := x.request(b, "files")
	r.Hold = true
	m, err := b.Driver.Boot(ctx, r)
	require.NoError(t, err)
	h, err := instance.Trees(m)
	require.NoError(t, err)
	at := time.Unix(1700000000, 123456789)
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	add := func(h tar.Header, content string) {
		h.Size, h.Format, h.ModTime = int64(len(content)), tar.FormatPAX, at
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o1770, Uid: 33, Gid: 34}, "")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "./新 name\n\xff", Mode: 0o4640, Uid: 1234, Gid: 4321,
		PAXRecords: map[string]string{"SCHILY.xattr.user.of": "a\x00b", "SCHILY.xattr.security.capability": capable}}, "content")
	add(tar.Header{Typeflag: tar.TypeLink, Name: "./same", Linkname: "./新 name\n\xff"}, "")
	add(tar.Header{Typeflag: tar.TypeSymlink, Name: "./out", Linkname: "/etc/localtime", Uid: 7, Gid: 7}, "")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "./shared/acl", Mode: 0o640, PAXRecords: map[string]string{
		"SCHILY.acl.access": "user::rw-,user:1001:r--,group::r--,mask::r--,other::---"}}, "x")
	add(tar.Header{Typeflag: tar.TypeDir, Name: "./shared", Mode: 0o500, Uid: 5}, "")
	add(tar.Header{Typeflag: tar.TypeFifo, Name: "./pipe", Mode: 0o600}, "")
	require.NoError(t, w.Close())

	want := tree.NewTar(bytes.NewReader(raw.Bytes()), true)
	for err = nil; err == nil; {
		_, err = want.Next()
	}
	require.ErrorIs(t, err, io.EOF)
	made, got, err := h.PutTree(ctx, "/data", bytes.NewReader(raw.Bytes()))
	require.NoError(t, err)
	assert.Empty(t, made.Lost)
	assert.Empty(t, tree.Compare(want.Entries(), got, tree.Options{Most: 9}).First)
	s, err := m.State(ctx)
	require.NoError(t, err)
	assert.False(t, s.Running)
	require.NoError(t, m.Start(ctx))
	assert.Equal(t, "content", x.exec(t, m, "read", "/data/same").Stdout)

	var damage *tree.Damage
	_, _, err = h.PutTree(ctx, "/data", bytes.NewReader(raw.Bytes()[:3000]))
	assert.ErrorAs(t, err, &damage)
	_, _, err = h.PutTree(ctx, "/data", bytes.NewReader(raw.Bytes()))
	require.NoError(t, err, "it is emptied each time, and may be filled while the machine runs")
	got, err = h.Tree(ctx, "/data")
	require.NoError(t, err)
	assert.Empty(t, tree.Compare(want.Entries(), got, tree.Options{Most: 9}).First)
	_, _, err = h.PutTree(ctx, "/elsewhere", strings.NewReader(""))
	assert.ErrorContains(t, err, "lies on no volume")
}
