package signing

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// made is a new key in a folder of its own.
func made(t *testing.T, comment string) (Signer, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	_, err := Write(path, comment, nil)
	require.NoError(t, err)
	s, err := ReadPrivate(path, nil)
	require.NoError(t, err)
	return s, path
}

func public(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path + ".pub")
	require.NoError(t, err)
	return string(raw)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s, path := made(t, "ops  2026\nx")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	v, comment, err := ParsePublic(public(t, path))
	require.NoError(t, err)
	assert.Equal(t, "ops 2026 x", comment)
	assert.Equal(t, s.Verifier().ID(), v.ID())
	_, err = Write(path, "", nil)
	assert.ErrorIs(t, err, os.ErrExist)
	require.NoError(t, os.Remove(path))
	_, err = Write(path, "", nil)
	assert.ErrorIs(t, err, os.ErrExist, "a public key that is there is not written over")

	locked := filepath.Join(t.TempDir(), "key")
	_, err = Write(locked, "", []byte("open sesame"))
	require.NoError(t, err)
	_, err = ReadPrivate(locked, nil)
	assert.ErrorIs(t, err, ErrPassphrase)
	_, err = ReadPrivate(locked, []byte("wrong"))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "wrong")
	_, err = ReadPrivate(locked, []byte("open sesame"))
	assert.NoError(t, err)
	require.NoError(t, os.Chmod(locked, 0o640))
	_, err = ReadPrivate(locked, []byte("open sesame"))
	assert.ErrorContains(t, err, "others may read")
	_, err = ReadPrivate(locked+".pub", nil)
	assert.Error(t, err)

	repository := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(repository, ".git"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(repository, "a", "b"), 0o700))
	_, err = Write(filepath.Join(repository, "a", "b", "key"), "", nil)
	assert.ErrorContains(t, err, "lies in the repository")
}

// Keys that ssh-keygen makes are taken, and what OpenSSH says of ours is what we say.
func TestKeysOfOpenSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-C", "them", "-f", filepath.Join(dir, "theirs")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	s, err := ReadPrivate(filepath.Join(dir, "theirs"), []byte("secret"))
	require.NoError(t, err)
	v, _, err := ParsePublic(public(t, filepath.Join(dir, "theirs")))
	require.NoError(t, err)
	assert.Equal(t, v.ID(), s.Verifier().ID())
	_, ours := made(t, "us")
	out, err = exec.Command("ssh-keygen", "-l", "-f", ours).CombinedOutput()
	require.NoError(t, err, "%s", out)
	v, _, err = ParsePublic(public(t, ours))
	require.NoError(t, err)
	assert.Contains(t, string(out), v.ID())
	out, err = exec.Command("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", filepath.Join(dir, "other")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, err = ReadPrivate(filepath.Join(dir, "other"), nil)
	assert.ErrorContains(t, err, "ed25519 can")
	_, _, err = ParsePublic(public(t, filepath.Join(dir, "other")))
	assert.ErrorContains(t, err, "not known here")
}

// An independent tool verifies an envelope: what is signed is DSSE's encoding, by plain Ed25519.
func TestOpenSSLVerifiesAnEnvelope(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip(err)
	}
	s, _ := made(t, "ops")
	payload := []byte(`{"_type":"x"}`)
	e, err := Seal(t.Context(), nil, "application/vnd.in-toto+json", payload, s)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	der, err := x509.MarshalPKIXPublicKey(s.Verifier().Public())
	require.NoError(t, err)
	key := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	require.NoError(t, err)
	verify := func(message string) error { // the encoding as the specification of DSSE writes it
		return exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-sigfile", write("sig", sig), "-in",
			write("message", []byte(message))).Run()
	}
	message := fmt.Sprintf("DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(payload), payload)
	assert.NoError(t, verify(message))
	assert.Error(t, verify(message+" "))
}

