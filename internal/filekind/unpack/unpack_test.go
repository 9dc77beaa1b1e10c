package unpack

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/filekind"
)

// text that compresses, but not to nothing.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, n)
	for i := range out {
		out[i] = "abcdefgh\n"[r.IntN(9)]
	}
	return out
}

func packed(t *testing.T, plain []byte, command ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("%s is not installed", command[0])
	}
	at := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(at, "x"), plain, 0o600))
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Stdin = at, bytes.NewReader(plain)
	out, err := c.Output()
	require.NoError(t, err)
	return out
}

func open(raw []byte) ([]byte, error) {
	r, err := Open(filekind.Of(raw[:min(len(raw), filekind.Enough)]).Kind, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// What the tools of every day write is read, and nothing of it is missed when it is cut or changed.
func TestOpen(t *testing.T) {
	t.Parallel()
	plain := text(30_000)
	for name, command := range map[string][]string{
		"gzip": {"gzip", "-c"}, "zstd": {"zstd", "-c"}, "zstd, ultra": {"zstd", "--ultra", "-21", "-c"},
		"xz": {"xz", "-c"}, "xz, nine": {"xz", "-9", "-c"}, "xz, threads": {"xz", "-T2", "--block-size=8192", "-c"},
		"bzip2": {"bzip2", "-c"}, "lz4": {"lz4", "-c"}, "lz4, small blocks": {"lz4", "-c", "-B4", "--content-size"},
		"zip": {"zip", "-q", "-", "x"}, "zip, a stream": {"zip", "-q", "-", "-"}, "zip, stored": {"sh", "-c", "zip -q0 y.zip x; cat y.zip"},
		"zip, a file": {"sh", "-c", "mkdir d; mv x d; zip -qr y.zip d; cat y.zip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := packed(t, plain, command...)
			got, err := open(raw)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(plain, got))
			for _, cut := range []int{len(raw) - 1, len(raw) - 5, len(raw) / 2, 40} {
				_, err := open(raw[:cut])
				assert.Error(t, err, "cut to %d of %d", cut, len(raw))
			}
			middle := bytes.Clone(raw)
			middle[len(raw)/2] ^= 0x10
			got, err = open(middle)
			assert.True(t, err != nil || bytes.Equal(plain, got), "a bit flipped")
			if filekind.Of(raw).Name != "zip" {
				got, err = open(append(bytes.Clone(raw), raw...))
				require.NoError(t, err, "twice, as split logs are joined")
				assert.Len(t, got, 2*len(plain))
			}
			if filekind.Of(raw).Name == "gzip" {
				for _, n := range []int{1, 512, 1 << 16} {
					got, err = open(append(bytes.Clone(raw), make([]byte, n)...))
					require.NoError(t, err, "filled up with zeros, as gzip takes it")
					assert.Len(t, got, len(plain))
				}
				_, err = open(append(append(bytes.Clone(raw), 0, 0), raw...))
				assert.ErrorContains(t, err, "something else follows its end")
				_, err = open(append(bytes.Clone(raw), '\n'))
				assert.ErrorContains(t, err, "something else follows its end")
			}
			_, err = open(append(bytes.Clone(raw), "trailing garbage"...))
			assert.Error(t, err, "something follows")
		})
	}
}

// What cannot be unpacked here is refused, which says nothing about it.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		command []string
		want    string
	}{
		"zstd, a large window": {[]string{"zstd", "--ultra", "--long=31", "-c"}, "more than 64 MiB of memory"},
		"xz, a large dictionary": {[]string{"xz", "--lzma2=dict=128MiB", "-c"},
			"more than 64 MiB of memory"},
		"zip of two":     {[]string{"sh", "-c", "cp x y; zip -q z.zip x y; cat z.zip"}, "more than one file: x, y"},
		"zip, encrypted": {[]string{"zip", "-q", "-P", "secret", "-", "x"}, "an encrypted zip"},
		"zip, bzip2":     {[]string{"zip", "-q", "-Z", "bzip2", "-", "x"}, "by a method that cannot be unpacked while it streams: 12"},
		"openssl":        {[]string{"openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-k", "x"}, "it is encrypted by openssl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(packed(t, text(3000), test.command...))
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

// The errors of what is read stay what they are.
func TestOpenKeepsErrors(t *testing.T) {
	t.Parallel()
	broke := errors.New("the network broke")
	for name, command := range map[string][]string{"gzip": {"gzip", "-c"}, "zstd": {"zstd", "-c"}, "xz": {"xz", "-c"},
		"bzip2": {"bzip2", "-c"}, "lz4": {"lz4", "-c"}, "zip": {"zip", "-q", "-", "x"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := packed(t, text(20_000), command...)
			half := io.MultiReader(bytes.NewReader(raw[:len(raw)/2]), failing{broke})
			r, err := Open(filekind.Of(raw).Kind, half)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			assert.ErrorIs(t, err, broke)
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzOpen(f *testing.F) {
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd7zXZ\x00", "BZh9", "\x04\x22\x4d\x18", "PK\x03\x04"} {
		f.Add([]byte(magic))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Open(filekind.Of(raw).Kind, bytes.NewReader(raw))
		if err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, r, 1<<20)
		_ = r.Close()
	})
}
