package postgres

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

// accident is what happens to bytes.
type accident func(t *testing.T, raw []byte) []byte

// keep keeps the first n bytes; all with n < 0.
func keep(n int) accident {
	return func(_ *testing.T, raw []byte) []byte {
		if n < 0 {
			return raw
		}
		return raw[:n]
	}
}

func share(part float64) accident {
	return func(_ *testing.T, raw []byte) []byte { return raw[:int(part*float64(len(raw)))] }
}

func drop(n int) accident {
	return func(_ *testing.T, raw []byte) []byte { return raw[:len(raw)-n] }
}

func be(content string) accident {
	return func(*testing.T, []byte) []byte { return []byte(content) }
}

func add(more string) accident {
	return func(_ *testing.T, raw []byte) []byte { return append(raw, more...) }
}

func twice(_ *testing.T, raw []byte) []byte { return append(raw, raw...) }

func flip(at float64) accident {
	return func(_ *testing.T, raw []byte) []byte {
		raw[int(at*float64(len(raw)))] ^= 0x10
		return raw
	}
}

// flipHeader damages the header of the second file in a tar; a byte within a file's content may go unseen.
func flipHeader(t *testing.T, raw []byte) []byte {
	const block, magic = 512, 257
	for at := block; at+block <= len(raw); at += block {
		if bytes.HasPrefix(raw[at+magic:], []byte("ustar")) {
			raw[at+1] ^= 0x10
			return raw
		}
	}
	t.Fatal("no header found")
	return nil
}

// swap puts one text for another, n times; 0: everywhere.
func swap(old, new string, n int) accident {
	return func(t *testing.T, raw []byte) []byte {
		require.True(t, bytes.Contains(raw, []byte(old)), "nothing to damage: %q", old)
		if n == 0 {
			n = -1
		}
		return bytes.Replace(raw, []byte(old), []byte(new), n)
	}
}

// cutAt cuts so many bytes behind the beginning of a text; the last one with n < 0.
func cutAt(text string, n, behind int) accident {
	return func(t *testing.T, raw []byte) []byte {
		at := bytes.Index(raw, []byte(text))
		if n < 0 {
			at = bytes.LastIndex(raw, []byte(text))
		}
		require.GreaterOrEqual(t, at, 0, "nothing to cut at: %q", text)
		return raw[:at+behind]
	}
}

func from(text string) accident {
	return func(_ *testing.T, raw []byte) []byte { return raw[bytes.Index(raw, []byte(text)):] }
}

// flipOffset changes the position of the first data in the table of contents: a known
// position is a 2 and eight bytes.
func flipOffset(t *testing.T, raw []byte) []byte {
	at := bytes.Index(raw, []byte("COPY public.customers"))
	require.Greater(t, at, 0)
	for ; at < len(raw); at++ {
		if raw[at] == 2 && raw[at+1] != 0 && bytes.Equal(raw[at+4:at+9], make([]byte, 5)) {
			raw[at+1] ^= 1
			return raw
		}
	}
	t.Fatal("no position found")
	return nil
}

func comments(_ *testing.T, raw []byte) []byte {
	return append([]byte("-- PostgreSQL database dump\n"+strings.Repeat("-- "+strings.Repeat("x", 1020)+"\n", 66<<10)),
		raw...)
}

// packed has the accident happen to the compressed dump.
func packed(with string, happens accident) accident {
	return func(t *testing.T, raw []byte) []byte { return happens(t, compress(t, with, raw)) }
}

func packedFirst(with string, happens accident) accident {
	return func(t *testing.T, raw []byte) []byte { return compress(t, with, happens(t, raw)) }
}

func repacked(happens accident) accident {
	return func(t *testing.T, raw []byte) []byte {
		r, err := gzip.NewReader(bytes.NewReader(raw))
		require.NoError(t, err)
		plain, err := io.ReadAll(r)
		require.NoError(t, err)
		return compress(t, "gzip", happens(t, plain))
	}
}

// member has the accident happen to one file.
func member(name string, happens accident) func(*testing.T, map[string][]byte) {
	return func(t *testing.T, files map[string][]byte) { files[name] = happens(t, files[name]) }
}

// data has it happen to the largest data file, that of the orders.
func data(happens accident) func(*testing.T, map[string][]byte) {
	return func(t *testing.T, files map[string][]byte) {
		largest := ""
		for name, content := range files {
			if strings.Contains(name, ".dat") && name != "toc.dat" && len(content) > len(files[largest]) {
				largest = name
			}
		}
		require.NotEmpty(t, largest)
		member(largest, happens)(t, files)
	}
}

// without removes the files whose names contain a text.
func without(text string) func(*testing.T, map[string][]byte) {
	return func(_ *testing.T, files map[string][]byte) {
		for name := range files {
			if strings.Contains(name, text) {
				delete(files, name)
			}
		}
	}
}

func only(name string) func(*testing.T, map[string][]byte) {
	return func(_ *testing.T, files map[string][]byte) {
		for n := range files {
			if n != name {
				delete(files, n)
			}
		}
	}
}
