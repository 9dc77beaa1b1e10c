package evidence_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
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
			f.edit("log/checkpoint.tsr", func(s string) string { return s[:200] + string([]byte{s[200] ^ 1}) + s[201:] })
		}, "stamp_wrong"},
		"bytes behind its request":  {func(f *forged) { f.edit("log/checkpoint.tsq", func(s string) string { return s + "\x00" }) }, "stamp_wrong"},
		"bytes behind its response": {func(f *forged) { f.edit("log/checkpoint.tsr", func(s string) string { return s + "\x05\x00" }) }, "stamp_wrong"},
		"an empty response":         {func(f *forged) { f.write("log/checkpoint.tsr", nil) }, "stamp_wrong"},
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

// A stamp of a signature shows when a drill was signed, whoever signs beside it later; what was done to it is found.
func TestStampedSignatures(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	q.trust.Keys = append(q.trust.Keys, signing.Trusted{Name: "another", Verifier: q.stranger.Verifier()})
	authority, theirs := timestamptest.New(t), timestamptest.New(t)
	roots, err := timestamp.ParseTrust(authority.Root())
	require.NoError(t, err)
	sign := func(id string, by signing.Signer, a *timestamptest.Authority) error {
		_, err := evidence.Sign(context.Background(), q.home, id, build, by, func(signature []byte) (request, response []byte, err error) {
			request, err = timestamp.Ask(signature, nil)
			return request, a.Reply(request), err
		})
		return err
	}
	one, two := q.of("shop", 1), q.of("shop", 5)
	require.NoError(t, sign(one, q.key, authority))
	require.NoError(t, sign(two, q.key, authority))
	require.NoError(t, sign(one, q.stranger, authority))
	verify := func(folder string, trust *timestamp.Trust) *evidence.Result {
		got, err := evidence.Verify(context.Background(), evidence.VerifyRequest{Folder: folder, Trust: q.trust, Authority: trust, Build: build})
		require.NoError(t, err)
		return got
	}
	pristine := q.exported()
	trust := &timestamp.Trust{Roots: roots}
	got := verify(pristine, trust)
	assert.Equal(t, []string{"stamp_missing"}, idsOf(got.Wrong), "of the log itself there is none")
	assert.Len(t, got.Drills[0].Stamps, 2)
	assert.True(t, got.Drills[0].Stamps[0].Time.After(end))
	nobody := verify(pristine, nil)
	assert.Empty(t, nobody.Wrong)
	assert.Empty(t, nobody.Drills[0].Stamps)
	assert.Contains(t, idsOf(nobody.Notices), "drill_stamp_unconfirmed")
	stampOf := func(dir, id, end string) string {
		found, err := filepath.Glob(filepath.Join(dir, "drills", id, "evidence", "stamps", "*."+end))
		require.NoError(t, err)
		return found[0]
	}
	out, err := authority.Verifies(q.read(stampOf(pristine, two, "tsq")), q.read(stampOf(pristine, two, "tsr")))
	assert.NoError(t, err, out)

	bundle := func() string {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(pristine)))
		return dir
	}
	for what, c := range map[string]struct {
		do   func(dir string)
		want string
	}{
		"one without its response": {func(dir string) { require.NoError(t, os.Remove(stampOf(dir, two, "tsr"))) }, "part_missing"},
		"one without its request":  {func(dir string) { require.NoError(t, os.Remove(stampOf(dir, two, "tsq"))) }, "part_missing"},
		"that of another drill": {func(dir string) {
			for _, end := range []string{"tsq", "tsr"} {
				require.NoError(t, os.WriteFile(stampOf(dir, two, end), q.read(stampOf(pristine, one, end)), 0o600))
			}
		}, "drill_stamp_wrong"},
		"of a signature that is gone": {func(dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "drills", two, "evidence", "attestation.json")))
		}, "extra_file"},
		"an empty one": {func(dir string) { require.NoError(t, os.WriteFile(stampOf(dir, two, "tsr"), nil, 0o600)) }, "drill_stamp_wrong"},
	} {
		dir := bundle()
		c.do(dir)
		assert.Contains(t, idsOf(verify(dir, trust).Wrong), c.want, what)
	}
	three := q.of("shop", 2)
	require.NoError(t, sign(three, q.key, theirs))
	assert.Contains(t, idsOf(verify(q.exported(), trust).Wrong), "drill_stamp_wrong", "by an authority of theirs")
	four := q.of("shop", 3)
	_, err = evidence.Sign(context.Background(), q.home, four, build, q.key, func([]byte) ([]byte, []byte, error) {
		request, err := timestamp.Ask([]byte("something else"), nil)
		return request, authority.Reply(request), err
	})
	assert.ErrorContains(t, err, "the time stamp is no good")
	_, err = os.Stat(filepath.Join(q.home, "drills", four, "evidence", "attestation.json"))
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing was signed")
}
