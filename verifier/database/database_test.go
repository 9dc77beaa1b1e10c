package database

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// mute is a dialect that is asked nothing.
type mute struct{ Dialect }

func (mute) Silent(error) bool { return false }
func (mute) Hint(err error) string {
	if err.Error() == "no right" {
		return "give it"
	}
	return ""
}

func settings(t *testing.T, text string) scenarios.Settings {
	t.Helper()
	s, err := scenarios.ParseSettings("sql", text)
	require.NoError(t, err)
	return s
}

func TestExpectNeedsSomething(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"{}", "sql expects nothing"},
		"empty text":           {`{expect: ""}`, "expect: an empty answer proves nothing"},
		"blank text":           {`{expect: "  "}`, "expect: an empty answer proves nothing"},
		"matches everything":   {`{matches: ".*"}`, "matches: it also matches an empty answer"},
		"no regular expressio": {`{matches: "("}`, "matches: error parsing regexp: missing closing ): `(`"},
		"impossible":           {`{at_least: 3, at_most: 2}`, "at_least: no number is at least 3 and at most 2"},
	} {
		t.Run(name, func(t *testing.T) {
			var e Expect
			s := settings(t, c.text)
			problems := append(s.Decode(&e), e.Complete(s)...)
			require.Len(t, problems, 1)
			assert.Equal(t, c.want, problems[0].Message)
		})
	}
}

func TestHold(t *testing.T) {
	one := func(cells ...string) Table { return Table{Rows: [][]string{cells}} }
	before := one("7")
	for name, c := range map[string]struct {
		keys   string
		before *Table
		now    Table
		wrong  string
	}{
		"exact":             {`{expect: "0|a"}`, nil, one("0", "a"), ""},
		"exact, line break": {"{expect: \"1\\n2\\n\"}", nil, Table{Rows: [][]string{{"1"}, {"2"}}}, ""},
		"another":           {`{expect: "1"}`, nil, one("2"), `the answer is "2", not "1"`},
		"no row":            {`{expect: "1"}`, nil, Table{}, "nothing came back"},
		"no column":         {`{same: true}`, nil, Table{Rows: [][]string{nil}}, "nothing came back"},
		"cut": {`{expect: "1"}`, nil, Table{Rows: [][]string{{"1"}}, Cut: true},
			"the answer is larger than 1000 rows or 256 KiB"},
		"null is no number":     {`{at_least: 0}`, nil, one("NULL"), `the answer is "NULL", not a number`},
		"NaN is no number":      {`{at_least: 0}`, nil, one("NaN"), `the answer is "NaN", not a number`},
		"Infinity is no number": {`{at_least: 3}`, nil, one("Infinity"), `the answer is "Infinity", not a number`},
		"nor is it below":       {`{at_most: 3}`, nil, one("-Infinity"), `the answer is "-Infinity", not a number`},
		"at least, exactly":     {`{at_least: 3}`, nil, one("3"), ""},
		"too few":               {`{at_least: 3}`, nil, one("2.5"), "2.5 is less than 3"},
		"too many":              {`{at_most: 3}`, nil, one("4"), "4 is more than 3"},
		"matches":               {`{matches: "^1[0-9]$"}`, nil, one("15"), ""},
		"does not match": {`{matches: "^1[0-9]$"}`, nil, one("25"),
			`the answer is "25", which "^1[0-9]$" does not match`},
		"same":     {`{same: true}`, &before, one("7"), ""},
		"recorded": {`{same: true}`, nil, one("7"), ""},
		"differs":  {`{same: true}`, &before, one("8"), "the answer differs from before the upgrade"},
		"same nothing": {`{same: true}`, &Table{Rows: [][]string{{"NULL"}}}, one("NULL"),
			`the answer is "NULL", which proves nothing`},
		"other columns, same text": {`{same: true}`, &Table{Rows: [][]string{{"a|b"}}}, one("a", "b"),
			"the answer differs from before the upgrade"},
	} {
		t.Run(name, func(t *testing.T) {
			var e Expect
			s := settings(t, c.keys)
			require.Empty(t, append(s.Decode(&e), e.Complete(s)...))
			wrong, _ := e.Hold(c.before, c.now)
			assert.Equal(t, c.wrong, wrong)
		})
	}
	t.Run("the zero value holds no empty answer", func(t *testing.T) {
		wrong, _ := Expect{Matches: "x"}.Hold(nil, one("x"))
		assert.NotEmpty(t, wrong, "a pattern that was never compiled")
	})
	_, diff := Expect{Same: true}.Hold(&Table{Rows: [][]string{{"a"}, {"b"}}}, one("a"))
	assert.Equal(t, []string{`row 2: "b" before, "no row" after the rollback`}, diff)
}

