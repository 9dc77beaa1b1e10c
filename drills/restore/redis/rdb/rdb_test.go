package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

// now is when the samples were made.
var now = time.Unix(1795916848, 0)

func file(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return raw
}

// TestRead counts what Redis 7.0 wrote of every type that it has.
func TestRead(t *testing.T) {
	t.Parallel()
	raw := file(t, "all.rdb")
	s, err := Read(bytes.NewReader(raw), now)
	require.NoError(t, err)
	assert.Equal(t, 10, s.Version)
	assert.Equal(t, "Redis 7.0.15 (RDB 10)", s.Product())
	assert.WithinDuration(t, now, s.Made, time.Minute)
	assert.Positive(t, s.Memory)
	assert.True(t, s.Summed)
	assert.Equal(t, 1, s.Functions)
	assert.Equal(t, int64(len(raw)), s.Bytes)
	assert.Equal(t, int64(22), s.Keys())
	assert.Equal(t, map[string]int64{"string": 10, "list": 2, "set": 3, "hash": 2, "zset": 2, "stream": 1}, s.Databases[0].Types)
	assert.Equal(t, map[string]int64{"string": 1, "hash": 1}, s.Databases[3].Types)
	assert.Equal(t, int64(3), s.Databases[0].Expiring)
	assert.Zero(t, s.Gone(now))
	assert.Equal(t, int64(1), s.Gone(now.Add(2*time.Minute)))
	assert.Equal(t, int64(1), s.Databases[0].Gone(now.Add(25*time.Hour)))
	later, err := Read(bytes.NewReader(raw), now.Add(30*24*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, int64(2), later.Gone(now.Add(30*24*time.Hour)), "what expired long ago is counted as well")

	head, err := Head(bytes.NewReader(raw[:200]))
	require.NoError(t, err)
	assert.Equal(t, s.Made, head.Made)
	assert.Equal(t, s.Product(), head.Product())
	_, err = Head(strings.NewReader("REDISabcd"))
	assert.ErrorContains(t, err, "no version")
}

// TestReadFindsEveryBit: a checksum finds each of them; without one what breaks the structure is found, and nothing panics.
func TestReadFindsEveryBit(t *testing.T) {
	t.Parallel()
	raw := file(t, "all.rdb")
	for at := 9; at < len(raw); at += 37 {
		bent := bytes.Clone(raw)
		bent[at] ^= 1 << (at % 8)
		_, err := Read(bytes.NewReader(bent), now)
		var damage *dump.Damage
		require.ErrorAs(t, err, &damage, "byte %d", at)
	}
	for at := 0; at < len(raw); at += 41 {
		_, err := Read(bytes.NewReader(raw[:at]), now)
		var damage *dump.Damage
		if err == nil || !errors.As(err, &damage) && at > 9 {
			t.Fatalf("cut at byte %d of %d: %v", at, len(raw), err)
		}
	}
}

// made is a snapshot put together by hand.
type made struct{ bytes.Buffer }

func snapshot(magic string) *made {
	m := &made{}
	m.WriteString(magic)
	return m
}

func (m *made) op(b ...byte) *made { m.Write(b); return m }

func (m *made) text(all ...string) *made {
	for _, s := range all {
		m.WriteByte(byte(len(s)))
		m.WriteString(s)
	}
	return m
}

func (m *made) end() []byte {
	m.WriteByte(opEnd)
	return binary.LittleEndian.AppendUint64(m.Bytes(), sum(0, m.Bytes()))
}

// TestReadOtherVersions are types that Redis 7.0 does not write.
func TestReadOtherVersions(t *testing.T) {
	t.Parallel()
	zeros := func(n int) []byte { return make([]byte, n) }
	for name, test := range map[string]struct {
		raw    []byte
		want   map[string]int64
		partly int64
		err    string
		check  func(t *testing.T, s *Snapshot)
	}{
		"2.4, without a checksum": {raw: append(snapshot("REDIS0003").op(opSelect, 0, opExpire, 1, 0, 0, 0, typeText).text("a", "b").Bytes(), opEnd),
			want: map[string]int64{"string": 1}},
		"scores as text": {raw: snapshot("REDIS0006").op(typeSorted).text("z").op(2).text("m").op(1, '3').text("n").op(255).end(),
			want: map[string]int64{"zset": 1}},
		"in one piece": {raw: snapshot("REDIS0009").op(opSelect, 0, opResize, 2, 0, 10).text("l", "zip").op(13).text("h", "zip").op(9).text("i", "map").end(),
			want: map[string]int64{"list": 1, "hash": 2}},
		"quicklist":     {raw: snapshot("REDIS0009").op(opIdle, 3, opFreq, 9, typeQuicklist).text("l").op(2).text("zip", "zip").end(), want: map[string]int64{"list": 1}},
		"stream of 5.0": {raw: snapshot("REDIS0009").op(typeStream).text("s").op(0, 0, 0, 0, 0).end(), want: map[string]int64{"stream": 1}},
		"stream of 7.2": {raw: snapshot("REDIS0011").op(typeStream3).text("s").op(0, 0, 0, 0, 0, 0, 0, 0, 0, 1).text("g").op(1, 1, 1, 0, 1).text("c").
			op(zeros(16)...).op(1).op(zeros(16)...).end(), want: map[string]int64{"stream": 1}},
		"module": {raw: snapshot("REDIS0010").op(typeModule).text("j").op(0x81, 0, 0, 0, 0, 0, 0, 4, 0, partNumber, 7, partText).text("x").op(partDouble).
			op(zeros(8)...).op(partEnd).end(), want: map[string]int64{"module": 1},
			check: func(t *testing.T, s *Snapshot) { assert.Equal(t, []string{"AAAAAAAAB"}, s.Modules) }},
		"beside a module": {raw: snapshot("REDIS0010").op(opModuleAux, 5, partNumber, 1, partText).text("x").op(partEnd, typeText).text("a", "b").end(),
			want: map[string]int64{"string": 1}},
		"fields that expire": {raw: snapshot("REDIS0012").op(typeHashFields2).text("h").op(zeros(8)...).op(1, 5).text("f", "v").op(typeHashPacked2).text("p").
			op(zeros(8)...).text("packed").end(), want: map[string]int64{"hash": 2}, partly: 2},
		"slots":    {raw: snapshot("REDIS0012").op(opSelect, 0, opSlotInfo, 3, 1, 0, typeText).text("a", "b").end(), want: map[string]int64{"string": 1}},
		"Valkey 9": {raw: snapshot("VALKEY080").op(typeHashFields).text("h").op(1).text("f", "v").op(zeros(8)...).end(), want: map[string]int64{"hash": 1}, partly: 1},
		"a type to come": {raw: snapshot("REDIS0014").op(opSelect, 0, typeText).text("a", "b").op(77).text("what nobody knows").end(),
			want: map[string]int64{"string": 1}, check: func(t *testing.T, s *Snapshot) { assert.Equal(t, "type 77", s.Unknown) }},
		"a type to come, bent":    {raw: bend(snapshot("REDIS0014").op(opSelect, 0, 77).text("what nobody knows").end(), 14), err: "its checksum does not hold"},
		"a type that never was":   {raw: snapshot("REDIS0009").op(77).text("x").end(), err: "at byte 9 its snapshot has the type 77, which version 9 of the format does not"},
		"a database out of range": {raw: snapshot("REDIS0009").op(opSelect, 0x80, 255, 0, 0, 0).end(), err: "at byte 9 its snapshot has a database of number 4278190080"},
		"no version":              {raw: []byte("REDIS00x9\xff"), err: "which is no version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Read(bytes.NewReader(test.raw), now)
			if test.err != "" {
				assert.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, s.Databases[0].Types)
			assert.Equal(t, test.partly, s.Databases[0].Partly)
			if test.check != nil {
				test.check(t, s)
			}
		})
	}
}

