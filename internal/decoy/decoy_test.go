package decoy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dial is a connection to a decoy.
func dial(k Kind) net.Conn {
	near, far := net.Pipe()
	go Serve(far, k)
	return near
}

func TestPages(t *testing.T) {
	for k, status := range map[Kind]int{Failing: 500, Empty: 200} {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext:     func(context.Context, string, string) (net.Conn, error) { return dial(k), nil }}}
		for name, c := range map[string]struct{ method, url, body, expect string }{
			"a page":                    {"GET", "http://shop.example/cart", "", ""},
			"with TLS":                  {"GET", "https://shop.example/cart", "", ""},
			"an order":                  {"POST", "https://shop.example/orders", strings.Repeat("x", 1<<20), ""},
			"an order that asks before": {"POST", "http://shop.example/orders", "x", "100-continue"},
		} {
			t.Run(string(k)+", "+name, func(t *testing.T) {
				r, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
				require.NoError(t, err)
				if c.expect != "" {
					r.Header.Set("Expect", c.expect)
				}
				res, err := client.Do(r)
				require.NoError(t, err)
				defer func() { _ = res.Body.Close() }()
				body, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				assert.Equal(t, status, res.StatusCode)
				assert.Empty(t, body)
			})
		}
	}
}

func TestWhatIsNotHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		kind  Kind
		said  string
		holds time.Duration // for so long the connection stands
	}{
		"failing closes":                        {Failing, "\x00\x00\x00\x08\x04\xd2\x16\x2f", 0},
		"failing, HTTP/2 without TLS":           {Failing, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
		"failing, a client that waits":          {Failing, "", patience},
		"empty is silent":                       {Empty, "EHLO me\r\n", patience},
		"empty, a client that waits":            {Empty, "", patience},
		"of no kind, there is nobody to answer": {Silent, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, began := dial(c.kind), time.Now()
				go func() { _, _ = io.WriteString(conn, c.said) }()
				heard, _ := io.ReadAll(conn)
				assert.Empty(t, heard)
				assert.Equal(t, c.holds, time.Since(began))
			})
		})
	}
}
