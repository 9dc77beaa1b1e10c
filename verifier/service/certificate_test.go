package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

// showing is a server with a certificate of a day's length that ends some time from now.
func showing(t *testing.T, ends time.Duration, names ...string) *httptest.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	end := time.Now().Add(ends)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: end.Add(-24 * time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// What is wrong with a certificate is always said, and fails a check that asks for it.
func TestCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		ends   time.Duration
		key    string
		status record.CheckStatus
		says   string
	}{
		"expired yesterday":         {-24 * time.Hour, "", record.CheckPassed, "its certificate expired on"},
		"expired, and asked for":    {-24 * time.Hour, ", certificate: shop.example.com", record.CheckFailed, "its certificate expired on"},
		"not yet, and asked for":    {48 * time.Hour, ", certificate: shop.example.com", record.CheckFailed, "is valid from"},
		"valid":                     {time.Hour, "", record.CheckPassed, "answered 200, 0 bytes"},
		"valid, and asked for":      {time.Hour, ", certificate: shop.example.com", record.CheckPassed, "answered 200, 0 bytes"},
		"a wildcard":                {time.Hour, ", certificate: www.example.org", record.CheckPassed, "answered 200, 0 bytes"},
		"a wildcard is for a label": {time.Hour, ", certificate: a.b.example.org", record.CheckFailed, "not for a.b.example.org"},
		"for somebody else":         {time.Hour, ", certificate: bank.example.com", record.CheckFailed, "is for shop.example.com, *.example.org, not for bank.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := showing(t, c.ends, "shop.example.com", "*.example.org")
			check := verifiertest.Make(t, New, "http", `{url: "https://app/"`+c.key+`}`)
			facts, err := check.Observe(t.Context(), dialing(strings.TrimPrefix(s.URL, "https://")))
			require.NoError(t, err)
			got := check.Judge(nil, facts)
			assert.Equal(t, c.status, got.Status, got.Message)
			assert.Contains(t, got.Message, c.says)
			assert.Equal(t, c.key != "", check.(verifier.Aging).Ages())
			assert.Equal(t, strings.Contains(c.says, "expired") && c.key == "", strings.Contains(got.Message, "not judged"))
		})
	}
}
