package record

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every kind that is declared has its line in the table, and every type its one kind.
func TestKinds(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	require.NoError(t, err)
	declared := map[Kind]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				name, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				declared[Kind(name)] = true
			}
		}
		return true
	})
	assert.Len(t, declared, len(kinds))
	types := map[reflect.Type]Kind{}
	for kind, m := range kinds {
		assert.True(t, declared[kind], kind)
		assert.NotContains(t, types, m.of, kind)
		types[m.of] = kind
		empty := reflect.Zero(m.of).Interface()
		assert.Equal(t, kind, KindOf(empty))
		raw, err := json.Marshal(empty)
		require.NoError(t, err)
		got, err := Decode(Event{Kind: kind, Data: raw})
		require.NoError(t, err)
		assert.Equal(t, m.of, reflect.TypeOf(got), kind)
		_, err = Decode(Event{Kind: kind, Data: []byte("7")})
		assert.Error(t, err, kind)
	}
	got, err := Decode(Event{Kind: "of tomorrow", Data: []byte("7")})
	assert.NoError(t, err)
	assert.Nil(t, got)
	assert.Empty(t, KindOf(7))
}

// What does not fit leaves the builder as it was.
func TestBuilderRefuses(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	assert.Nil(t, b.Record())
	assert.Error(t, b.Add(Event{Seq: 1, Kind: KindNote, Data: []byte(`{}`)}))
	j := begin(t, Header{Scenario: "s"}).add(1, KindNote, Subject{}, Note{Text: "seen"})
	for _, e := range j.events {
		require.NoError(t, b.Add(e))
	}
	was := b.Record()
	assert.Error(t, b.Add(Event{Seq: 3, Elapsed: secs(9), Actor: ActorLifeboat, Kind: KindNote, Data: []byte(`7`)}))
	assert.Error(t, b.Add(j.events[0]))
	assert.Equal(t, was, b.Record())
	assert.Equal(t, j.build(), b.Record())
}

// A record that was asked for is not changed by what comes later.
func TestBuilderKeepsWhatItGave(t *testing.T) {
	t.Parallel()
	one := Subject{Incident: 1}
	j := begin(t, Header{Trigger: TriggerFault}).
		add(1, KindRestorePoint, Subject{}, RestorePoint{Backup: "b", Point: "p"}).
		add(2, KindRestorePoint, Subject{}, RestorePoint{Backup: "b", Point: "p", Digest: "d"}).
		add(3, KindPulse, Subject{}, PulseEvent{State: "started"}).
		add(4, KindPulse, Subject{}, PulseEvent{State: PulseRests}).
		add(5, KindPulse, Subject{}, PulseEvent{State: PulseGoesOn}).
		add(6, KindFault, one, fault("injected", 5, 6)).
		add(7, KindFault, one, fault("effective", 6, 7)).
		add(8, KindCleanup, Subject{}, CleanupEvent{What: "volume", Name: "a", State: "failed"}).
		add(9, KindCleanup, Subject{}, CleanupEvent{What: "volume", Name: "b", State: "failed"}).
		add(10, KindCleanup, Subject{}, CleanupEvent{What: "volume", Name: "a", State: "undone"})
	b := NewBuilder()
	var soFar []*Record
	for _, e := range j.events {
		require.NoError(t, b.Add(e))
		soFar = append(soFar, b.Record())
	}
	for n, kept := range soFar {
		want, err := Build(j.events[:n+1])
		require.NoError(t, err)
		assert.Equal(t, want, kept, "after %d events", n+1)
	}
}
