package docker

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/internal/hostnet"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// What an application takes for private is what its network looks like in a drill, and nobody's range is taken.
func TestFreeSubnet(t *testing.T) {
	for name, c := range map[string]struct {
		from string
		in   taken
		want string // the range in which it must lie; "": there is none
	}{
		"nobody there":          {"", taken{}, "10.0.0.0/8"},
		"the whole of 10":       {"", taken{never: prefixes("10.0.0.0/9", "10.128.0.0/9")}, "172.16.0.0/12"},
		"a VPN has a route":     {"", taken{ratherNot: prefixes("10.0.0.0/8", "172.16.0.0/12")}, "192.168.0.0/16"},
		"routes to all of them": {"", taken{ratherNot: privateRanges}, "10.0.0.0/8"},
		"nothing is left":       {"", taken{never: privateRanges}, ""},
		"production's range, in which the host stands": {"10.20.0.0/16",
			taken{never: prefixes("10.20.3.7/32"), ratherNot: prefixes("10.20.0.0/16")}, "10.20.0.0/16"},
		"the only one is free":       {"10.20.0.64/26", taken{never: prefixes("10.20.0.63/32", "10.20.0.128/25")}, "10.20.0.64/26"},
		"the store stands in it":     {"10.20.0.64/26", taken{never: prefixes("10.20.0.70/32")}, ""},
		"the last of a small one":    {"10.20.0.0/24", taken{never: prefixes("10.20.0.0/25", "10.20.0.129/32")}, "10.20.0.192/26"},
		"no address of the Internet": {"100.64.0.0/10", taken{ratherNot: prefixes("10.0.0.0/8")}, "100.64.0.0/10"},
	} {
		t.Run(name, func(t *testing.T) {
			var from netip.Prefix
			if c.from != "" {
				from = netip.MustParsePrefix(c.from)
			}
			for range 20 {
				got, err := freeSubnet(from, c.in)
				if c.want == "" {
					require.ErrorContains(t, err, "network:")
					continue
				}
				require.NoError(t, err)
				assert.True(t, netip.MustParsePrefix(c.want).Overlaps(got), "%s", got)
				assert.Equal(t, subnetBits, got.Bits())
				for _, p := range c.in.never {
					assert.False(t, p.Overlaps(got), "%s is taken by %s", got, p)
				}
			}
		})
	}
}

// A drill's network is no route of this host, even where the range is one that the host has a way to.
func TestTheHostsRoutesStay(t *testing.T) {
	t.Parallel()
	d, notes := newBench(t)
	d.site.Network.Range = netip.MustParsePrefix("10.20.0.0/16")
	d.site.Network.Avoid = []string{"localhost", "no-such-host.invalid"}
	n, err := d.network(t.Context())
	require.NoError(t, err)
	assert.True(t, d.site.Network.Range.Overlaps(n.subnet))
	assert.Equal(t, &record.Network{Range: n.subnet.String(), Declared: "10.20.0.0/16"}, notes.Network())
	_, err = d.Boot(t.Context(), serving("db"))
	require.NoError(t, err)
	routes, err := hostnet.Routes()
	require.NoError(t, err)
	for _, r := range routes {
		assert.False(t, r.Overlaps(n.subnet) && r.Bits() >= n.subnet.Bits(), "the drill made the route %s", r)
	}
	own, err := hostnet.Addresses()
	require.NoError(t, err)
	for _, a := range own {
		assert.False(t, n.subnet.Contains(a.Addr()), "the drill gave this host the address %s", a)
	}
}
