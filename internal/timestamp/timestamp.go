// Package timestamp asks a time-stamping authority (RFC 3161) when something was there at the latest, and verifies what it said. Requests and
// responses are kept as DER, so that `openssl ts -verify` reads them as well. The format is github.com/digitorus/timestamp's; what that leaves
// to its callers (nonce, imprint, policy, chain, the certificate that the signature binds) is checked here.
package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	_ "crypto/sha1" //nolint:gosec // of certificates' names in tokens of old; nothing rests on it but that
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// most bytes of a request or a response.
const most = 1 << 20

// Trust says which authorities are believed: the certificates in which their chains end, and perhaps the one policy.
type Trust struct {
	Roots  *x509.CertPool
	Policy asn1.ObjectIdentifier // nil: any, or that of the request
}

// ParseTrust reads certificates in PEM.
func ParseTrust(raw []byte) (*x509.CertPool, error) {
	pool, found := x509.NewCertPool(), false
	for {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, fmt.Errorf("a block of it is a %s and no certificate: %w", block.Type, err)
		}
		pool.AddCert(cert)
		found = true
	}
	if !found {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return pool, nil
}

// ParsePolicy reads the number of a policy, such as 1.3.6.1.4.1.13762.3; "" is none.
func ParsePolicy(text string) (oid asn1.ObjectIdentifier, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range bytes.SplitSeq([]byte(text), []byte{'.'}) {
		n, ok := new(big.Int).SetString(string(part), 10)
		if !ok || !n.IsInt64() || n.Sign() < 0 {
			return nil, fmt.Errorf("the policy %q is no number such as 1.3.6.1.4.1.13762.3", text)
		}
		oid = append(oid, int(n.Int64()))
	}
	return oid, nil
}

// Ask writes a request for what is to be stamped, with a nonce of its own.
func Ask(stamped []byte, policy asn1.ObjectIdentifier) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	return timestamp.CreateRequest(bytes.NewReader(stamped), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: nonce,
		TSAPolicyOID: policy})
}

// Post sends a request to an authority and gives its response, of which nothing is verified yet.
func Post(ctx context.Context, url string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request))
	if err != nil {
		return nil, fmt.Errorf("ask for a time stamp: %w", err)
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask for a time stamp: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for a time stamp: the authority answers %s (%w)", resp.Status, err)
	}
	return raw, nil
}

// Stamp is what an authority said that was believed.
type Stamp struct {
	Time     time.Time     `json:"time"`
	Accuracy time.Duration `json:"accuracy_ns"` // 0: it does not say
	Policy   string        `json:"policy"`
	Serial   string        `json:"serial"`
	By       string        `json:"by"` // subject of its certificate
}

// token is the type of what is signed: id-ct-TSTInfo.
var token = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

// Answers tells whether a response is one to a request for what was stamped. Whose word it is, is not asked.
func Answers(stamped, request, response []byte) error {
	_, err := answered(stamped, request, response)
	return err
}

func answered(stamped, request, response []byte) (*timestamp.Timestamp, error) {
	asked, err := timestamp.ParseRequest(request)
	if err != nil {
		return nil, fmt.Errorf("its request cannot be read: %w", err)
	}
	ts, err := timestamp.ParseResponse(response)
	if err != nil {
		return nil, fmt.Errorf("its response cannot be read, or its signature is broken: %w", err)
	}
	for _, der := range [][]byte{request, response} {
		var whole asn1.RawValue
		if rest, err := asn1.Unmarshal(der, &whole); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("bytes stand behind its request or its response: %d", len(rest))
		}
	}
	sum := sha256.Sum256(stamped)
	imprinted := func(h crypto.Hash, hashed []byte) bool { return h == crypto.SHA256 && bytes.Equal(hashed, sum[:]) }
	switch {
	case !imprinted(asked.HashAlgorithm, asked.HashedMessage):
		return nil, errors.New("its request was for something else")
	case !imprinted(ts.HashAlgorithm, ts.HashedMessage):
		return nil, errors.New("it was given to something else")
	case asked.Nonce == nil || ts.Nonce == nil || asked.Nonce.Cmp(ts.Nonce) != 0:
		return nil, errors.New("it answers another request: its nonce is not the one that was sent")
	case asked.TSAPolicyOID != nil && !asked.TSAPolicyOID.Equal(ts.Policy):
		return nil, fmt.Errorf("its policy is %s and not %s, which was asked for", ts.Policy, asked.TSAPolicyOID)
	}
	return ts, nil
}

