package objective

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

var update = flag.Bool("update", false, "rewrite ci/vectors: journals of stories, and the verdict of every journal there")

const vectors = "../../ci/vectors"

// vector is what ci/vectors says of a journal, as docs/verdict.md defines it.
type vector struct {
	Refused *refusal `json:"refused,omitempty"` // and nothing else
	*record.Verdict
	Exit    *int   `json:"exit,omitempty"`
	Ladder  []Rung `json:"ladder,omitempty"`
	Highest *int   `json:"highest,omitempty"`
}

// refusal of a journal that is none, or not the one that was written.
type refusal struct {
	Line  int   `json:"line,omitempty"`  // at which the chain breaks
	Event int64 `json:"event,omitempty"` // that cannot stand there
}

// chained writes the events of a story as the journal of a drill is written.
func chained(t testing.TB, events []record.Event) []byte {
	var all []byte
	prev := ""
	for _, e := range events {
		e.Prev = prev
		line, err := json.Marshal(e)
		require.NoError(t, err)
		line = append(line, '\n')
		sum := sha256.Sum256(line)
		prev, all = hex.EncodeToString(sum[:]), append(all, line...)
	}
	return all
}

func judgedVector(t testing.TB, journal []byte) vector {
	events, err := record.Read(bytes.NewReader(journal))
	if d, damaged := err.(*record.Damage); damaged && !d.Torn {
		return vector{Refused: &refusal{Line: d.Line}}
	} else if !damaged {
		require.NoError(t, err)
	}
	b := record.NewBuilder()
	for _, e := range events {
		if err := b.Add(e); err != nil {
			return vector{Refused: &refusal{Event: e.Seq}}
		}
	}
	if len(events) == 0 {
		return vector{Refused: &refusal{}}
	}
	r := b.Record()
	v, l := Judge(r), Ladder(r)
	spoken(t, v)
	return vector{Verdict: &v, Exit: new(exitOf(r, v)), Ladder: l, Highest: new(Highest(l))}
}

// exitOf is the exit code of lifeboat drill, as far as the journal tells.
func exitOf(r *record.Record, v record.Verdict) int {
	switch {
	case len(r.Cleanup.Failed) > 0:
		return 4
	case r.Abort != nil:
		return 130
	}
	return map[record.Status]int{record.StatusPassed: 0, record.StatusFailed: 1, record.StatusInconclusive: 3, record.StatusAborted: 3}[v.Status]
}

// Today's judge says of every vector what the vector says: another program that follows docs/verdict.md does, too.
func TestVectors(t *testing.T) {
	for name, journal := range toldJournals(t) {
		path := filepath.Join(vectors, name+".ndjson")
		is, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no vector of its own: others tell the same; an empty file makes it one
		}
		require.NoError(t, err)
		if *update {
			require.NoError(t, os.WriteFile(path, journal, 0o644))
			continue
		}
		assert.True(t, bytes.Equal(journal, is), "%s is not the journal of its story any more", name)
	}
	paths, err := filepath.Glob(filepath.Join(vectors, "*.ndjson"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(paths), 150)
	said := map[string]bool{}
	for _, path := range paths {
		journal, err := os.ReadFile(path)
		require.NoError(t, err)
		v := judgedVector(t, journal)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		golden := strings.TrimSuffix(path, ".ndjson") + ".verdict.json"
		if *update {
			require.NoError(t, os.WriteFile(golden, append(text, '\n'), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(text), "%s: a rule has changed; change docs/verdict.md and its version with it", path)
		if v.Verdict != nil {
			maps.Copy(said, idsIn(v.Verdict))
			for _, r := range v.Reasons {
				assert.True(t, !strings.HasPrefix(r.ID, "passed.") || v.Status == passed, "%s: %s of a drill that is %s", path, r.ID, v.Status)
			}
		}
	}
	for _, m := range Messages {
		for _, u := range m.Uses {
			assert.True(t, said[m.ID+" "+string(u)] != unspoken[m.ID+" "+string(u)], "%s as a %s: in a vector, or else unspoken", m.ID, u)
		}
	}
}

// unspoken are uses that no vector can show: an observation of the engine's stands in its journal.
var unspoken = map[string]bool{
	"fault.red_before observation": true, "flow.blind observation": true, "flow.blind_errors observation": true,
	"flow.crowded observation": true, "detect.in_green observation": true, "flow.hollow observation": true,
	"flow.uncontrolled observation": true, "flow.uncontrolled_errors observation": true, "boot.hidden observation": true,
	"store.check_failed observation": true, "store.unchecked observation": true,
	"pulse.broken note": true, // no objective says it today
}

// idsIn are the messages of a verdict, each with its use.
func idsIn(v *record.Verdict) map[string]bool {
	all := map[string]bool{}
	note := func(n *record.Reason) {
		if n != nil {
			all[n.ID+" "+string(UseNote)] = true
		}
	}
	for _, r := range v.Reasons {
		all[r.ID+" "+string(UseReason)] = true
	}
	for _, f := range v.Findings {
		all[f.ID+" "+string(UseFinding)] = true
	}
	for i := range v.Unmeasured {
		note(&v.Unmeasured[i])
	}
	for _, o := range v.Objectives {
		note(o.Note)
	}
	for _, w := range v.Weak {
		all[w.ID+" "+string(UseWeak)] = true
	}
	for _, o := range v.Observations {
		all[o.ID+" "+string(UseObservation)] = true
	}
	return all
}

// toldJournals are those of stories, by their names.
func toldJournals(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	enter := func(name string, s *story) {
		name = strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(name)
		require.NotContains(t, all, name)
		all[name] = chained(t, s.events(t))
	}
	for _, c := range append(casesOfEvidence(), casesOfTheRun()...) {
		s := good(c.trigger)
		if c.bend != nil {
			c.bend(s)
		}
		enter(c.name, s)
	}
	for _, more := range []map[string]*story{moreStories(), busyStories(), smallStories()} {
		for name, s := range more {
			enter(name, s)
		}
	}
	for name, journal := range damagedJournals(t) {
		all[name] = journal
	}
	return all
}
