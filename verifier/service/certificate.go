package service

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"
)

// certificate is what a server showed of itself, and when. Who signed it is not looked at: a sandbox reaches nobody who
// could be asked, and a private authority is usual.
type certificate struct {
	Names  []string  `json:"names,omitempty"`
	Begins time.Time `json:"begins"`
	Ends   time.Time `json:"ends"`
	At     time.Time `json:"at"` // when it was shown
}

// shown is the certificate of a connection; nil without one.
func shown(state *tls.ConnectionState) *certificate {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	c := state.PeerCertificates[0]
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return &certificate{Names: names, Begins: c.NotBefore, Ends: c.NotAfter, At: time.Now()}
}

// wrong says what a customer's browser would object to: its dates, and with a name that it is not for it.
func (c *certificate) wrong(name string) string {
	const day = "2006-01-02 15:04 MST"
	switch {
	case c == nil && name != "":
		return "no certificate was shown"
	case c == nil:
		return ""
	case c.At.After(c.Ends):
		return fmt.Sprintf("its certificate expired on %s", c.Ends.UTC().Format(day))
	case c.At.Before(c.Begins):
		return fmt.Sprintf("its certificate is valid from %s on", c.Begins.UTC().Format(day))
	case name != "" && !c.names(name):
		return fmt.Sprintf("its certificate is for %s, not for %s", strings.Join(c.Names, ", "), name)
	}
	return ""
}

// Ages implements verifier.Aging: a certificate that is looked at expires.
func (c *web) Ages() bool { return c.keys.Certificate != "" }

// names tells whether it is for a host: a wildcard stands for one label, the first (RFC 6125).
func (c *certificate) names(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, n := range c.Names {
		n = strings.ToLower(strings.TrimSuffix(n, "."))
		_, above, dotted := strings.Cut(host, ".")
		if n == host || dotted && n == "*."+above {
			return true
		}
	}
	return false
}
