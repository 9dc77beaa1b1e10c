package timestamp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	rfc3161 "github.com/digitorus/timestamp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/timestamp"
	"lifeboat/internal/timestamp/timestamptest"
)

var stamped = []byte("lifeboat/0102030405060708\n20\nkHG+VusOFMsQEzhfzu0R9lXltMFY4KygTPzDG2PwqKY=\n")

func trust(t *testing.T, a *timestamptest.Authority, policy string) timestamp.Trust {
	t.Helper()
	roots, err := timestamp.ParseTrust(a.Root())
	require.NoError(t, err)
	oid, err := timestamp.ParsePolicy(policy)
	require.NoError(t, err)
	return timestamp.Trust{Roots: roots, Policy: oid}
}

func ask(t *testing.T, what []byte, policy string) []byte {
	t.Helper()
	oid, err := timestamp.ParsePolicy(policy)
	require.NoError(t, err)
	request, err := timestamp.Ask(what, oid)
	require.NoError(t, err)
	return request
}

// What openssl's authority stamps verifies, here and by openssl; nothing else does, and it is said why.
func TestStamp(t *testing.T) {
	t.Parallel()
	a, stranger := timestamptest.New(t), timestamptest.New(t)
	request := ask(t, stamped, "")
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/timestamp-query", r.Header.Get("Content-Type"))
		raw, _ := io.ReadAll(r.Body)
		_, _ = w.Write(a.Reply(raw))
	}))
	defer served.Close()
	response, err := timestamp.Post(t.Context(), served.URL, request)
	require.NoError(t, err)
	s, err := timestamp.Verify(stamped, request, response, trust(t, a, ""))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), s.Time, time.Hour)
	assert.Equal(t, []string{"CN=stamps", timestamptest.Policy}, []string{s.By, s.Policy})
	out, err := a.Verifies(request, response)
	require.NoError(t, err, out)

	for want, c := range map[string]struct {
		what, request, response []byte
		trust                   timestamp.Trust
	}{
		"its request was for something else": {[]byte("other"), request, response, trust(t, a, "")},
		"it was given to something else":     {stamped, request, a.Reply(ask(t, []byte("other"), "")), trust(t, a, "")},
		"its nonce is not the one":           {stamped, request, a.Reply(ask(t, stamped, "")), trust(t, a, "")},
		"and not 1.2.3.4.5.6, which was ask": {stamped, withPolicy(t, request, timestamptest.Other), response, trust(t, a, "")},
		"and not 1.2.3.4.5.6, which you tru": {stamped, request, response, trust(t, a, timestamptest.Other)},
		"no authority is trusted":            {stamped, request, response, timestamp.Trust{}},
		"is not one that you trust":          {stamped, request, response, trust(t, stranger, "")},
		"its response cannot be read":        {stamped, request, append(response[:len(response):len(response)], 0), trust(t, a, "")},
		"its request cannot be read":         {stamped, nil, response, trust(t, a, "")},
	} {
		_, err := timestamp.Verify(c.what, c.request, c.response, c.trust)
		assert.ErrorContains(t, err, want)
	}
	_, err = timestamp.Verify(stamped, ask(t, stamped, timestamptest.Other), a.Reply(ask(t, stamped, timestamptest.Other)), trust(t, a, timestamptest.Other))
	assert.ErrorContains(t, err, "nonce")
	other := ask(t, stamped, timestamptest.Other)
	_, err = timestamp.Verify(stamped, other, a.Reply(other), trust(t, a, timestamptest.Other))
	assert.NoError(t, err)

	// Whatever bit of the response is another, it says the same or nothing at all.
	refused := 0
	for i := 0; i < len(response); i += 7 {
		bad := append([]byte(nil), response...)
		bad[i] ^= 1 << (i % 8)
		got, err := timestamp.Verify(stamped, request, bad, trust(t, a, ""))
		if err != nil {
			refused++
			continue
		}
		assert.Equal(t, s, got, "byte %d", i)
	}
	assert.Greater(t, refused, len(response)/7/2)
}

// withPolicy is the same request, nonce and all, that asks for a policy.
func withPolicy(t *testing.T, request []byte, policy string) []byte {
	t.Helper()
	r, err := rfc3161.ParseRequest(request)
	require.NoError(t, err)
	r.TSAPolicyOID, err = timestamp.ParsePolicy(policy)
	require.NoError(t, err)
	raw, err := r.Marshal()
	require.NoError(t, err)
	return raw
}

// A certificate of the trusted root that is for something else stamps nothing, nor does one that was not valid then.
func TestStampOfAnotherCertificate(t *testing.T) {
	t.Parallel()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	require.NoError(t, err)
	signedRoot, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(signedRoot)
	request := ask(t, stamped, "")
	asked, err := rfc3161.ParseRequest(request)
	require.NoError(t, err)
	for _, c := range []struct {
		use  []x509.ExtKeyUsage
		at   time.Time
		want string
	}{
		{[]x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}, now, ""},
		{[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, now, "is not one that you trust"},
		{[]x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageServerAuth}, now, "is not for time stamps alone"},
		{[]x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}, now.AddDate(-2, 0, 0), "is not one that you trust"},
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "stamps"},
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), ExtKeyUsage: c.use}, signedRoot, key.Public(), rootKey)
		require.NoError(t, err)
		cert, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		ts := rfc3161.Timestamp{HashAlgorithm: asked.HashAlgorithm, HashedMessage: asked.HashedMessage, Nonce: asked.Nonce, Time: c.at, Policy: []int{1, 2, 3},
			AddTSACertificate: true}
		response, err := ts.CreateResponseWithOpts(cert, key, crypto.SHA256)
		require.NoError(t, err)
		_, err = timestamp.Verify(stamped, request, response, timestamp.Trust{Roots: pool})
		if c.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.want)
		}
	}
}
