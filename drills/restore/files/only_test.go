package files

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
)

// estate is a tree whose members have headers of several blocks, contents that fill theirs and that do not, and two names of one file.
func estate(t *testing.T) []byte {
	long := strings.Repeat("long-name/", 30)
	return packed(t, tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, tar.Header{Typeflag: tar.TypeDir, Name: "./images", Mode: 0o750, Uid: 33},
		tar.Header{Name: "./images/a.png", Mode: 0o644, Gname: strings.Repeat("a", 512)}, tar.Header{Name: "./images/" + long + "b.png", Mode: 0o644, Gname: "b"},
		tar.Header{Typeflag: tar.TypeLink, Name: "./images/c.png", Linkname: "./images/a.png"},
		tar.Header{Typeflag: tar.TypeDir, Name: "./conf", Mode: 0o755}, tar.Header{Name: "./conf/app.ini", Mode: 0o600, Gname: "port = 1\n"},
		tar.Header{Name: "./conf/other.ini", Mode: 0o600, Gname: strings.Repeat("x", 1537), PAXRecords: map[string]string{"SCHILY.xattr.user.note": "y"}},
		tar.Header{Typeflag: tar.TypeLink, Name: "./shared.png", Linkname: "./images/a.png"},
		tar.Header{Name: "./imagesque", Mode: 0o644, Gname: "no image"}, tar.Header{Name: "./SHA256SUMS", Mode: 0o644, Gname: "list"})
}

// Parts of a tree are restored with the folders on their way and nothing else, and that is said; all of the backup is read all the same.
func TestLoadOnlyPaths(t *testing.T) {
	t.Parallel()
	raw, long := estate(t), "images/"+strings.Repeat("long-name/", 30)+"b.png"
	for name, c := range map[string]struct {
		only, paths string
		left        string
	}{
		"a folder":           {"images", ".,images,images/a.png,images/c.png," + long, "SHA256SUMS, conf, imagesque, shared.png"},
		"a file":             {"conf/app.ini", ".,conf,conf/app.ini", "SHA256SUMS, conf/other.ini, images, imagesque, shared.png"},
		"a file and another": {"[imagesque, conf]", ".,conf,conf/app.ini,conf/other.ini,imagesque", "SHA256SUMS, images, shared.png"},
		"all that there is":  {"[SHA256SUMS, conf, images, imagesque, shared.png]", ".,SHA256SUMS,conf,conf/app.ini,conf/other.ini,images,images/a.png,images/c.png," + long + ",imagesque,shared.png", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := loader(t, "{path: /srv/files, only: "+c.only+"}")
			for _, packed := range [][]byte{raw, gz(t, raw)} {
				m := machine(t, l)
				out, err := l.Load(t.Context(), source(packed, ""), m)
				require.NoError(t, err)
				var got []string
				for _, e := range out.Tree.Entries {
					got = append(got, e.Path)
				}
				assert.Equal(t, c.paths, strings.Join(got, ","))
				assert.Equal(t, tree.Pick(l.set.Only), out.Tree.Only)
				assert.Equal(t, map[string]string{"SHA256SUMS": "list"}, out.Tree.Lists)
				assert.Equal(t, int64(len(packed)), out.Bytes)
				if c.left == "" {
					assert.Nil(t, out.Part)
					continue
				}
				only := strings.Trim(c.only, "[]")
				assert.Equal(t, &record.Part{Only: only, Left: c.left}, out.Part)
				assert.Contains(t, out.Notes, "only "+only+" of its tree was restored: nothing is known of "+c.left)
			}
		})
	}
}

