package translog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The second verifier: written from RFC 6962, sections 2.1 to 2.1.2 (and the iterative form of RFC 9162, 2.1.3.2 and 2.1.4.2), with nothing
// of x/mod in it.

type hash = [sha256.Size]byte

func leafHash(b []byte) hash { return sha256.Sum256(append([]byte{0}, b...)) }

func nodeHash(l, r hash) hash {
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// treeHash is MTH of section 2.1.
func treeHash(records [][]byte) hash {
	switch len(records) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leafHash(records[0])
	}
	k := 1 << (bits.Len(uint(len(records)-1)) - 1) // the largest power of two smaller than n
	return nodeHash(treeHash(records[:k]), treeHash(records[k:]))
}

func included(record []byte, i, size int64, path []tlog.Hash, root hash) bool {
	if i >= size {
		return false
	}
	fn, sn, r := i, size-1, leafHash(record)
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = nodeHash(hash(p), r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = nodeHash(r, hash(p))
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && r == root
}

func goesOn(first, second int64, path []tlog.Hash, from, to hash) bool {
	if first == second {
		return len(path) == 0 && from == to
	}
	if first&(first-1) == 0 {
		path = append([]tlog.Hash{tlog.Hash(from)}, path...)
	}
	if len(path) == 0 {
		return false
	}
	fn, sn := first-1, second-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := hash(path[0]), hash(path[0])
	for _, c := range path[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = nodeHash(hash(c), fr), nodeHash(hash(c), sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = nodeHash(sr, hash(c))
		}
		fn, sn = fn>>1, sn>>1
	}
	return fr == from && sr == to && sn == 0
}

func some(n int) (all [][]byte) {
	for i := range n {
		all = append(all, fmt.Appendf(nil, `{"index":%d}`, i))
	}
	return all
}

// Proofs of every record of every tree up to 40 records, and of every tree on every older one, by the second verifier; each is refused
// with one bit of it changed, and for another record or another tree.
func TestProofsByASecondVerifier(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 40; n++ {
		records := some(n)
		tree, err := New(records)
		require.NoError(t, err)
		head, err := tree.Head(int64(n))
		require.NoError(t, err)
		root := treeHash(records)
		require.Equal(t, root, hash(head.Hash), "the hash of %d", n)
		for i := range int64(n) {
			p, err := tree.Inclusion(i)
			require.NoError(t, err)
			assert.True(t, included(records[i], i, int64(n), p, root), "%d of %d", i, n)
			assert.False(t, included([]byte("another"), i, int64(n), p, root))
			for k := range p {
				p[k][0] ^= 1
				assert.False(t, included(records[i], i, int64(n), p, root))
				assert.Error(t, tlog.CheckRecord(p, int64(n), head.Hash, i, tlog.RecordHash(records[i])))
				p[k][0] ^= 1
			}
		}
		for m := int64(1); m <= int64(n); m++ {
			p, err := tree.Consistency(m)
			require.NoError(t, err)
			old := treeHash(records[:m])
			assert.True(t, goesOn(m, int64(n), p, old, root), "%d to %d", m, n)
			old[0] ^= 1
			assert.False(t, goesOn(m, int64(n), p, old, root), "%d to %d, of another log", m, n)
		}
	}
}

func appended(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, Append(path, func([]byte) ([]byte, error) { return []byte(text), nil }))
}

func TestAppend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	tree, err := Load(path)
	require.NoError(t, err)
	assert.Zero(t, tree.Size())
	appended(t, path, "one")
	appended(t, path, "two")
	// What a crash cut off is no record, and the next takes its place.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("thr")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	tree, err = Load(path)
	require.NoError(t, err)
	assert.EqualValues(t, 2, tree.Size())
	require.NoError(t, Append(path, func(last []byte) ([]byte, error) {
		assert.Equal(t, "two", string(last))
		return nil, nil
	}))
	appended(t, path, "three")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\nthree\n", string(raw))
	for _, bad := range []string{"", "a\nb", string(bytes.Repeat([]byte("x"), longest))} {
		assert.Error(t, Append(path, func([]byte) ([]byte, error) { return []byte(bad), nil }))
	}
}

// Many processes append at once: none is lost, none comes twice.
func TestAppendTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				assert.NoError(t, Append(path, func(last []byte) ([]byte, error) {
					n := 0
					_, _ = fmt.Sscan(string(last), &n)
					return fmt.Append(nil, n+1), nil
				}))
			}
		})
	}
	all.Wait()
	tree, err := Load(path)
	require.NoError(t, err)
	require.EqualValues(t, 160, tree.Size())
	for i, r := range tree.Records {
		assert.Equal(t, fmt.Sprint(i+1), string(r))
	}
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	skey, vkey, err := note.GenerateKey(nil, "lifeboat.test/log")
	require.NoError(t, err)
	signer, err := note.NewSigner(skey)
	require.NoError(t, err)
	v, err := note.NewVerifier(vkey)
	require.NoError(t, err)
	tree, err := New(some(3))
	require.NoError(t, err)
	head, err := tree.Head(3)
	require.NoError(t, err)
	c := Checkpoint{"lifeboat.test/log", head}
	signed, err := c.Sign(signer)
	require.NoError(t, err)
	root := treeHash(some(3))
	assert.Equal(t, "lifeboat.test/log\n3\n"+base64.StdEncoding.EncodeToString(root[:])+"\n", c.Text())
	n, err := note.Open(signed, note.VerifierList(v))
	require.NoError(t, err)
	assert.Equal(t, c.Text(), n.Text)
	assert.Equal(t, "lifeboat.test/log", n.Sigs[0].Name)
	got, err := PeekCheckpoint(signed)
	require.NoError(t, err)
	assert.Equal(t, c, got)
	_, err = note.Open(bytes.Replace(signed, []byte("\n3\n"), []byte("\n2\n"), 1), note.VerifierList(v))
	assert.Error(t, err)
	for _, bad := range []string{"", "a\n3\n", "a\n03\n" + c.Hash.String() + "\n", "a\n3\nx\n", "a\n3\n" + c.Hash.String() + "\nmore\n", "a\n-1\n" + c.Hash.String() + "\n"} {
		_, err := ParseCheckpoint(bad)
		assert.Error(t, err, bad)
	}
}

// BenchmarkLog says what ten thousand appends cost, how that grows, and what the tree and a proof cost then.
func BenchmarkLog(b *testing.B) {
	path := filepath.Join(b.TempDir(), "log")
	record := bytes.Repeat([]byte("x"), 400)
	for range b.N {
		_ = os.Remove(path)
		for thousand := range 10 {
			began := time.Now()
			for range 1000 {
				if err := Append(path, func([]byte) ([]byte, error) { return record, nil }); err != nil {
					b.Fatal(err)
				}
			}
			if thousand == 0 || thousand == 9 {
				b.ReportMetric(float64(time.Since(began).Microseconds())/1000, fmt.Sprintf("µs/append-%d000", thousand+1))
			}
		}
		began := time.Now()
		tree, err := Load(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tree.Head(tree.Size()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/tree")
		began = time.Now()
		if _, err := tree.Inclusion(5000); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds()), "µs/proof")
	}
}
