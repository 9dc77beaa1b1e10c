package record

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSaid(t *testing.T) {
	t.Parallel()
	s := SaidOf("%s answered %d, which %q does not match at 100%%: %v", "db", 12, "a b", errors.New("no\n way"))
	assert.Equal(t, []string{"db", "12", `"a b"`, "no\n way"}, s.Args)
	assert.Equal(t, "db answered 12, which \"a b\" does not match at 100%: no\n way", s.English())
	assert.True(t, s.Is(`db answered 12, which "a b" does not match at 100%: no way`))
	assert.True(t, s.Is("db answered 12, wh…"))
	assert.False(t, s.Is("db answered 13"))
	assert.Equal(t, "%s has none", SaidOf("%s has none").English(), "never a panic, whatever a journal holds")
	assert.Equal(t, "100 % sure", SaidOf("%d %% sure", 100).English())
}
