package scenarios

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"lifeboat/internal/lazy"
)

// namePattern: names become part of host names, labels and paths.
var namePattern = lazy.Regexp(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// hostPattern is a DNS name.
var hostPattern = lazy.Regexp(`^(` + label + `\.)*` + label + `$`)

const label = `[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?`

var sha256Digest = lazy.Regexp(`^sha256:[0-9a-f]{64}$`)

const (
	hintName   = "use lower-case letters, digits and hyphens, at most 63"
	hintDigest = "write sha256: and 64 hexadecimal digits, as sha256sum prints them"
	hintTarget = "write host:port, such as db:5432"
)

// names checks how things are called and what restored systems may reach.
func (r *review) names() {
	r.name("scenario", r.sc.Name)
	for _, n := range keysOf(r.sc.Backups) {
		r.name("backups."+n, n)
	}
	for _, n := range keysOf(r.sc.Instances) {
		r.name("instances."+n, n)
	}
	if s := r.sc.Series; r.given("series") && s != "" && (strings.ContainsAny(s, "/\\\n") || s[0] == '.') {
		r.problem("series", "give a name without slashes that does not begin with a dot", "%q cannot name a series", clip(s))
	}
	for i, target := range r.sc.Egress.Allow {
		if h, port, ok := SplitTarget(target); !ok || !hostPattern().MatchString(h) && net.ParseIP(h) == nil {
			r.problem(index("egress.allow", i), hintTarget, "%q is not a host with a port", clip(target))
		} else if port == "0" {
			r.problem(index("egress.allow", i), "", "port 0 cannot be reached")
		}
	}
	for i, target := range r.sc.Egress.Expected {
		h, _, ok := SplitTarget(target)
		if !ok {
			h = target
		}
		if !hostPattern().MatchString(h) && net.ParseIP(h) == nil {
			r.problem(index("egress.expected", i), "write a host or host:port", "%q is not a host", clip(target))
		}
	}
}

// name checks one name; an empty one is somebody else's problem.
func (r *review) name(path, text string) {
	if text != "" && !namePattern().MatchString(text) {
		r.problem(path, hintName, "%q is not a name", clip(text))
	}
}

// backups checks how backups are picked and that each is put to the test.
func (r *review) backups() {
	for _, n := range keysOf(r.sc.Backups) {
		b, path := r.sc.Backups[n], "backups."+n
		if b.Digest != "" && !sha256Digest().MatchString(b.Digest) {
			r.problem(path+".digest", hintDigest, "%q is not a digest", clip(b.Digest))
		}
		if r.given(path+".throttle") && b.Throttle == 0 {
			r.problem(path+".throttle", "delete it for no limit", "nothing is restored at 0B/s")
		}
		if r.given(path+".shrink") && (b.Shrink == 0 || b.Shrink == 100) {
			r.problem(path+".shrink", "give a share between them, such as 30%; without shrink any size will do",
				"%s: every smaller one fails of 0%%, and none of 100%%", b.Shrink)
		}
		if r.given(path+".min_size") && b.MinSize == 0 {
			r.problem(path+".min_size", "delete it for no limit", "nothing is smaller than 0B")
		}
		if r.given(path+".retention") && (b.Retention.Keep < 0 || b.Retention == Retention{}) {
			r.problem(path+".retention", "write {keep: 7, oldest: 30d}, or one of them", "it promises nothing")
		}
		if _, err := LoadZone(b.TimeZone); b.TimeZone != "" && err != nil {
			r.problem(path+".timezone", "as IANA names it, such as Asia/Shanghai or UTC", "%q is not a time zone",
				clip(b.TimeZone))
		}
	}
}

// backup checks a reference to a backup.
func (r *review) backup(path, to string) {
	if _, ok := r.sc.Backups[to]; to != "" && !ok {
		r.problem(path, nearest(to, keysOf(r.sc.Backups), "backups: "), "there is no backup %q", clip(to))
	}
}

// instance checks a reference to an instance.
func (r *review) instance(path, to string) {
	if _, ok := r.sc.Instances[to]; to != "" && !ok {
		r.problem(path, nearest(to, keysOf(r.sc.Instances), "instances: "), "there is no instance %q", clip(to))
	}
}

// reachable tells whether a host name is an instance or one of its aliases.
func (r *review) reachable(h string) bool {
	if _, ok := r.sc.Instances[h]; ok {
		return true
	}
	for _, in := range r.sc.Instances {
		if slices.Contains(in.Aliases, h) {
			return true
		}
	}
	return false
}

// IsHostName tells whether a text is a DNS name.
func IsHostName(text string) bool { return hostPattern().MatchString(text) }

// SplitTarget takes host:port apart; false: it is none.
func SplitTarget(text string) (string, string, bool) {
	h, port, err := net.SplitHostPort(text)
	n, bad := strconv.ParseUint(port, 10, 16)
	return h, port, err == nil && bad == nil && h != "" && strconv.FormatUint(n, 10) == port
}

// index is the path of the i-th item of a list.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// OwnPorts are those on which lifeboat itself listens in every sandbox, beside what was restored: whoever asks them
// hears lifeboat, whatever became of the system.
func OwnPorts() []int { return []int{65017, 65018, 65053} }

const hintOwnPort = "name the port on which the restored service listens"

var (
	ownAddress = lazy.Regexp(`:(65017|65018|65053)(?:\D|$)`)
	ownNumber  = lazy.Regexp(`(?:^|[^\w.])(65017|65018|65053)(?:\W|$)`)
	portKeys   = []string{"tcp", "port", "ports"}
)

// ownPorts finds lifeboat's own ports anywhere in a scenario: as a number where a port belongs, or in an address.
func (r *review) ownPorts(key string, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.ownPorts(n.Content[i].Value, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			r.ownPorts(key, item)
		}
	case yaml.ScalarNode:
		number, err := strconv.Atoi(n.Value)
		switch m := ownAddress().FindStringSubmatch(n.Value); {
		case m != nil:
			r.ownPort(r.file, at(n), m[1])
		case err == nil && slices.Contains(OwnPorts(), number) && slices.Contains(portKeys, key):
			r.ownPort(r.file, at(n), n.Value)
		}
	}
}

// ownPortsIn finds them in a flow's script.
func (r *review) ownPortsIn(file string, script []byte) {
	for _, m := range ownNumber().FindAllSubmatchIndex(script, -1) {
		line, column := 1, 1
		for _, c := range string(script[:m[2]]) {
			if column++; c == '\n' {
				line, column = line+1, 1
			}
		}
		r.ownPort(file, Pos{Line: line, Column: column}, string(script[m[2]:m[3]]))
	}
}

func (r *review) ownPort(file string, pos Pos, port string) {
	r.problems = append(r.problems, Problem{File: pos.In(file), Line: pos.Line, Column: pos.Column, Hint: hintOwnPort,
		Message: "port " + port + " is lifeboat's own in every sandbox: it answers whatever became of the system"})
}

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