// What is wrong anywhere in the backup is the backup's; what it does not hold is no word on it, and neither is what lies in the way.
func TestOnlyPathsBad(t *testing.T) {
	t.Parallel()
	raw := estate(t)
	flipped := bytes.Clone(raw)
	flipped[bytes.Index(raw, []byte("./imagesque"))] ^= 8 // in a header of what is left out
	empty := packed(t, tar.Header{Typeflag: tar.TypeDir, Name: "a"}, tar.Header{Name: "b", Gname: "x"})
	for name, c := range map[string]struct {
		only, want string
		raw        []byte
		lack       bool
	}{
		"not held":             {"image", "it does not hold image, which restore.only names (did you mean images?)", raw, true},
		"not held below":       {"conf/app.in", "(did you mean conf/app.ini?)", raw, true},
		"another name":         {"shared.png", `"shared.png" is another name of "images/a.png", which restore.only leaves out: name that, too`, raw, true},
		"nothing in it":        {"a", "what restore.only names of it proves nothing: it holds not one file", empty, true},
		"cut behind it":        {"images", "it is cut off", raw[:len(raw)-1600], false},
		"damaged behind it":    {"images", "its tar is damaged", flipped, false},
		"junk behind the end":  {"images", "it goes on after the end of the archive", append(bytes.Clone(raw), "junk"...), false},
		"zeros behind the end": {"images", "it was never filled", append(bytes.Clone(raw), make([]byte, 20<<20)...), false},
		"a way out, left out":  {"a", "leads out of the tree", packed(t, tar.Header{Name: "a", Gname: "x"}, tar.Header{Name: "../b", Gname: "x"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := loader(t, "{path: /srv/files, only: "+c.only+"}")
			_, read := l.Read(t.Context(), source(c.raw, ""))
			_, loaded := l.Load(t.Context(), source(c.raw, ""), machine(t, l))
			for _, err := range []error{read, loaded} {
				require.ErrorContains(t, err, c.want)
				lack, ok := errors.AsType[*restore.LackError](err)
				assert.Equal(t, c.lack, ok)
				if ok {
					assert.Equal(t, record.LackPart, lack.Lack)
				} else {
					assert.ErrorAs(t, err, new(*restore.BackupError))
				}
			}
		})
	}
	first, again := loader(t, "{path: /srv/files}"), loader(t, "{path: /srv/files, only: images}")
	m := machine(t, first)
	_, err := first.Load(t.Context(), source(raw, ""), m)
	require.NoError(t, err)
	_, err = again.Load(t.Context(), source(raw, ""), m)
	lack, ok := errors.AsType[*restore.LackError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, record.LackOccupied, lack.Lack)
	assert.Contains(t, lack.What, "/srv/files/images is there already on app")
	_, err = loader(t, "{path: /srv/files, only: conf}").Load(t.Context(), source(packed(t, tar.Header{Name: "conf", Gname: "x"}), ""), m)
	require.ErrorContains(t, err, "/srv/files/conf is there already")
	m = machine(t, again)
	for range 2 { // what it brought there itself it may replace, as on a way back
		_, err = again.Load(t.Context(), source(raw, ""), m)
		require.NoError(t, err)
	}
}

// The members that are passed on are a tar whose parts are as they came, in whatever pieces that comes.
func TestGate(t *testing.T) {
	t.Parallel()
	raw := estate(t)
	for _, only := range []tree.Pick{{"images"}, {"conf/other.ini"}, {"imagesque", "conf/app.ini"}, {"SHA256SUMS"}} {
		for _, size := range []int{1, 511, 512, 513, 1 << 20} {
			var out bytes.Buffer
			r := &reading{only: only, gate: &gate{to: &out}}
			r.tar = tree.NewTar(io.TeeReader(small{bytes.NewReader(raw), size}, r.gate), true)
			for {
				if _, err := r.chosen(); errors.Is(err, io.EOF) {
					break
				} else {
					require.NoError(t, err)
				}
			}
			again := tree.NewTar(&out, true)
			for {
				if _, err := again.Next(); errors.Is(err, io.EOF) {
					break
				} else {
					require.NoError(t, err)
				}
			}
			assert.Equal(t, only.Of(r.tar.Entries()), again.Entries(), "%s in pieces of %d", only, size)
		}
	}
}

// small gives a few bytes at a time.
type small struct {
	r    io.Reader
	most int
}

func (s small) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.most)]) }

func TestOnlyPathsSettings(t *testing.T) {
	t.Parallel()
	for _, only := range []string{"/etc", "../a", "a/", "a/../b", ".", "[a, '']"} {
		s, err := scenarios.ParseSettings("files", "{path: /srv, only: "+only+"}")
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, only)
		assert.Contains(t, problems[0].Message, "is no path within a tree")
	}
	all := []tree.Entry{{Path: "a", Type: tree.File, Size: 3, Digest: "d"}, {Path: "b/c", Type: tree.File, Same: "a"}, {Path: "b/d", Type: tree.File, Same: "a"}}
	assert.Equal(t, []tree.Entry{{Path: "b/c", Type: tree.File, Size: 3, Digest: "d"}, {Path: "b/d", Type: tree.File, Same: "b/c"}}, tree.Pick{"b"}.Of(all),
		"a file whose first name was left out stands for itself")
	assert.Equal(t, []string{"a"}, tree.Pick{"b"}.Left(all))
}