func bend(raw []byte, at int) []byte {
	raw[at] ^= 4
	return raw
}

func TestReadLog(t *testing.T) {
	t.Parallel()
	incr := file(t, "appendonlydir/appendonly.aof.2.incr.aof")
	preamble := append(file(t, "appendonlydir/appendonly.aof.2.base.rdb"), incr...)
	const set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"
	for name, test := range map[string]struct {
		raw      string
		commands int64
		cut      string
		err      string
	}{
		"as it is written":          {raw: string(incr), commands: 4},
		"behind a snapshot":         {raw: string(preamble), commands: 4},
		"nothing":                   {raw: ""},
		"cut in a value":            {raw: string(incr[:len(incr)-4]), commands: 3, cut: "inside a command (SET) that begins at byte 115"},
		"cut in a name":             {raw: set + "*2\r\n$6\r\nSEL", commands: 1, cut: "inside a command that begins at byte 27"},
		"cut in a number":           {raw: set + "*", commands: 1, cut: "inside a command that begins at byte 27"},
		"cut before the last byte":  {raw: set[:len(set)-1], cut: "inside a command (SET)"},
		"cut behind a command":      {raw: set, commands: 1},
		"cut in a transaction":      {raw: set + "*1\r\n$5\r\nMULTI\r\n" + set, commands: 3, cut: "inside a transaction that begins at byte 27"},
		"a whole transaction":       {raw: "*1\r\n$5\r\nMULTI\r\n" + set + "*1\r\n$4\r\nEXEC\r\n", commands: 3},
		"cut in a snapshot":         {raw: string(preamble[:5000]), err: "its snapshot ends at byte 5000"},
		"zeros behind it":           {raw: set + strings.Repeat("\x00", 40), commands: 1, err: "at byte 27 its log holds what is no command"},
		"a length that is too long": {raw: "*1\r\n$999999999999\r\n", err: "at byte 4 its log holds what is no command"},
		"a length that is wrong":    {raw: "*1\r\n$3\r\nPING\r\n", err: "at byte 4 its log holds what is no command"},
		"a name of bytes":           {raw: "*1\r\n$3\r\n\x01\x02\x03\r\n", err: "at byte 4 its log holds what is no command"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := ReadLog(strings.NewReader(test.raw), now)
			assert.Equal(t, test.commands, l.Commands)
			switch {
			case test.err != "":
				assert.ErrorContains(t, err, test.err)
			case test.cut != "":
				require.NoError(t, err)
				require.NotNil(t, l.Cut)
				assert.Contains(t, l.Cut.Words(), test.cut)
				assert.Equal(t, int64(len(test.raw)), l.Cut.Of)
			default:
				require.NoError(t, err)
				assert.Nil(t, l.Cut)
				assert.Equal(t, int64(len(test.raw)), l.Bytes)
			}
		})
	}
	l, err := ReadLog(bytes.NewReader(incr), now)
	require.NoError(t, err)
	assert.Equal(t, int64(1795916849), l.Made.Unix())
}

