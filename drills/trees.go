package drills

import (
	"context"
	"maps"
	"slices"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/internal/tree"
	"lifeboat/verifier"
)

// trees are those that were restored into instances, by instance and folder.
type trees struct {
	mu  sync.Mutex
	all map[string]map[string]forest
}

type forest struct {
	generation int
	tree.Restored
}

func (t *trees) put(name string, generation int, r tree.Restored) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]map[string]forest{}
	}
	if t.all[name] == nil {
		t.all[name] = map[string]forest{}
	}
	t.all[name][r.Folder] = forest{generation, r}
}

// of an instance, in the order of their folders.
func (t *trees) of(name string) (all []forest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, folder := range slices.Sorted(maps.Keys(t.all[name])) {
		all = append(all, t.all[name][folder])
	}
	return all
}

var _ verifier.Trees = (*target)(nil)

// Trees implements verifier.Trees. What was restored into this very machine was read before it was started; what a machine before it left is
// read now.
func (t *target) Trees(ctx context.Context, on string) (all []verifier.Tree, err error) {
	m, err := t.asked(on)
	if err != nil {
		return nil, err
	}
	defer func() { t.reached.byCheck(m.Name(), t.elapsed(), err) }()
	for _, f := range t.trees.of(m.Name()) {
		r := verifier.Tree{Restored: f.Restored}
		if f.generation != t.room.Generation(m.Name()) {
			holder, err := instance.Trees(m)
			if err != nil {
				return nil, err
			}
			if r.Entries, err = holder.Tree(ctx, f.Folder); err != nil {
				return nil, err
			}
			r.Later = true
		}
		all = append(all, r)
	}
	return all, nil
}
