package reports

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

// The words of an error and those of a report are the same.
func TestEveryKindOfFileHasWords(t *testing.T) {
	for _, k := range filekind.Kinds {
		assert.Equal(t, k.Words, Messages().Label(English, "filekind."+k.Name, nil), k.Name)
		assert.NotEqual(t, k.Words, Messages().Label(Chinese, "filekind."+k.Name, nil), k.Name)
	}
	for _, u := range []store.Unusable{store.Partial, store.Special, store.Dangling, store.Mixed, store.Hollow, store.Absent,
		store.Unreadable} {
		assert.Equal(t, u.Words(), Messages().Label(English, "unusable."+string(u), nil), string(u))
	}
	for why, words := range unpack.Whys {
		assert.Equal(t, words, Messages().Label(English, "unpack_why."+why, nil), why)
	}
}
