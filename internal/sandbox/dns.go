package sandbox

import (
	"cmp"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// stub answers every question that nobody in the drill could answer: no such
// name. Only hosts of the allow-list have addresses.
func stub(u net.PacketConn, allow []Allow, log *egress) {
	b := make([]byte, 4096)
	for {
		n, from, err := u.ReadFrom(b)
		if err != nil {
			return
		}
		r := respond(b[:n], allow)
		switch {
		case r.known:
		case r.name == "": // whoever it was for: the redirect hides that
			log.saw(attempt{protocol: "udp", target: "port 53, no question", mark: "no question"})
		default:
			log.saw(attempt{protocol: "dns", target: r.name, host: strings.Trim(r.name, "."), mark: r.name,
				twin: r.kind == dnsmessage.TypeAAAA})
		}
		if r.reply != nil {
			_, _ = u.WriteTo(r.reply, from)
		}
	}
}

// response to one question.
type response struct {
	reply []byte // nil when it was no question
	name  string // "." is the root; empty when it was no question
	kind  dnsmessage.Type
	known bool // the allow-list has the name
}

// respond makes the reply to one DNS message.
func respond(query []byte, allow []Allow) response {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || m.Response || len(m.Questions) == 0 {
		return response{}
	}
	q := m.Questions[0]
	r := response{name: strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")), kind: q.Type}
	r.name = cmp.Or(r.name, ".")
	m.Response, m.RecursionAvailable, m.RCode = true, true, dnsmessage.RCodeNameError
	m.Answers, m.Authorities, m.Additionals = nil, nil, nil
	for _, a := range allow {
		if !strings.EqualFold(a.Host, r.name) {
			continue
		}
		r.known, m.RCode = true, dnsmessage.RCodeSuccess
		if q.Type == dnsmessage.TypeA && a.Address.Is4() {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 5},
				Body:   &dnsmessage.AResource{A: a.Address.As4()}})
		}
	}
	if b, err := m.Pack(); err == nil {
		r.reply = b
	}
	return r
}
