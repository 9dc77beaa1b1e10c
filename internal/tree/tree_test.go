package tree

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// wild is a folder with what real trees have: names of any bytes, links of both sorts, holes, modes, attributes.
func wild(t *testing.T) string {
	t.Helper()
	top := filepath.Join(t.TempDir(), "tree")
	put := func(name, content string, mode os.FileMode) string {
		at := filepath.Join(top, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, []byte(content), 0o600))
		require.NoError(t, os.Chmod(at, mode))
		require.NoError(t, os.Chtimes(at, time.Time{}, time.Unix(1700000000, 123456789)))
		return at
	}
	put("a file.txt", "one", 0o644)
	put("新しい/中文.txt", "two", 0o640)
	put("with\nnewline/\xff\xfe", "three", 0o600)
	put("empty", "", 0o444)
	put("run", "#!/bin/sh\n", 0o755|os.ModeSetuid)
	require.NoError(t, os.Link(filepath.Join(top, "a file.txt"), filepath.Join(top, "with\nnewline/same")))
	require.NoError(t, os.Symlink("/etc/localtime", filepath.Join(top, "out")))
	require.NoError(t, os.Symlink("a file.txt", filepath.Join(top, "in")))
	require.NoError(t, unix.Mkfifo(filepath.Join(top, "pipe"), 0o620))
	require.NoError(t, os.Mkdir(filepath.Join(top, "hollow"), 0o700))
	at := put("holes", "", 0o644)
	f, err := os.OpenFile(at, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("middle"), 1<<20)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(3<<20))
	require.NoError(t, f.Close())
	return top
}

func listed(t *testing.T, folder string) []Entry {
	t.Helper()
	var all []Entry
	require.NoError(t, Walk(folder, 1, func(e Entry) error { all = append(all, e); return nil }))
	Sort(all)
	return all
}

func packed(t *testing.T, top string, args ...string) []byte {
	t.Helper()
	c := exec.Command("tar", append(args, "-C", top, "-cf", "-", ".")...)
	out, err := c.Output()
	require.NoError(t, err)
	return out
}

func read(raw []byte) (*Tar, error) {
	t := NewTar(bytes.NewReader(raw), true)
	for {
		if _, err := t.Next(); errors.Is(err, io.EOF) {
			return t, nil
		} else if err != nil {
			return t, err
		}
	}
}

// What GNU tar makes of a tree is that tree, read here, and once more when it is unpacked.
func TestTreesOfTar(t *testing.T) {
	t.Parallel()
	top := wild(t)
	want := listed(t, top)
	for name, c := range map[string]struct {
		args []string
	}{
		"gnu": {nil}, "oldgnu, sparse": {[]string{"--format=oldgnu", "--sparse"}},
		"pax":              {[]string{"--format=pax"}},
		"pax, sparse 0.0":  {[]string{"--format=pax", "--sparse", "--sparse-version=0.0"}},
		"pax, sparse 0.1":  {[]string{"--format=pax", "--sparse", "--sparse-version=0.1"}},
		"pax, sparse 1.0":  {[]string{"--format=pax", "--sparse", "--sparse-version=1.0"}},
		"ustar":            {[]string{"--format=ustar"}},
		"large records":    {[]string{"-b", "2048"}},
		"incremental, all": {[]string{"--listed-incremental=" + filepath.Join(t.TempDir(), "all")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holds := strings.Contains(name, "sparse")
			raw := packed(t, top, c.args...)
			r, err := read(raw)
			require.NoError(t, err)
			options := Options{Most: 9}
			if !holds {
				options.Without = []string{Holes}
			}
			assert.Empty(t, Compare(want, r.Entries(), options).First, "as it is read")
			into := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(into, "old/er"), 0o755))
			made, err := Unpack(into, bytes.NewReader(raw))
			require.NoError(t, err)
			assert.Equal(t, int64(1), made.Removed)
			assert.Empty(t, made.Lost)
			got := listed(t, into)
			assert.Empty(t, Compare(want, got, options).First, "as it is unpacked")
			assert.Empty(t, Compare(r.Entries(), got, Options{Most: 9}).First, "as it was in the tar")
		})
	}
}