func TestParseManifest(t *testing.T) {
	t.Parallel()
	const base, first, second = "file a.1.base.rdb seq 1 type b\n", "file a.1.incr.aof seq 1 type i\n", "file a.2.incr.aof seq 2 type i\n"
	for name, test := range map[string]struct {
		text string
		want []Part
		err  string
	}{
		"as it is written": {text: base + first + second, want: []Part{{"a.1.base.rdb", 1, true}, {"a.1.incr.aof", 1, false}, {"a.2.incr.aof", 2, false}}},
		"history":          {text: "file a.0.base.rdb seq 0 type h\n" + base, want: []Part{{"a.1.base.rdb", 1, true}}},
		"a quoted name":    {text: `file "a b.1.base.rdb" seq 1 type b` + "\n", want: []Part{{"a b.1.base.rdb", 1, true}}},
		"offsets":          {text: "file a.1.incr.aof seq 1 type i startoffset 0 endoffset 7\n", want: []Part{{"a.1.incr.aof", 1, false}}},
		"a gap":            {text: base + first + "file a.3.incr.aof seq 3 type i\n", err: "names increment 3 behind increment 1"},
		"two bases":        {text: base + base, err: "names a base, a.1.base.rdb, behind other parts"},
		"a way out":        {text: "file ../a seq 1 type b\n", err: "names no part"},
		"cut off":          {text: base + "file a.1.in", err: "names no part"},
		"nothing":          {text: "\n", err: "names no part"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := ParseManifest(test.text)
			if test.err != "" {
				assert.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, m.Parts)
		})
	}
	log, p, ok := PartOf("appendonly.aof.12.incr.aof")
	assert.True(t, ok)
	assert.Equal(t, "appendonly.aof", log)
	assert.Equal(t, Part{"appendonly.aof.12.incr.aof", 12, false}, p)
	_, _, ok = PartOf("appendonly.aof")
	assert.False(t, ok)
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, "all.rdb"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = Read(bytes.NewReader(raw), now) })
}

func FuzzReadLog(f *testing.F) {
	f.Add(file(f, "appendonlydir/appendonly.aof.2.incr.aof"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = ReadLog(bytes.NewReader(raw), now) })
}
