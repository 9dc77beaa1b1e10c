package evidence_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/in-toto/attestation/go/predicates/test_result/v0"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"lifeboat/drills/evidence"
)

// What is signed of every drill is a statement to in-toto's own module, with a predicate that it knows; its subjects are the restore points.
func TestStatement(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	for _, leaf := range q.verified(q.exported()).Drills {
		payload, err := evidence.Sign(context.Background(), q.home, leaf.ID, build, q.key, nil)
		require.NoError(t, err)
		var s intoto.Statement
		require.NoError(t, protojson.Unmarshal(payload, &s))
		require.NoError(t, s.Validate(), leaf.ID)
		var names []string
		for _, x := range s.GetSubject() {
			names = append(names, "sha256:"+x.GetDigest()["sha256"])
		}
		for i, x := range leaf.Subjects {
			assert.Equal(t, x.Digest, names[i])
		}
		raw, err := s.GetPredicate().MarshalJSON()
		require.NoError(t, err)
		var p v0.TestResult
		require.NoError(t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, &p))
		assert.NotEmpty(t, p.GetConfiguration(), leaf.ID)
		assert.Equal(t, leaf.Verdict == "passed", p.GetResult() == "PASSED", leaf.ID)
		said := s.GetPredicate().AsMap()["lifeboat"].(map[string]any)
		for _, field := range []string{"planned", "program", "k6"} { // what nobody knows is not there: no empty text stands for it
			there := leaf.Number%2 == 0 && (field != "planned" || leaf.Series != "nightly") // a check run of a night has no slot of its own
			assert.Equal(t, there, said[field] != nil, "%s %s", leaf.ID, field)
		}
	}
}

// Nothing is signed that is not what was sealed, nor twice by one key.
func TestSignRefuses(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	ids := q.drills()
	sign := func(id string) error {
		_, err := evidence.Sign(context.Background(), q.home, id, build, q.key, nil)
		return err
	}
	require.NoError(t, os.WriteFile(filepath.Join(q.home, "drills", ids[0], "reports", "report.html"), []byte("all was well"), 0o600))
	assert.ErrorContains(t, sign(ids[0]), "is not what was sealed")
	require.NoError(t, sign(ids[1]))
	assert.ErrorContains(t, sign(ids[1]), "has signed already")
	assert.Empty(t, q.verified(q.exported(func(r *evidence.ExportRequest) { r.Bundle = evidence.Bundle{Chosen: ids[1:2]} })).Wrong)
	require.NoError(t, os.Remove(filepath.Join(q.home, "drills", ids[2], "evidence", "leaf.json")))
	assert.ErrorIs(t, sign(ids[2]), evidence.ErrNotLogged)
}
