package detect

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/verifier"
)

func TestAsks(t *testing.T) {
	t.Parallel()
	all, less := []string{"home", "buy"}, []string{"home"}
	for name, c := range map[string]struct {
		before, after [][]string // what passes, round and round
		few           bool
		want          []string
	}{
		"as before":                        {before: [][]string{all}, after: [][]string{all}},
		"one is asked no more":             {before: [][]string{all}, after: [][]string{less}, want: []string{"buy"}},
		"it is asked now and then":         {before: [][]string{all}, after: [][]string{less, all}},
		"it was asked now and then only":   {before: [][]string{all, less}, after: [][]string{less}},
		"names that are made at run time":  {before: [][]string{{"home", "order 1"}, {"home", "order 2"}}, after: [][]string{{"home", "order 3"}}},
		"nothing was asked":                {before: [][]string{nil}, after: [][]string{all}},
		"too few iterations to say so":     {before: [][]string{all}, after: [][]string{less}, few: true},
		"what is asked besides is no lack": {before: [][]string{less}, after: [][]string{all}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &Asks{}
			many := 2 * enoughAsks
			for i := range many {
				a.Add(verifier.Sample{Passed: c.before[i%len(c.before)]})
			}
			a.Learnt()
			a.Add(verifier.Sample{Passed: []string{"the new version's"}})
			a.Again()
			if c.few {
				many = enoughAsks - 1
			}
			for i := range many {
				a.Add(verifier.Sample{Passed: c.after[i%len(c.after)]})
			}
			assert.Equal(t, c.want, a.Unasked())
		})
	}
}
