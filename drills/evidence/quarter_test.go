package evidence_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
	"lifeboat/internal/signing"
)

const (
	vectors = "../../ci/vectors"
	build   = "this build"
)

var (
	begin = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
)

// quarter is a home with a finished quarter in it, a key, and a key that nobody knows.
type quarter struct {
	t        testing.TB
	home     string
	key      signing.Signer
	stranger signing.Signer
	trust    *signing.Trust
	ids      []string
}

func newKey(t testing.TB) signing.Signer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	_, err := signing.Write(path, filepath.Base(t.Name()), nil)
	require.NoError(t, err)
	s, err := signing.ReadPrivate(path, nil)
	require.NoError(t, err)
	return s
}

func newQuarter(t testing.TB) *quarter {
	t.Helper()
	q := &quarter{t: t, home: t.TempDir(), key: newKey(t), stranger: newKey(t)}
	q.trust = &signing.Trust{Keys: []signing.Trusted{{Name: "ops", Verifier: q.key.Verifier()}}}
	ids, err := replay.Quarter(vectors, q.home, begin)
	require.NoError(t, err)
	q.ids = ids
	q.log(ids...)
	return q
}

// log enters what has ended.
func (q *quarter) log(ids ...string) {
	q.t.Helper()
	require.NoError(q.t, replay.Log(q.home, ids, evidence.Sealing{Tool: "0.1.0", Build: build}))
}

// exported is a bundle of the quarter in a new folder.
func (q *quarter) exported(change ...func(*evidence.ExportRequest)) string {
	q.t.Helper()
	r := evidence.ExportRequest{Home: q.home, Bundle: evidence.Bundle{From: begin, To: end}, Signer: q.key}
	for _, c := range change {
		c(&r)
	}
	to := filepath.Join(q.t.TempDir(), "bundle")
	_, err := evidence.Export(r, to)
	require.NoError(q.t, err)
	return to
}

// verified gives what an auditor is told who has the public key, and perhaps an older checkpoint.
func (q *quarter) verified(folder string, older ...[]byte) *evidence.Result {
	q.t.Helper()
	r := evidence.VerifyRequest{Folder: folder, Trust: q.trust, Build: build}
	if len(older) > 0 {
		r.Checkpoint = older[0]
	}
	got, err := evidence.Verify(context.Background(), r)
	require.NoError(q.t, err)
	return got
}

func (q *quarter) read(path ...string) []byte {
	q.t.Helper()
	raw, err := os.ReadFile(filepath.Join(path...))
	require.NoError(q.t, err)
	return raw
}

func idsOf(reasons []record.Reason) (all []string) {
	for _, r := range reasons {
		all = append(all, strings.TrimPrefix(r.ID, "audit."))
	}
	return all
}

// startedOf is when a drill began, by its name.
func startedOf(t testing.TB, drill string) time.Time {
	t.Helper()
	at, err := time.Parse("20060102-150405", drill[:15])
	require.NoError(t, err)
	return at
}
