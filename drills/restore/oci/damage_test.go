package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/tarend"
)

func TestImageRefusesEveryCut(t *testing.T) {
	s := small(t, runtime.GOARCH)
	saved, layout := pack(t, s.saved(t, "shop/app:1")...), pack(t, s.layout(t, "gzip", "1")...)
	for name, test := range map[string]struct {
		raw  []byte
		step int
	}{
		"docker save":         {saved, 97},
		"docker save, blocks": {saved, tarend.Block},
		"docker save in gzip": {squeeze(t, "gzip", saved), 7},
		"docker save in zstd": {squeeze(t, "zstd", saved), 7},
		"OCI layout":          {layout, 97},
		"OCI layout, blocks":  {layout, tarend.Block},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := imager(t, "{}").Image(t.Context(), source("", test.raw), &engine{})
			require.NoError(t, err, "the whole one is good")
			for at := 0; at < len(test.raw); at += test.step {
				refused(t, test.raw[:at], "cut off after %d of %d bytes", at, len(test.raw))
			}
			refused(t, test.raw[:len(test.raw)-1], "the last byte is missing")
		})
	}
}

// What looks like the end of an archive, and is something else that the cut left over.
func TestImageRefusesFalseEnds(t *testing.T) {
	s := small(t, runtime.GOARCH)
	members := s.saved(t)
	zeros := pack(t, append(members, member{name: "zeros", content: make([]byte, 4*tarend.Block)})...)
	refused(t, zeros[:len(zeros)-2*tarend.Block], "the zeros of the last file")
	long := pack(t, append(members, member{name: strings.Repeat("long/", 60) + "x"})...)
	whole := pack(t, members...)
	refused(t, long[:len(whole)], "the extended header of a file that is not there")
}

func refused(t *testing.T, raw []byte, why ...any) {
	t.Helper()
	e := &engine{}
	_, err := imager(t, "{}").Image(t.Context(), source("", raw), e)
	var backup *restore.BackupError
	require.ErrorAs(t, err, &backup, why...)
	require.Equal(t, "shop-app", backup.Backup)
	require.Nil(t, e.files, "the engine must see nothing of it")
}

// Every bit of a configuration, a layer and the list counts, wherever it is.
func TestImageRefusesEveryFlip(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	for name, members := range map[string][]member{"docker save": s.saved(t), "OCI layout": s.layout(t, "zstd", "1")} {
		t.Run(name, func(t *testing.T) {
			for n, m := range members {
				if m.name == saveList || m.name == layoutList || m.name == layoutMark {
					continue // nobody promises their digest; what they say is compared with what is there
				}
				for at := 0; at < len(m.content); at += 1 + len(m.content)/20 {
					changed := append([]member{}, members...)
					changed[n].content = bytes.Clone(m.content)
					changed[n].content[at] ^= 4
					refused(t, pack(t, changed...), "byte %d of %s", at, m.name)
				}
			}
		})
	}
}

func TestImageTakesOddButGoodArchives(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	whole := s.saved(t, "shop/app:1")
	first := whole[0]
	nameless := change(s.saved(t), s.id()[7:], func(m *member) { m.name = "config.json" })
	nameless = change(nameless, saveList, func(m *member) {
		m.content = bytes.Replace(m.content, []byte(s.id()[7:]+".json"), []byte("config.json"), 1)
	})
	packed := change(s.saved(t), "layer.tar", func(m *member) { m.content = squeeze(t, "zstd", m.content) })
	for name, test := range map[string]struct {
		raw   []byte
		notes int
	}{
		"a layer twice":          {pack(t, append([]member{first}, whole...)...), 0},
		"padding behind the end": {append(pack(t, whole...), make([]byte, 8192)...), 0},
		"several streams of gzip": {append(squeeze(t, "gzip", pack(t, whole...)),
			squeeze(t, "gzip", make([]byte, 512))...), 0},
		"layers of a save packed":   {pack(t, packed...), 0},
		"a configuration by itself": {pack(t, nameless...), 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := &engine{}
			out, err := imager(t, "{}").Image(t.Context(), source("", test.raw), e)
			require.NoError(t, err)
			assert.Len(t, out.Notes, test.notes)
			assert.Equal(t, s.id(), sum(e.files[e.list[0].Config]))
		})
	}
}

