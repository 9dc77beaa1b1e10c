// Package decoy plays a system that is not there: it answers everybody, whatever they ask, with an error or with
// nothing. A question that is satisfied by a decoy says little or nothing about the system that it is meant for.
package decoy

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Kind of a decoy.
type Kind string

// The kinds, in the order in which questions are put to them.
const (
	None    Kind = ""        // the system itself is asked
	Silent  Kind = "silent"  // nothing answers: there is no network at all
	Failing Kind = "failing" // HTTP 500 on every page; what is not HTTP is closed
	Empty   Kind = "empty"   // HTTP 200 with an empty page; to what is not HTTP it listens in silence
)

// Kinds lists those that are put in the place of a system.
func Kinds() []Kind { return []Kind{Silent, Failing, Empty} }

const (
	patience = 3 * time.Second // with a client that does not speak, and of one that waits for an answer that is no page
	longest  = 10 * time.Second
	mostRead = 8 << 20 // bytes of a request
)

// Serve answers one connection as a decoy of a kind does, and closes it.
func Serve(c net.Conn, k Kind) {
	defer func() { _ = c.Close() }()
	if k != Failing && k != Empty {
		return
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReaderSize(io.LimitReader(c, mostRead), 32<<10)
	first, err := r.Peek(1)
	if err != nil {
		return // it waits for a greeting
	}
	const handshake = 0x16
	if first[0] == handshake {
		secure := tls.Server(reread{c, r}, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return certificate()
		}})
		if secure.Handshake() != nil {
			return
		}
		c, r = secure, bufio.NewReader(secure)
	}
	_ = c.SetDeadline(time.Now().Add(longest))
	if !page(c, r, k) && k == Empty {
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, r)
	}
}

// page answers one request; false: it was none.
func page(c net.Conn, r *bufio.Reader, k Kind) bool {
	if first, err := r.Peek(1); err != nil || first[0] < 'A' || first[0] > 'z' { // no method begins so
		return false
	}
	request, err := http.ReadRequest(r)
	if err != nil || request.ProtoMajor != 1 {
		return false
	}
	if request.Header.Get("Expect") != "" {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	_, _ = io.Copy(io.Discard, request.Body)
	status := http.StatusOK
	if k == Failing {
		status = http.StatusInternalServerError
	}
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\n"+
		"Connection: close\r\n\r\n", status, http.StatusText(status))
	return true
}

// reread is a connection of which something was read already.
type reread struct {
	net.Conn
	r io.Reader
}

func (c reread) Read(p []byte) (int, error) { return c.r.Read(p) }

// certificate is made on the spot, for one process: nobody who asks a decoy judges it.
var certificate = sync.OnceValues(func() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	name := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"decoy"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, name, name, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
})