func TestSigners(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a, pathA := made(t, "a")
	b, pathB := made(t, "b")
	stranger, _ := made(t, "stranger")
	trust, err := ParseTrust(fmt.Appendf(nil, "keys:\n- {name: a, public: %q, roles: [operator, reviewer]}\n- {name: b, public: %q, roles: [reviewer]}\n"+
		"require: {operator: 1, reviewer: 1}\n", public(t, pathA), public(t, pathB)))
	require.NoError(t, err)
	payload := []byte("payload")
	sealed := func(by ...Signer) *Envelope {
		var e *Envelope
		for _, s := range by {
			e, err = Seal(ctx, e, "type", payload, s)
			require.NoError(t, err)
		}
		return e
	}
	names := func(e *Envelope) string {
		by, unknown, err := trust.Signers(ctx, e, payload)
		require.NoError(t, err)
		return fmt.Sprint(len(by), len(unknown), trust.Lacking(by))
	}
	assert.Equal(t, "2 0 []", names(sealed(a, b)))
	assert.Equal(t, "1 0 [reviewer (0 of 1)]", names(sealed(a)), "one key fills one place")
	assert.Equal(t, "1 1 [operator (0 of 1)]", names(sealed(b, stranger)))
	assert.Equal(t, "0 0 [operator (0 of 1) reviewer (0 of 1)]", names(&Envelope{}))

	swapped := sealed(a, b)
	swapped.Signatures[0].KeyID, swapped.Signatures[1].KeyID = swapped.Signatures[1].KeyID, swapped.Signatures[0].KeyID
	_, _, err = trust.Signers(ctx, swapped, payload)
	assert.ErrorContains(t, err, "bears the name of another key")
	borrowed := sealed(stranger)
	borrowed.Signatures[0].KeyID = a.Verifier().ID()
	_, _, err = trust.Signers(ctx, borrowed, payload)
	assert.ErrorContains(t, err, "is not by that key")
	_, _, err = trust.Signers(ctx, sealed(a), []byte("another payload"))
	assert.ErrorContains(t, err, "is not by that key")
	twice := sealed(a)
	twice.Signatures = append(twice.Signatures, twice.Signatures[0])
	_, _, err = trust.Signers(ctx, twice, payload)
	assert.ErrorContains(t, err, "stands there twice")
	_, err = Seal(ctx, sealed(a), "type", payload, a)
	assert.ErrorContains(t, err, "has signed already")
	_, err = Seal(ctx, sealed(a), "type", []byte("another"), b)
	assert.ErrorContains(t, err, "others signed something else")

	// The library's own verifier agrees.
	raw, err := json.Marshal(sealed(a, b))
	require.NoError(t, err)
	e, got, err := ParseEnvelope(raw)
	require.NoError(t, err)
	assert.Equal(t, payload, got)
	v, err := dsse.NewMultiEnvelopeVerifier(2, a.Verifier(), b.Verifier())
	require.NoError(t, err)
	_, err = v.Verify(ctx, e)
	assert.NoError(t, err)
	for _, bad := range []string{`{"payload":"","payload":"","payloadType":"","signatures":[]}`, `{"payload":"cA=","payloadType":"","signatures":[]}`,
		`{"payload":"","payloadType":"","signatures":[],"more":1}`} {
		_, _, err := ParseEnvelope([]byte(bad))
		assert.Error(t, err, bad)
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	_, path := made(t, "a")
	pub := public(t, path)
	one, err := ParseTrust([]byte(pub))
	require.NoError(t, err)
	assert.Len(t, one.In(RoleLog), 1, "the one key that is given may sign all")
	secret, err := os.ReadFile(path)
	require.NoError(t, err)
	for text, want := range map[string]string{
		"":                                "it is empty",
		"keys: []":                        "names no key",
		"keys: [{public: x, roles: [a]}]": "no single public key",
		"trusted: []":                     "trusted",
		string(secret):                    "private key",
		"keys: [{public: '" + pub + "'}]": "has no roles",
		pub + pub:                         "",
		"keys: [{public: '" + pub + "', roles: [a]}]\n---\nrequire: {a: 1}":                "a second document",
		"keys: [{public: '" + pub + "', roles: [a]}, {public: '" + pub + "', roles: [b]}]": "stands there twice",
		"keys: [{public: '" + pub + "', roles: [a]}]\nrequire: {a: 2}":                     "can never be",
		"keys: [{public: '" + pub + "', roles: [a]}]\nrequire: {b: 1}":                     "can never be",
		"keys: [{public: '" + pub + "', roles: [log]}]\nrequire: {log: 1}":                 "can never be",
	} {
		_, err := ParseTrust([]byte(text))
		require.Error(t, err, text)
		assert.ErrorContains(t, err, want, text)
	}
}