// What cannot be read here may be good: no finding.
func TestImageLeavesOpenWhatItCannotRead(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	whole := pack(t, s.saved(t)...)
	for name, test := range map[string]struct {
		raw  []byte
		want string
	}{
		"a sparse file": {pack(t, append(s.saved(t), member{name: "big", kind: tar.TypeGNUSparse})...),
			"its file big is sparse"},
		"window": {append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0}, whole...),
			"it is zstd, and it takes more than 64 MiB of memory to be unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := imager(t, "{}").Image(t.Context(), source("", test.raw), &engine{})
			var backup *restore.BackupError
			require.ErrorContains(t, err, test.want)
			assert.NotErrorAs(t, err, &backup)
		})
	}
}

// failing is a stream that breaks for a reason of the store's own.
type failing struct {
	memory
	after int64
	err   error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.Bytes() >= f.after {
		return 0, f.err
	}
	return f.memory.Read(p[:min(int64(len(p)), f.after-f.Bytes())])
}

func TestImageTellsTheStoreFromTheBackup(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	whole := pack(t, s.saved(t)...)
	for name, raw := range map[string][]byte{"plain": whole, "gzip": squeeze(t, "gzip", whole)} {
		for _, cause := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF, context.Canceled} {
			for _, failsAt := range []int{1, 2} {
				t.Run(name+", "+cause.Error()+", pass "+string(rune('0'+failsAt)), func(t *testing.T) {
					pass := 0
					from := source("", raw)
					from.Open = func(context.Context) (store.Stream, error) {
						m := memory{from: bytes.NewReader(raw), sum: sum(raw)}
						if pass++; pass == failsAt {
							return &failing{memory: m, after: int64(len(raw) / 2), err: cause}, nil
						}
						return &m, nil
					}
					_, err := imager(t, "{}").Image(t.Context(), from, &engine{})
					var backup *restore.BackupError
					require.ErrorIs(t, err, cause)
					assert.NotErrorAs(t, err, &backup)
				})
			}
		}
	}
}

// sleepy is an engine that says yes without reading, or no at once.
type sleepy struct {
	instance.Driver
	err error
}

func (s sleepy) LoadImage(context.Context, instance.ImageArchive) (string, error) {
	return "ref", s.err
}

func TestImageDistrustsTheEngine(t *testing.T) {
	raw := pack(t, newSample(t, runtime.GOARCH).saved(t)...)
	_, err := imager(t, "{}").Image(t.Context(), source("", raw), sleepy{})
	assert.ErrorContains(t, err, "the engine did not read the archive to its end")
	faulty := &instance.RefusedError{Reason: "invalid tar"}
	_, err = imager(t, "{}").Image(t.Context(), source("", raw), sleepy{err: faulty})
	var backup *restore.BackupError
	require.ErrorAs(t, err, &backup)
	assert.Contains(t, backup.Reason, "every digest in it is right, and yet the engine refuses it: invalid tar")
	no := errors.New("no space left")
	_, err = imager(t, "{}").Image(t.Context(), source("", raw), sleepy{err: no})
	assert.ErrorIs(t, err, no)
}

// Compression within compression multiplies.
func TestImageRefusesBombs(t *testing.T) {
	zeros := func(size int) []byte { return squeeze(t, "gzip", make([]byte, size)) }
	many := make([]member, 64)
	for i := range many {
		many[i] = member{name: strings.Repeat("x", i+1), content: zeros(1 << 20)}
	}
	for name, raw := range map[string][]byte{
		"the archive":                 squeeze(t, "gzip", pack(t, member{name: "x", content: make([]byte, 16<<20)})),
		"a layer":                     pack(t, member{name: "x", content: zeros(16 << 20)}),
		"many layers and the archive": squeeze(t, "zstd", pack(t, many...)),
	} {
		t.Run(name, func(t *testing.T) {
			i := imager(t, "{}")
			i.large = 2 << 20
			_, err := i.Image(t.Context(), source("", raw), &engine{})
			var backup *restore.BackupError
			require.ErrorAs(t, err, &backup)
			assert.Contains(t, backup.Reason, "expands more than 500 times")
		})
	}
}
