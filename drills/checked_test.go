package drills

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// checkable is a store with a tool of its own that checks it.
type checkable struct {
	store.Store
	says *store.Checked
	err  error
}

func (c checkable) Check(context.Context) (*store.Checked, error) { return c.says, c.err }

// What a tool says of a whole repository is written down as its word, and decides nothing.
func TestStoresAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		of   checkable
		id   string // of what is said; "": nothing
		weak int
	}{
		"not asked for":     {checkable{}, "", 0},
		"nothing found":     {checkable{says: &store.Checked{Tool: "restic 0.14.0", How: "data"}}, "store.checked", 0},
		"something found":   {checkable{says: &store.Checked{Tool: "restic 0.14.0", How: "data", Wrong: "pack 1: does not exist"}}, "store.check_failed", 1},
		"not to be checked": {checkable{err: errors.New("nobody answers")}, "store.unchecked", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.change = func(k *Kit) {
				inner := k.Stores["fake"]
				k.Stores["fake"] = func(at store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
					of, problems := inner(at, s)
					c.of.Store = of
					return c.of, problems
				}
			}
			res := w.run(simple)
			require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			said := []string{}
			for _, o := range res.Record.Observations {
				if o.Args["backup"] != "" && o.ID[:5] == "store" {
					said = append(said, o.ID)
				}
			}
			if c.id == "" {
				assert.Empty(t, said)
			} else {
				assert.Equal(t, []string{c.id}, said)
			}
			weak := 0
			for _, r := range res.Verdict.Weak {
				if r.ID == c.id {
					weak++
				}
			}
			assert.Equal(t, c.weak, weak)
		})
	}
}
