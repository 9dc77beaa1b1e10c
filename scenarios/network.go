package scenarios

import (
	"errors"
	"net/netip"
	"slices"
)

// Range is a range of IPv4 addresses, from which a drill's network is cut: 10.20.0.0/16.
type Range struct{ netip.Prefix }

const (
	// NetworkBits is the prefix of a drill's network: 61 sandboxes.
	NetworkBits  = 26
	widestRange  = 8
	rangeExample = "write it like 10.20.0.0/16"
)

// Unusable tells whether a network has addresses that no network can have.
func Unusable(p netip.Prefix) bool { return slices.ContainsFunc(unusable, p.Overlaps) }

// unusable ranges are nobody's network.
var unusable = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("224.0.0.0/3")}

// UnmarshalText reads a range as CIDR writes it.
func (r *Range) UnmarshalText(text []byte) error {
	p, err := netip.ParsePrefix(string(text))
	switch {
	case err != nil || !p.Addr().Is4():
		return errors.New("not a range of IPv4 addresses; " + rangeExample)
	case p != p.Masked():
		return errors.New("its first address is " + p.Masked().Addr().String() + "; write " + p.Masked().String())
	case p.Bits() < widestRange || p.Bits() > NetworkBits:
		return errors.New("the drill's network takes a /26 of it: give a range between /8 and /26")
	case Unusable(p):
		return errors.New("no network can have these addresses; " + rangeExample)
	}
	r.Prefix = p
	return nil
}

// MarshalText writes it back; nothing for the zero value.
func (r Range) MarshalText() ([]byte, error) { return r.Prefix.MarshalText() }
