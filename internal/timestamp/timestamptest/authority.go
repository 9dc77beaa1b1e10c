// Package timestamptest makes a time-stamping authority with openssl: another program than the one that is tested.
package timestamptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Authority signs time stamps.
type Authority struct {
	t   testing.TB
	dir string
}

// The policies of an authority; it signs by Policy unless another is asked for.
const (
	Policy = "1.2.3.4.1"
	Other  = "1.2.3.4.5.6"
)

const config = `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
[tsa]
extendedKeyUsage = critical,timeStamping
[ts]
dir = .
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5.6
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

// New makes one.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t, t.TempDir()}
	a.write("ts.cnf", []byte(config))
	a.write("serial", []byte("01\n"))
	curve := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "ts.cnf"}
	a.run(append([]string{"req", "-x509", "-days", "30", "-subj", "/CN=root of " + filepath.Base(t.Name()), "-extensions", "ca",
		"-keyout", "ca.key", "-out", "ca.pem"},
		curve...)...)
	a.run(append([]string{"req", "-new", "-subj", "/CN=stamps", "-keyout", "tsa.key", "-out", "tsa.csr"}, curve...)...)
	a.run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
		"-days", "30", "-extfile", "ts.cnf", "-extensions", "tsa", "-out", "tsa.pem")
	return a
}

func (a *Authority) write(name string, content []byte) {
	a.t.Helper()
	require.NoError(a.t, os.WriteFile(filepath.Join(a.dir, name), content, 0o600))
}

// run is openssl in the authority's folder.
func (a *Authority) run(args ...string) string {
	a.t.Helper()
	out, err := a.try(args...)
	require.NoError(a.t, err, out)
	return out
}

func (a *Authority) try(args ...string) (string, error) {
	c := exec.Command("openssl", args...)
	c.Dir = a.dir
	out, err := c.CombinedOutput()
	return string(out), err
}

// Root is the certificate in which its chain ends, PEM.
func (a *Authority) Root() []byte {
	a.t.Helper()
	raw, err := os.ReadFile(filepath.Join(a.dir, "ca.pem"))
	require.NoError(a.t, err)
	return raw
}

// Reply answers a request.
func (a *Authority) Reply(request []byte) []byte {
	a.t.Helper()
	a.write("q.tsq", request)
	a.run("ts", "-reply", "-config", "ts.cnf", "-section", "ts", "-queryfile", "q.tsq", "-out", "r.tsr")
	raw, err := os.ReadFile(filepath.Join(a.dir, "r.tsr"))
	require.NoError(a.t, err)
	return raw
}

// Verifies tells what openssl says of a response to a request.
func (a *Authority) Verifies(request, response []byte) (string, error) {
	a.t.Helper()
	a.write("v.tsq", request)
	a.write("v.tsr", response)
	return a.try("ts", "-verify", "-queryfile", "v.tsq", "-in", "v.tsr", "-CAfile", "ca.pem")
}