// Verify tells when something was there at the latest, by the word of an authority that is trusted. Each error says what is wrong.
func Verify(stamped, request, response []byte, trust Trust) (*Stamp, error) {
	ts, err := answered(stamped, request, response)
	if err != nil {
		return nil, err
	}
	switch {
	case trust.Policy != nil && !trust.Policy.Equal(ts.Policy):
		return nil, fmt.Errorf("its policy is %s and not %s, which you trust", ts.Policy, trust.Policy)
	case trust.Roots == nil:
		return nil, errors.New("no authority is trusted")
	}
	by, err := signer(ts, trust.Roots)
	if err != nil {
		return nil, err
	}
	return &Stamp{Time: ts.Time.UTC(), Accuracy: ts.Accuracy, Policy: ts.Policy.String(), Serial: ts.SerialNumber.String(), By: by.Subject.String()}, nil
}

// signer is the certificate of the authority: its chain ends in one that is trusted, as it was at that time and for time stamps alone, and
// what was signed names it.
func signer(ts *timestamp.Timestamp, roots *x509.CertPool) (*x509.Certificate, error) {
	p7, err := pkcs7.Parse(ts.RawToken)
	if err != nil {
		return nil, fmt.Errorf("its token cannot be read: %w", err)
	}
	var kind asn1.ObjectIdentifier
	if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &kind); err != nil || !kind.Equal(token) {
		return nil, fmt.Errorf("what was signed is no time stamp (%s)", kind)
	}
	by := p7.GetOnlySigner()
	if by == nil {
		return nil, errors.New("it is not signed by exactly one certificate that it holds")
	}
	between := x509.NewCertPool()
	for _, c := range p7.Certificates {
		between.AddCert(c)
	}
	if _, err := by.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: ts.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}); err != nil {
		return nil, fmt.Errorf("its authority %q is not one that you trust: %w", by.Subject, err)
	}
	if len(by.ExtKeyUsage) != 1 || len(by.UnknownExtKeyUsage) > 0 {
		return nil, fmt.Errorf("the certificate of %q is not for time stamps alone", by.Subject)
	}
	if !names(p7, by) {
		return nil, errors.New("what was signed does not name the certificate that it is held against")
	}
	return by, nil
}

// signingCertificate is ESS's SigningCertificate and SigningCertificateV2, as far as it is needed (RFC 2634, RFC 5035).
type signingCertificate struct {
	Certs    []asn1.RawValue
	Policies asn1.RawValue `asn1:"optional"`
}

// names tells whether the signature binds its certificate.
func names(p7 *pkcs7.PKCS7, by *x509.Certificate) bool {
	sums := [][]byte{}
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		w := h.New()
		w.Write(by.Raw)
		sums = append(sums, w.Sum(nil))
	}
	for _, attribute := range []asn1.ObjectIdentifier{{1, 2, 840, 113549, 1, 9, 16, 2, 47}, {1, 2, 840, 113549, 1, 9, 16, 2, 12}} {
		var c signingCertificate
		if p7.UnmarshalSignedAttribute(attribute, &c) != nil || len(c.Certs) == 0 {
			continue
		}
		for rest := c.Certs[0].Bytes; len(rest) > 0; { // the first names the signer's: its hash is the octet string
			var part asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &part); err != nil {
				break
			}
			if part.Tag == asn1.TagOctetString {
				return slices.ContainsFunc(sums, func(sum []byte) bool { return bytes.Equal(sum, part.Bytes) })
			}
		}
	}
	return false
}
