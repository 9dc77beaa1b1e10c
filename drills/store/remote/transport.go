// Package remote is what stores across a network share: a way to their servers on which every wait is bounded, and
// the facts by which a file is known again.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"lifeboat/scenarios"
)

// dialTime is how long a connection, and then TLS, may take.
const dialTime = 10 * time.Second

// Transport is http.Transport with a timeout: the server has that long to begin to answer, and again for each
// piece of the body. What it returns then says so. It takes no proxy but the one that it is given.
type Transport struct {
	*http.Transport
	timeout time.Duration
}

// NewTransport makes a way to one server that keeps so many connections.
func NewTransport(timeout time.Duration, connections int) *Transport {
	return &Transport{timeout: timeout, Transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSHandshakeTimeout:    dialTime,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        timeout,
		DisableCompression:     true, // bytes as stored, and their number
		MaxResponseHeaderBytes: 64 << 10,
	}}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	late := fmt.Errorf("no answer within %v", t.timeout)
	timer := time.AfterFunc(t.timeout, func() { cancel(late) })
	answer, err := t.Transport.RoundTrip(r.WithContext(ctx))
	timer.Stop()
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else if errors.Is(err, io.EOF) {
			err = errors.New("the connection was closed before an answer came")
		}
		cancel(nil)
		return nil, err
	}
	answer.Body = &body{ReadCloser: answer.Body, ctx: ctx, cancel: cancel, timeout: t.timeout}
	return answer, nil
}

// body of an answer that has to go on.
type body struct {
	io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timeout time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	late := fmt.Errorf("nothing came for %v", b.timeout)
	timer := time.AfterFunc(b.timeout, func() { b.cancel(late) })
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	if cause := context.Cause(b.ctx); err != nil && !errors.Is(err, io.EOF) && cause != nil {
		err = cause
	}
	return n, err
}

// Close ends the request, also one of which much is still to come.
func (b *body) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}

// Proxy reads the address of a proxy: http, https or socks5. A password in it must come from outside the scenario.
func Proxy(address scenarios.Secret) (*url.URL, error) {
	text, err := address.Reveal()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return nil, errors.New("the proxy is not an http, https or socks5 address")
	}
	if u.User != nil && !address.Hidden() {
		return nil, errors.New("the proxy's password stands in the scenario")
	}
	return u, nil
}
