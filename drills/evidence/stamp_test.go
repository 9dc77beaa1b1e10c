package evidence_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/internal/timestamp"
	"lifeboat/internal/timestamp/timestamptest"
)

// A time stamp of the log counts by the word of an authority that the auditor trusts, and by nobody else's; what was done to it is found.
func TestStampedBundles(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	authority, stranger := timestamptest.New(t), timestamptest.New(t)
	by := func(a *timestamptest.Authority) func(r *evidence.ExportRequest) {
		return func(r *evidence.ExportRequest) {
			r.Stamp = func(checkpoint []byte) (request, response []byte, err error) {
				request, err = timestamp.Ask(checkpoint, nil)
				return request, a.Reply(request), err
			}
		}
	}
	roots, err := timestamp.ParseTrust(authority.Root())
	require.NoError(t, err)
	trust := &timestamp.Trust{Roots: roots}
	verify := func(folder string, trust *timestamp.Trust) *evidence.Result {
		got, err := evidence.Verify(context.Background(), evidence.VerifyRequest{Folder: folder, Trust: q.trust, Authority: trust, Build: build})
		require.NoError(t, err)
		return got
	}
	bare := q.exported()
	pristine := q.exported(by(authority))
	got := verify(pristine, trust)
	require.Empty(t, got.Wrong)
	require.NotNil(t, got.Stamp)
	assert.True(t, got.Stamp.Time.After(end), "the times of the log are before it")
	out, err := authority.Verifies(q.read(pristine, "log", "checkpoint.tsq"), q.read(pristine, "log", "checkpoint.tsr"))
	assert.NoError(t, err, out)
	again := q.exported()
	assert.Equal(t, q.read(pristine, "log", "checkpoint.tsr"), q.read(again, "log", "checkpoint.tsr"), "the same checkpoint has the same stamp")

	nobody := verify(pristine, nil)
	assert.Nil(t, nobody.Stamp)
	assert.Contains(t, idsOf(nobody.Notices), "stamp_unconfirmed")
	assert.Equal(t, []string{"stamp_missing"}, idsOf(verify(bare, trust).Wrong))

	require.NoError(t, os.RemoveAll(q.home+"/log/stamps"))
	byStranger := q.exported(by(stranger))
	require.NoError(t, os.RemoveAll(q.home+"/log/stamps"))
	second := q.exported(by(authority))
	for name, c := range map[string]struct {
		do   func(f *forged)
		want string
	}{
		"taken out":                 {func(f *forged) { f.gone("log/checkpoint.tsq", "log/checkpoint.tsr") }, "stamp_missing"},
		"without its request":       {func(f *forged) { f.gone("log/checkpoint.tsq") }, "part_missing"},
		"by an authority of theirs": {func(f *forged) { f.take(byStranger, "tsq", "tsr") }, "stamp_wrong"},
		"of an older checkpoint":    {func(f *forged) { f.write("log/checkpoint", f.early()) }, "stamp_wrong"},
		"that answers another":      {func(f *forged) { f.take(second, "tsr") }, "stamp_wrong"},
		"with a request that fits":  {func(f *forged) { f.take(byStranger, "tsq") }, "stamp_wrong"},
		"a response that is changed": {func(f *forged) {
			f.edit("log/checkpoint.tsr", func(s string) string { return s[:200] + "x" + s[201:] })
		}, "stamp_wrong"},
		"an empty response": {func(f *forged) { f.write("log/checkpoint.tsr", nil) }, "stamp_wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			own := *q
			own.t = t
			f := &forged{quarter: &own, dir: t.TempDir()}
			require.NoError(t, os.CopyFS(f.dir, os.DirFS(pristine)))
			c.do(f)
			assert.Contains(t, idsOf(verify(f.dir, trust).Wrong), c.want)
		})
	}
	_, err = evidence.Export(evidence.ExportRequest{Home: q.home, Bundle: evidence.Bundle{From: begin, To: end.AddDate(0, 0, 1)}, Signer: q.stranger,
		Stamp: func([]byte) ([]byte, []byte, error) {
			request, err := timestamp.Ask([]byte("something else"), nil)
			return request, authority.Reply(request), err
		}}, t.TempDir()+"/b")
	assert.ErrorContains(t, err, "the time stamp is no good")
}

// take puts files of another bundle's stamp in the place of this one's.
func (f *forged) take(from string, ends ...string) {
	f.t.Helper()
	for _, end := range ends {
		f.write("log/checkpoint."+end, f.read(from, "log", "checkpoint."+end))
	}
}
