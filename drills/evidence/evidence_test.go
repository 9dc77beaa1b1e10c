package evidence_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

// A quarter that nobody touched verifies, whole, of one series, or of one drill; as a folder and as an archive.
func TestUntouched(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	_, err := evidence.Sign(context.Background(), q.home, q.ids[0], build, q.key, nil)
	require.NoError(t, err)
	bundle := q.exported()
	got := q.verified(bundle)
	assert.Empty(t, got.Wrong)
	assert.True(t, got.Verified())
	assert.Equal(t, []string{"no_checkpoint", "no_programme"}, idsOf(got.Notices))
	assert.Len(t, got.Drills, 17)
	assert.Len(t, got.Nights, 3)
	assert.Equal(t, []evidence.SeriesResult{{Series: "nightly", First: 1, Last: 9, Drills: 9, Passed: 6, Failed: 3},
		{Series: "shop", First: 1, Last: 8, Drills: 8, Passed: 3, Failed: 2, Other: 3}}, got.Series)
	assert.Equal(t, []string{"ops"}, got.Drills[0].By)
	assert.Equal(t, 1, got.Nights[0].LeftOut)
	assert.Len(t, got.Drills[0].Subjects, 2)
	statuses := map[record.RunStatus]int{}
	for _, d := range got.Drills {
		statuses[d.Status]++
	}
	assert.Equal(t, map[record.RunStatus]int{record.RunCompleted: 15, record.RunAborted: 1, record.RunCrashed: 1}, statuses)

	for name, change := range map[string]func(*evidence.ExportRequest){
		"a series":       func(r *evidence.ExportRequest) { r.Series = []string{"shop"} },
		"a drill":        func(r *evidence.ExportRequest) { r.Bundle = evidence.Bundle{Chosen: q.ids[3:4]} },
		"another period": func(r *evidence.ExportRequest) { r.From = begin.AddDate(0, 1, 0) },
	} {
		got := q.verified(q.exported(change))
		assert.Empty(t, got.Wrong, name)
		assert.NotEmpty(t, got.Drills, name)
	}

	var packed bytes.Buffer
	_, err = evidence.ExportArchive(evidence.ExportRequest{Home: q.home, Bundle: evidence.Bundle{From: begin, To: end}, Signer: q.key}, &packed)
	require.NoError(t, err)
	archive, err := evidence.OpenArchive(&packed)
	require.NoError(t, err)
	got, err = evidence.Verify(t.Context(), evidence.VerifyRequest{Archive: archive, Trust: q.trust, Build: build})
	require.NoError(t, err)
	assert.Empty(t, got.Wrong)
	require.NoError(t, archive.Close())

	// Whoever gives no trusted key gets no word that it is verified.
	q.trust = nil
	got = q.verified(bundle)
	assert.Empty(t, got.Wrong)
	assert.False(t, got.Verified())
	assert.Contains(t, idsOf(got.Notices), "no_trust")
}

// Who dies between seal and log, at whatever step, leaves a drill that is entered later, once.
func TestLoggedOnce(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	dir := filepath.Join(q.home, "drills", q.ids[len(q.ids)-1], "evidence")
	entries := filepath.Join(q.home, "log", "entries.ndjson")
	before := q.read(entries)
	q.log(q.ids...) // again: nothing is added
	assert.Equal(t, before, q.read(entries))

	lines := bytes.SplitAfter(before, []byte("\n"))
	require.NoError(t, os.WriteFile(entries, bytes.Join(lines[:len(lines)-2], nil), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "leaf.json")))
	q.log(q.ids[len(q.ids)-1])
	assert.Equal(t, before, q.read(entries), "died before it was logged")
	require.NoError(t, os.Remove(filepath.Join(dir, "leaf.json")))
	q.log(q.ids[len(q.ids)-1])
	assert.Equal(t, before, q.read(entries), "died after it was logged, before that was written down")
	manifest := q.read(dir, "manifest.json")
	require.NoError(t, os.Remove(filepath.Join(dir, "leaf.json")))
	require.NoError(t, os.WriteFile(entries, append(before, "{\"drill\""...), 0o600)) // and the next one died while it wrote
	q.log(q.ids[len(q.ids)-1])
	assert.Equal(t, manifest, q.read(dir, "manifest.json"))
	assert.Empty(t, q.verified(q.exported()).Wrong)
}

// A journal that nobody can read is in the log all the same, and says why.
func TestUnreadableJournal(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	dir := filepath.Join(q.home, "drills", "20260901-000000000-broken")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	whole := q.read(q.home, "drills", q.ids[0], "journal.ndjson")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journal.ndjson"), bytes.Replace(whole, []byte("phase"), []byte("phasf"), 1), 0o600))
	q.log("20260901-000000000-broken")
	got := q.verified(q.exported())
	assert.Equal(t, []string{"number_twice"}, idsOf(got.Wrong), "the number of the drill from which it was made")
	assert.Equal(t, record.StatusInconclusive, got.Drills[len(got.Drills)-1].Verdict)
}

// What the reaper writes after the seal is told apart, and changes nothing of what was sealed.
func TestLater(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	j, err := record.Reopen(filepath.Join(q.home, "drills", q.ids[0], "journal.ndjson"), record.ActorReaper)
	require.NoError(t, err)
	require.NoError(t, j.Append(record.KindCleanup, record.Subject{}, record.CleanupEvent{State: record.CleanupProved}))
	require.NoError(t, j.Close())
	got := q.verified(q.exported())
	assert.Empty(t, got.Wrong)
	assert.Contains(t, idsOf(got.Notices), "later")
}