// What is only a part says so.
func TestIncrement(t *testing.T) {
	t.Parallel()
	top, state := wild(t), "--listed-incremental="+filepath.Join(t.TempDir(), "state")
	packed(t, top, state)
	require.NoError(t, os.WriteFile(filepath.Join(top, "new"), []byte("x"), 0o600))
	_, err := read(packed(t, top, state))
	var odd *Odd
	require.ErrorAs(t, err, &odd)
	assert.True(t, odd.Partial)
}

func TestDamage(t *testing.T) {
	t.Parallel()
	raw := packed(t, wild(t), "--format=pax")
	_, err := read(raw)
	require.NoError(t, err)
	end := len(bytes.TrimRight(raw, "\x00"))
	end = (end + 511) / 512 * 512
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		cut := random.IntN(end + 1023)
		_, err := read(raw[:cut])
		var damage *Damage
		require.ErrorAs(t, err, &damage, "cut to %d of %d", cut, len(raw))
	}
	for name, junk := range map[string][]byte{"a line": []byte("\n"), "an archive": raw, "zeros of megabytes": make([]byte, 2<<20)} {
		_, err := read(append(bytes.Clone(raw), junk...))
		assert.Error(t, err, name)
	}
	_, err = read(append(bytes.Clone(raw), make([]byte, 4096)...))
	assert.NoError(t, err, "a longer record")
	flipped := bytes.Clone(raw)
	flipped[10] ^= 4
	_, err = read(flipped)
	assert.ErrorContains(t, err, "its tar is damaged at byte 512, after 0 members")
	zeroed := bytes.Clone(raw)
	clear(zeroed[512:2048])
	_, err = read(zeroed)
	assert.Error(t, err)
	broken := errors.New("the store broke off")
	for _, n := range []int{100, 700, end} {
		tr := NewTar(io.MultiReader(bytes.NewReader(raw[:n]), failing{broken}), true)
		for err = nil; err == nil; {
			_, err = tr.Next()
		}
		assert.ErrorIs(t, err, broken, "whatever a tar makes of it")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type member struct {
	name, to string
	kind     byte
}

func madeOf(t *testing.T, all ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range all {
		h := &tar.Header{Name: m.name, Linkname: m.to, Typeflag: m.kind, Mode: 0o755, Uid: os.Getuid(), Gid: os.Getgid()}
		if m.kind == 0 || m.kind == tar.TypeReg {
			h.Typeflag, h.Size = tar.TypeReg, 3
		}
		require.NoError(t, w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write([]byte("abc"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Nothing leads out of the tree, neither where it is read nor where it is unpacked; what only looks so is kept.
func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	sym, hard, dir := byte(tar.TypeSymlink), byte(tar.TypeLink), byte(tar.TypeDir)
	for name, c := range map[string]struct {
		members []member
		want    string // "": it is good
	}{
		"up":                              {[]member{{name: "../x"}}, `it holds the name "../x", which leads out of the tree`},
		"up from within":                  {[]member{{name: "a/../../x"}}, "leads out of the tree"},
		"up and back":                     {[]member{{name: "a/../x"}}, "leads out of the tree"},
		"absolute":                        {[]member{{name: "/etc/x"}}, ""},
		"hard link up":                    {[]member{{name: "a"}, {"x", "../etc/passwd", hard}}, "leads out of the tree"},
		"hard link to what is not there":  {[]member{{name: "a"}, {"x", "b", hard}}, `it holds the hard link "x" to "b", which does not come before it`},
		"hard link through a link":        {[]member{{"l", "/etc", sym}, {"x", "l/passwd", hard}}, `through the link "l" to "/etc"`},
		"through an absolute link":        {[]member{{"l", "/tmp", sym}, {name: "l/x"}}, `through the link "l" to "/tmp"`},
		"through a link up":               {[]member{{"d/l", "../../y", sym}, {name: "d/l/x"}}, `through the link "d/l"`},
		"through two links":               {[]member{{"a", "b", sym}, {"b", "..", sym}, {name: "a/x"}}, "leads out of the tree through"},
		"round and round":                 {[]member{{"a", "b", sym}, {"b", "a", sym}, {name: "a/x"}}, "leads out of the tree through"},
		"a folder through a link":         {[]member{{"l", "/tmp", sym}, {"l/x/", "", dir}}, "leads out of the tree through"},
		"through a link within":           {[]member{{"d/", "", dir}, {"l", "d", sym}, {name: "l/x"}}, ""},
		"a link out alone":                {[]member{{name: "a"}, {"localtime", "/usr/share/zoneinfo/UTC", sym}, {"up", "../../../x", sym}}, ""},
		"a folder in a link's place":      {[]member{{"l", "/tmp", sym}, {"l", "", dir}, {name: "l/x"}}, ""},
		"below a file":                    {[]member{{name: "a"}, {name: "a/x"}}, `"a" is no folder`},
		"a file in a full folder's place": {[]member{{name: "a/x"}, {"a/", "", dir}, {name: "a"}}, "later as a file"},
		"twice":                           {[]member{{name: "a"}, {name: "a"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := madeOf(t, c.members...)
			r, err := read(raw)
			into := t.TempDir()
			_, unpacked := Unpack(into, bytes.NewReader(raw))
			if c.want != "" {
				assert.ErrorContains(t, err, c.want)
				assert.ErrorContains(t, unpacked, c.want)
				return
			}
			require.NoError(t, err)
			require.NoError(t, unpacked)
			assert.Empty(t, Compare(r.Entries(), listed(t, into), Options{Most: 9}).First)
		})
	}
	r, err := read(madeOf(t, member{name: "/a"}, member{name: "a"}))
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 1}, []int64{r.Absolute.Count, r.Twice.Count})
}

func TestManifest(t *testing.T) {
	t.Parallel()
	want := listed(t, wild(t))
	want[1].Xattrs = map[string]string{"user.\xff": "\x00\x01", XattrCapability: "x"}
	var b bytes.Buffer
	w, err := NewWriter(&b, time.Unix(1700000000, 0).UTC())
	require.NoError(t, err)
	for _, e := range want {
		require.NoError(t, w.Add(e))
	}
	require.NoError(t, w.Close())
	m, err := ReadManifest(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, want, m.Entries)
	lines := bytes.SplitAfter(b.Bytes(), []byte("\n"))
	for n := range len(lines) - 1 {
		_, err := ReadManifest(bytes.NewReader(bytes.Join(lines[:n], nil)))
		assert.Error(t, err, "cut after line %d", n)
	}
	for _, raw := range []string{"", "{}", `{"lifeboat":"tree","version":2}`, b.String() + "{}\n"} {
		_, err := ReadManifest(strings.NewReader(raw))
		assert.Error(t, err)
	}
}

// Each attribute that is another one is one difference, and no other.
func TestCompare(t *testing.T) {
	t.Parallel()
	is := Entry{Path: "a", Type: File, Mode: 0o644, UID: 1, GID: 2, Size: 3, Digest: "d", Time: time.Unix(10, 5), Sparse: true,
		Xattrs: map[string]string{"user.a": "1"}}
	for what, change := range map[string]func(*Entry){
		Kind: func(e *Entry) { e.Type = Link }, Mode: func(e *Entry) { e.Mode = 0o600 }, Owner: func(e *Entry) { e.GID = 3 },
		Size: func(e *Entry) { e.Size, e.Digest = 4, "x" }, Content: func(e *Entry) { e.Digest = "x" }, Time: func(e *Entry) { e.Time = time.Unix(10, 6) },
		Holes: func(e *Entry) { e.Sparse = false }, Xattr: func(e *Entry) { e.Xattrs = nil }, Hard: func(e *Entry) { e.Same = "0" },
		Missing: func(e *Entry) { e.Path = "../gone" },
	} {
		now := is
		change(&now)
		got := []Entry{now}
		if what == Missing {
			got = nil
		}
		c := Compare([]Entry{is}, got, Options{Most: 5})
		assert.Equal(t, map[string]int64{what: 1}, c.Counts, what)
		assert.Equal(t, strconv.Quote("a"), c.First[0].Path)
		assert.Empty(t, Compare([]Entry{is}, got, Options{Ignore: []string{"*"}}).Counts, "ignored")
	}
	assert.Equal(t, map[string]int64{Extra: 1}, Compare(nil, []Entry{is}, Options{}).Counts)
	second := is
	second.Time = time.Unix(10, 0)
	assert.Empty(t, Compare([]Entry{is}, []Entry{second}, Options{}).Counts, "kept to the second")
	lost := is
	lost.Xattrs = nil
	assert.Empty(t, Compare([]Entry{is}, []Entry{lost}, Options{Lost: map[string][]string{"user.a": {"a"}}}).Counts)
	assert.Empty(t, Compare([]Entry{{Path: "x/y/z", Type: File}}, []Entry{{Path: ".", Type: Dir}, {Path: "x", Type: Dir}, {Path: "x/y", Type: Dir},
		{Path: "x/y/z", Type: File}}, Options{}).Counts, "folders that a tar implies")
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{{"*.log", "var/x.log", true}, {"var/*.log", "var/x.log", true}, {"var/*.log", "var/a/x.log", false}, {"cache/**", "cache/a/b", true},
		{"cache/**", "cache", true}, {"cache/**", "cached", false}, {"*", "a", true}} {
		assert.Equal(t, c.want, matches([]string{c.pattern}, c.path), c)
	}
}

func TestACL(t *testing.T) {
	t.Parallel()
	const bob = "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\xe9\x03\x00\x00" + "\x04\x00\x04\x00\xff\xff\xff\xff" +
		"\x10\x00\x04\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
	for text, want := range map[string]string{"user::rw-,user:1001:r--,group::r--,mask::r--,other::---": bob,
		"user::rw-\nuser:bob:r--:1001\ngroup::r--\nmask::r--\nother::---\n": bob, "user::rw-,group::r--,other::r--": ""} {
		raw, ok := aclOf(XattrAccess, text)
		assert.True(t, ok)
		assert.Equal(t, want, raw)
	}
	for _, text := range []string{"user:bob:r--,user::rw-", "x", "mask:1:r--", "user::rq-"} {
		_, ok := aclOf(XattrAccess, text)
		assert.False(t, ok, text)
	}
	raw, _ := aclOf(XattrDefault, "user::rwx,group::r-x,other::r-x")
	assert.Len(t, raw, 4+3*8)
}

func FuzzTar(f *testing.F) {
	f.Add(madeOf(&testing.T{}, member{name: "a"}, member{"b", "a", tar.TypeLink}, member{"c", "a", tar.TypeSymlink}, member{name: "d/e"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := read(raw)
		if err != nil {
			return
		}
		for _, e := range r.Entries() {
			assert.True(t, filepath.IsLocal(e.Path), "%q", e.Path)
		}
	})
}

// A folder that is packed is, to whoever reads the tar, the folder.
func TestPack(t *testing.T) {
	top := wild(t)
	if err := unix.Setxattr(filepath.Join(top, "a file.txt"), "user.note", []byte("x\x00y"), 0); err != nil {
		t.Log("this file system keeps no attributes:", err)
	}
	var packed bytes.Buffer
	require.NoError(t, Pack(top, &packed))
	r := NewTar(&packed, true)
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	c := Compare(listed(t, top), r.Entries(), Options{Most: 9})
	assert.Empty(t, c.First)
	assert.EqualValues(t, len(listed(t, top)), c.Looked)
	require.NoError(t, os.Remove(filepath.Join(top, "run")))
	c = Compare(listed(t, top), r.Entries(), Options{Most: 9})
	assert.Equal(t, map[string]int64{Extra: 1, Time: 1}, c.Counts)
	assert.ErrorContains(t, Pack(filepath.Join(top, "in"), io.Discard), "is no folder")
}
