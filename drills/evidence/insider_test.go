package evidence_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
	"lifeboat/internal/translog"
)

func sum(line string) string {
	s := sha256.Sum256([]byte(line))
	return hex.EncodeToString(s[:])
}

// drills of the quarter, in the order of the log.
func (q *quarter) drills() (ids []string) {
	for _, id := range q.ids {
		if !strings.HasPrefix(id, "night ") {
			ids = append(ids, id)
		}
	}
	return ids
}

// of gives the drill of a number.
func (q *quarter) of(series string, number int) string {
	q.t.Helper()
	l, err := evidence.OpenLog(q.home)
	require.NoError(q.t, err)
	for _, leaf := range l.Leaves {
		if leaf.Series == series && leaf.Number == number {
			return leaf.ID
		}
	}
	q.t.Fatal("no such drill")
	return ""
}

// halfway is a checkpoint of the first half of the log, as an auditor kept it.
func halfway(q *quarter) []byte {
	q.t.Helper()
	l, err := evidence.OpenLog(q.home)
	require.NoError(q.t, err)
	head, err := l.Head(10)
	require.NoError(q.t, err)
	n, err := q.key.Note(l.Origin)
	require.NoError(q.t, err)
	signed, err := translog.Checkpoint{Origin: l.Origin, Tree: head}.Sign(n)
	require.NoError(q.t, err)
	return signed
}

// early is a checkpoint that was really signed, of three records.
func (q *quarter) early() []byte {
	q.t.Helper()
	l, err := evidence.OpenLog(q.home)
	require.NoError(q.t, err)
	head, err := l.Head(3)
	require.NoError(q.t, err)
	n, err := q.key.Note(l.Origin)
	require.NoError(q.t, err)
	signed, err := translog.Checkpoint{Origin: l.Origin, Tree: head}.Sign(n)
	require.NoError(q.t, err)
	return signed
}

// otherHistory is a checkpoint of ten other records under the same name.
func (q *quarter) otherHistory() []byte {
	c, err := translog.PeekCheckpoint(halfway(q))
	require.NoError(q.t, err)
	c.Hash[0] ^= 1
	return []byte(c.Text())
}

// insider is a copy of the home in the hands of somebody who has the key as well, and makes the log anew.
type insider struct {
	*quarter
	order []string // in which it is logged again
}

// forget takes away what says that things are sealed and logged, so that they can be anew; manifests stay unless they are named.
func (i *insider) forget(manifests ...string) {
	i.t.Helper()
	require.NoError(i.t, os.Remove(filepath.Join(i.home, "log", "entries.ndjson")))
	require.NoError(i.t, os.RemoveAll(filepath.Join(i.home, "log", "checkpoints")))
	for _, pattern := range []string{"drills/*/evidence/leaf.json", "nights/*/evidence/leaf.json"} {
		found, err := filepath.Glob(filepath.Join(i.home, pattern))
		require.NoError(i.t, err)
		for _, f := range found {
			require.NoError(i.t, os.Remove(f))
		}
	}
	for _, id := range manifests {
		require.NoError(i.t, os.RemoveAll(filepath.Join(i.home, "drills", id, "evidence")))
	}
}

// drop takes a drill out of the home.
func (i *insider) drop(id string) {
	i.t.Helper()
	require.NoError(i.t, os.RemoveAll(filepath.Join(i.home, "drills", id)))
	var left []string
	for _, x := range i.order {
		if x != id {
			left = append(left, x)
		}
	}
	i.order = left
}

// replaced writes another drill in the place of one.
func (i *insider) replaced(id, vector, series string, number int) {
	i.t.Helper()
	d := replay.Drill{ID: id, Vector: vector, Series: series, Number: number, Started: startedOf(i.t, id)}
	require.NoError(i.t, os.RemoveAll(filepath.Join(i.home, "drills", id)))
	require.NoError(i.t, d.Write(vectors, i.home))
}

