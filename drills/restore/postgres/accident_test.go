package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/internal/accident"
)

// damage is an accident of which a test says when it could not happen.
type damage func(t *testing.T, raw []byte) []byte

// files is one to the files of a tar.
type files func(t *testing.T, files map[string][]byte)

func of(f accident.Func) damage {
	return func(t *testing.T, raw []byte) []byte {
		raw, err := f(raw)
		require.NoError(t, err)
		return raw
	}
}

func ofFiles(f accident.Files) files {
	return func(t *testing.T, files map[string][]byte) { require.NoError(t, f(files)) }
}

// in a test it is as any other.
func (d damage) in(t *testing.T) accident.Func {
	return func(raw []byte) ([]byte, error) { return d(t, raw), nil }
}

// keep keeps the first n bytes; all with n < 0.
func keep(n int) damage {
	if n < 0 {
		return of(accident.None)
	}
	return of(accident.Keep(n))
}

func share(part float64) damage                { return of(accident.Share(part)) }
func drop(n int) damage                        { return of(accident.Drop(n)) }
func be(content string) damage                 { return of(accident.Be(content)) }
func add(more string) damage                   { return of(accident.Add(more)) }
func flip(at float64) damage                   { return of(accident.Flip(at)) }
func swap(old, new string, n int) damage       { return of(accident.Swap(old, new, n)) }
func cutAt(text string, n, behind int) damage  { return of(accident.CutAt(text, n, behind)) }
func from(text string) damage                  { return of(accident.From(text)) }
func twice(t *testing.T, raw []byte) []byte    { return of(accident.Twice)(t, raw) }
func comments(t *testing.T, raw []byte) []byte { return of(accident.Comments)(t, raw) }

// packed has it happen to the compressed dump.
func packed(with string, happens damage) damage {
	return func(t *testing.T, raw []byte) []byte { return happens(t, compress(t, with, raw)) }
}

func packedFirst(with string, happens damage) damage {
	return func(t *testing.T, raw []byte) []byte { return compress(t, with, happens(t, raw)) }
}

func repacked(happens damage) damage {
	return func(t *testing.T, raw []byte) []byte { return of(accident.Repacked(happens.in(t)))(t, raw) }
}

// member has it happen to one file.
func member(name string, happens damage) files {
	return func(t *testing.T, all map[string][]byte) { ofFiles(accident.Member(name, happens.in(t)))(t, all) }
}

// data has it happen to the largest data file, that of the orders.
func data(happens damage) files {
	return func(t *testing.T, all map[string][]byte) { ofFiles(accident.LargestData(happens.in(t)))(t, all) }
}

func without(text string) files { return ofFiles(accident.Without(text)) }
func only(name string) files    { return ofFiles(accident.Only(name)) }
func called(name string) files  { return ofFiles(accident.With(name, "x")) }
func flipHeader() damage        { return of(accident.FlipTarHeader) }
func flipOffset() damage        { return of(accident.FlipOffset("public.customers")) }
