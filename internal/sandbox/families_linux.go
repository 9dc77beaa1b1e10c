package sandbox

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// hasIPv6 tells whether the kernel knows IPv6 at all. One that was started with ipv6.disable=1 does not: then nothing can
// try to get out by it either. Anything else counts as yes, and the sandbox must close it.
func hasIPv6() bool {
	s, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		_ = unix.Close(s)
	}
	return !errors.Is(err, unix.EAFNOSUPPORT)
}

// ownAddresses are those on which a sandbox's own services listen.
func ownAddresses() []netip.Addr {
	own := []netip.Addr{netip.MustParseAddr(Resolver)}
	if hasIPv6() {
		own = append(own, netip.IPv6Loopback())
	}
	return own
}

// everywhereElse is every address, of each family that the kernel knows.
func everywhereElse() []netip.Prefix {
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	if hasIPv6() {
		all = append(all, netip.MustParsePrefix("::/0"))
	}
	return all
}