// ofTheHome are manipulations by somebody who has everything but the checkpoint that the auditor kept.
var ofTheHome = map[string]struct {
	do   func(i *insider)
	want string
}{
	"a failed drill taken out": {func(i *insider) { id := i.of5(); i.forget(); i.drop(id) }, "number_missing"},
	"a failed drill taken out, and the later ones renumbered": {func(i *insider) {
		i.drop(i.of5())
		for n, vector := range map[int]string{6: "a-check-crashed", 7: "rollback-slow", 8: "all-objectives"} {
			i.replaced(i.of("shop", n), vector, "shop", n-1)
		}
		i.forget()
	}, "log_shorter"},
	"a failed drill that passed": {func(i *insider) {
		i.replaced(i.of5(), "everything-held", "shop", 5)
		i.forget()
	}, "log_rewritten"},
	"two drills in another order": {func(i *insider) {
		i.forget()
		i.order[0], i.order[1] = i.order[1], i.order[0]
	}, "log_rewritten"},
	"the log begun anew under another name": {func(i *insider) {
		i.forget()
		require.NoError(i.t, os.Remove(filepath.Join(i.home, "log", "origin")))
	}, "origin"},
	"the log cut back to what was good": {func(i *insider) {
		i.forget()
		for _, id := range i.order[5:] {
			i.drop(id)
		}
		i.order = i.order[:5]
	}, "log_shorter"},
	"a record beside a journal that says something else": {func(i *insider) {
		f := &forged{quarter: i.quarter, dir: i.home}
		id := i.drills()[0]
		f.edit(f.in(id, "record.json"), swap("everything-held", "everything-hold"))
		i.forget(id)
	}, "kept_differs"},
	"a verdict that was written by hand": {func(i *insider) {
		id := i.of5()
		f := &forged{quarter: i.quarter, dir: i.home}
		f.object(f.in(id, "evidence/verdict.json"), func(v map[string]any) { v["status"] = "passed" })
		f.object(f.manifest(id), func(m map[string]any) {
			for _, x := range m["files"].([]any) {
				if file := x.(map[string]any); file["role"] == "verdict" {
					file["sha256"] = sum(string(f.read(f.path(f.in(id, "evidence/verdict.json")))))
				}
			}
		})
		i.forget()
	}, "verdict_differs"},
	"a manifest that says passed": {func(i *insider) {
		f := &forged{quarter: i.quarter, dir: i.home}
		f.object(f.manifest(i.of5()), func(m map[string]any) { m["verdict"] = "passed" })
		i.forget()
	}, "verdict_differs"},
	"a manifest of another backup": {func(i *insider) {
		f := &forged{quarter: i.quarter, dir: i.home}
		f.object(f.manifest(i.drills()[0]), func(m map[string]any) {
			m["subjects"].([]any)[0].(map[string]any)["digest"] = "sha256:" + sum("a backup that nobody restored")
		})
		i.forget()
	}, "subjects_differ"},
	"a manifest without the raw stream": {func(i *insider) {
		f := &forged{quarter: i.quarter, dir: i.home}
		f.object(f.manifest(i.drills()[0]), func(m map[string]any) {
			var kept []any
			for _, x := range m["files"].([]any) {
				if x.(map[string]any)["role"] != "pulse" {
					kept = append(kept, x)
				}
			}
			m["files"] = kept
		})
		i.forget()
	}, "raw_unlisted"},
	"another raw stream, sealed": {func(i *insider) {
		f := &forged{quarter: i.quarter, dir: i.home}
		id := i.drills()[0]
		f.edit(f.in(id, "raw/pulse.ndjson"), swap("true", "trua"))
		i.forget(id)
	}, "raw_differs"},
	"a drill's number in another's manifest": {func(i *insider) {
		f := &forged{quarter: i.quarter, dir: i.home}
		f.object(f.manifest(i.drills()[0]), func(m map[string]any) { m["number"] = 77 })
		i.forget()
	}, "manifest_says"},
	"a night's drill that was run again until it passed": {func(i *insider) {
		i.replaced(i.of("nightly", 3), "check-run", "nightly", 3)
		i.forget()
	}, "night_differs"},
	"a night's drill taken out": {func(i *insider) { id := i.of("nightly", 9); i.forget(); i.drop(id) }, "night_drill_missing"},
}

func (i *insider) of5() string { return i.of("shop", 5) }

// TestManipulatedHomes: who has the home and every key can make all of it anew, and is found by who kept a checkpoint; what contradicts
// itself is found by anybody.
func TestManipulatedHomes(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	head := q.exported()
	older := q.read(head, "log", "checkpoint")
	for name, c := range ofTheHome {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *q
			own.t, own.home = t, t.TempDir()
			require.NoError(t, os.CopyFS(own.home, os.DirFS(q.home)))
			i := &insider{&own, append([]string(nil), q.ids...)}
			c.do(i)
			i.log(i.order...)
			found(t, q.trust, &forged{quarter: &own, dir: own.exported(), older: older}, c.want)
		})
	}
}

// What this home gave out it remembers: a log that was changed since is not signed again.
func TestChangedLogIsNotSigned(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	q.exported()
	entries := filepath.Join(q.home, "log", "entries.ndjson")
	require.NoError(t, os.WriteFile(entries, []byte(swap(`"verdict":"failed"`, `"verdict":"passed"`)(string(q.read(entries)))), 0o600))
	_, err := evidence.Export(evidence.ExportRequest{Home: q.home, Bundle: evidence.Bundle{From: begin, To: end}, Signer: q.key},
		filepath.Join(t.TempDir(), "b"))
	assert.ErrorContains(t, err, "was changed, and nothing is signed")
}

// A drill that is made up later with a date of before is told by when it was logged.
func TestBackdated(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	older := q.read(q.exported(), "log", "checkpoint")
	d := replay.NewDrill("everything-held", "shop", 9, begin.AddDate(0, 0, 3))
	require.NoError(t, d.Write(vectors, q.home))
	require.NoError(t, evidence.LogDrill(q.home, d.ID, evidence.Sealing{Tool: "0.1.0", Build: build, Now: d.Started}))
	got := q.verified(q.exported(), older)
	assert.Empty(t, got.Wrong)
	assert.Contains(t, idsOf(got.Notices), "logged_late")
	assert.EqualValues(t, 20, got.Since)
	statuses := map[record.Status]bool{}
	for _, x := range got.Drills {
		statuses[x.Verdict] = true
	}
	assert.True(t, statuses[record.StatusAborted])
}

// withoutLine drops the lines that name something.
func withoutLine(with string) func(string) string {
	return func(s string) string {
		var kept []string
		for l := range strings.Lines(s) {
			if !strings.Contains(l, with) {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
}