func TestDigest(t *testing.T) {
	of := func(columns []string, rows ...[][]byte) string {
		var d Digest
		d.Columns(columns)
		for _, r := range rows {
			require.NoError(t, d.Row(r))
		}
		return d.String()
	}
	row := func(cells ...string) [][]byte {
		var r [][]byte
		for _, c := range cells {
			r = append(r, []byte(c))
		}
		return r
	}
	ab := []string{"a", "b"}
	base := of(ab, row("1", "2"), row("3", "4"))
	assert.Equal(t, base, of(ab, row("3", "4"), row("1", "2")), "the order of rows does not matter")
	for name, other := range map[string]string{
		"a row twice":     of(ab, row("1", "2"), row("3", "4"), row("3", "4")),
		"a row missing":   of(ab, row("1", "2")),
		"cells swapped":   of(ab, row("2", "1"), row("3", "4")),
		"moved border":    of(ab, row("12", ""), row("3", "4")),
		"null, not empty": of(ab, [][]byte{[]byte("1"), nil}, row("3", "4")),
		"another column":  of([]string{"a", "c"}, row("1", "2"), row("3", "4")),
		"nothing":         of(ab),
	} {
		assert.NotEqual(t, base, other, name)
	}
	assert.NotEqual(t, of(ab, row("1", "")), of(ab, [][]byte{[]byte("1"), nil}))
	var d Digest
	d.sum = [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
	require.NoError(t, d.Row(row("x"))) // carries through every word: −1 + x
	var plain Digest
	require.NoError(t, plain.Row(row("x")))
	assert.Equal(t, plain.sum[0]-1, d.sum[0])
	assert.Equal(t, plain.sum[1:], d.sum[1:])
}

func TestRefusal(t *testing.T) {
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	refused := syscall.ECONNREFUSED
	broke := &instance.UnaskedError{Err: errors.New("the tunnel broke")}
	for name, c := range map[string]struct {
		ctx     context.Context
		err     error
		text    string
		unasked bool
	}{
		"answered":           {context.Background(), nil, "", false},
		"server said no":     {context.Background(), errors.New("no such table"), "no such table", false},
		"with a hint":        {context.Background(), errors.New("no right"), "no right (give it)", false},
		"nobody listens":     {context.Background(), &DialError{refused}, "connect: connection refused", false},
		"harness":            {context.Background(), &DialError{errors.New("engine gone")}, "", true},
		"in mid-flow":        {context.Background(), fmt.Errorf("read: %w", broke), "", true},
		"no table, a view":   {context.Background(), &DoubtError{"a view"}, "", true},
		"wrong question":     {context.Background(), &QueryError{errors.New("syntax")}, "", true},
		"the drill is ended": {dead, errors.New("no answer in time"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			no, err := refusal(c.ctx, mute{}, c.err)
			assert.Equal(t, c.text, no.Error)
			assert.Equal(t, c.unasked, err != nil)
		})
	}
}

func TestPasswordsAreHidden(t *testing.T) {
	s := Server{Password: "sesame"}
	assert.Equal(t, "*** opens", s.Hide("sesame opens"))
	assert.Equal(t, "cab", Server{Password: "a"}.Hide("cab"))
	err := s.HideIn(&QueryError{errors.New("near sesame")})
	var query *QueryError
	require.ErrorAs(t, err, &query)
	assert.EqualError(t, err, "near ***")
	var doubt *DoubtError
	require.ErrorAs(t, s.HideIn(errors.Join(&DoubtError{"sesame is a view"})), &doubt)
	assert.EqualError(t, doubt, "*** is a view")
}
