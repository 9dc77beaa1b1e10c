package drills

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

func (w *world) drillID() string {
	entries, err := os.ReadDir(filepath.Join(w.home, "drills"))
	require.NoError(w.t, err)
	require.Len(w.t, entries, 1)
	return entries[0].Name()
}

// A note that comes while the clean-up is being proved is in the record; one that comes after that is an error, and
// never "noted".
func TestTheLastNoteIsNotLost(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Remains = func(context.Context, ledger.Scope) ([]string, error) {
			return nil, leaveMessage(w.home, w.drillID(), notePrefix+"1.json", Message{Text: "vendor called", By: "ann"})
		}
	}
	noted := make(chan error, 1)
	res := w.run(simple, func(context.Context, context.CancelCauseFunc) {
		time.Sleep(5 * time.Second)
		noted <- AddNote(w.home, w.drillID(), Message{Text: "management told", By: "ann"})
	})
	require.NoError(t, <-noted)
	var texts []string
	for _, n := range res.Record.Notes {
		texts = append(texts, n.Actor+": "+n.Text)
	}
	assert.Equal(t, []string{"ann: management told", "ann: vendor called"}, texts)
	assert.ErrorContains(t, AddNote(w.home, w.drillID(), Message{Text: "late", By: "ann"}), "nobody took it, the drill has ended")
}

// A message that nobody can read is said once, in the record, and does not stop those behind it.
func TestUnreadableMessagesAreSaidOnce(t *testing.T) {
	w := newWorld(t)
	res := w.run(simple, func(context.Context, context.CancelCauseFunc) {
		time.Sleep(3 * time.Second)
		inbox := filepath.Join(w.home, "drills", w.drillID(), "inbox")
		for _, name := range []string{abortFile, notePrefix + "1.json"} {
			assert.NoError(t, os.WriteFile(filepath.Join(inbox, name), []byte("{"), 0o600))
		}
		assert.NoError(t, os.Mkdir(filepath.Join(inbox, notePrefix+"2.json"), 0o700))
		assert.NoError(t, AddNote(w.home, w.drillID(), Message{Text: "management told", By: "ann"}))
	})
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	var files []string
	for _, o := range res.Record.Observations {
		if o.ID == "inbox.unreadable" {
			files = append(files, o.Args["file"])
		}
	}
	// In whatever order they came: a reading of the inbox may fall between two of them.
	assert.ElementsMatch(t, []string{abortFile, notePrefix + "1.json", notePrefix + "2.json"}, files)
	assert.Len(t, res.Record.Notes, 1)
}
