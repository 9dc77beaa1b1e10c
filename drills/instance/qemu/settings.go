package qemu

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/internal/lazy"
	"lifeboat/scenarios"
)

// Kind is virtual machines whose drivers are made by make.
func Kind(make instance.Factory) instance.Kind {
	return instance.Kind{New: make, Settings: decode, Is: "a virtual machine",
		Keys: append([]string{"vm"}, foreign...),
		Traits: instance.Traits{Isolation: instance.Sealed, Boots: instance.Disks, OwnKernel: true, OwnDisk: true, Accepts: true,
			Overhead: headroom}}
}

// foreign keys are of machines that are no more than what the scenario says of them.
var foreign = []string{"env", "command", "data", "capabilities"}

// VM is what a virtual machine has beyond other instances; every key has a default.
type VM struct {
	Firmware string `yaml:"firmware" enum:"bios uefi"`       // bios (default) | uefi
	Bus      string `yaml:"bus" enum:"virtio sata ide scsi"` // of the disk: virtio (default) | sata | ide | scsi
	Disks    []Disk `yaml:"disks"`                           // beside the one that it boots from, in this order
	Ports    []int  `yaml:"ports"`                           // TCP ports of the guest that can be reached; no other can
	// ways to run commands in it, best first: agent, ssh, serial; default agent, ssh
	Control []string `yaml:"control" enum:"agent ssh serial"`
	User    string   `yaml:"user"` // of ssh and serial; default root
	// of the serial console
	Password scenarios.Secret `yaml:"password"`
	// of encrypted disks, typed where the serial console asks for it
	Unlock   scenarios.Secret `yaml:"unlock"`
	MAC      string           `yaml:"mac"`      // default: one of the hypervisor's own
	Hostname string           `yaml:"hostname"` // given by DHCP; default: the image keeps its own
	// the address that the guest has set for itself, with its network: 192.168.10.20/24; default: DHCP gives it one
	Address string `yaml:"address"`
	Gateway string `yaml:"gateway"` // as the guest has it; default: the first address of its network
	DNS     string `yaml:"dns"`     // the name server in its network; default: the gateway. Those elsewhere need no key
	// RFC 3339: what its clock says at each boot; default: now
	Clock *time.Time `yaml:"clock"`
	Seed  string     `yaml:"seed"` // NoCloud user-data; it changes the instance
}

// Settings are the keys of an instance that is a virtual machine.
type Settings struct {
	VM *VM `yaml:"vm"` // what it has beyond other instances
}

// decode reads the keys of an instance, and says what a virtual machine does not have.
func decode(in scenarios.Instance) (instance.Settings, []scenarios.Problem) {
	s := &Settings{}
	r := &review{of: in.Settings, problems: in.Settings.Without(foreign...).Decode(s)}
	if !in.Settings.Has("boot") {
		r.problem("", "add boot: the backup that holds its disk", "a virtual machine boots from a backup")
	}
	for _, key := range append([]string{"image", "load"}, foreign...) {
		if in.Settings.Has(key) {
			r.problem(key, "delete it; exec steps change the machine, vm.seed prepares one with cloud-init",
				"a virtual machine is what its disk holds")
		}
	}
	if s.VM == nil {
		s.VM = &VM{}
	}
	r.vm(*s.VM)
	r.disks(in.Boot, *s.VM)
	return s, r.problems
}

// Fill implements instance.Settings.
func (s *Settings) Fill(r *instance.Request, reveal func(scenarios.Secret) (string, error)) error {
	vm := *s.VM
	for _, secret := range []*scenarios.Secret{&vm.Password, &vm.Unlock} {
		plain, err := reveal(*secret)
		if err != nil {
			return fmt.Errorf("set the secrets of %s: %w", r.Name, err)
		}
		*secret = scenarios.Plain(plain)
	}
	r.Own = &vm
	return nil
}

// revealed is a secret of a request, which Fill has read.
func revealed(s scenarios.Secret) string {
	text, _ := s.Reveal()
	return text
}

// Disks implements instance.Disked.
func (s *Settings) Disks() []instance.DiskKey {
	var all []instance.DiskKey
	for i, d := range s.VM.Disks {
		all = append(all, instance.DiskKey{Key: "vm.disks[" + strconv.Itoa(i) + "].backup", Backup: d.Backup})
	}
	return all
}

// Forwards implements instance.Forwarding.
func (s *Settings) Forwards() (key string, ports []int) { return "vm.ports", s.VM.Ports }

// Network implements instance.Networked.
func (s *Settings) Network() netip.Prefix { return s.VM.network() }

// Outline implements instance.Outlined.
func (s *Settings) Outline() (said []string) {
	say := func(what, value string) {
		if value != "" {
			said = append(said, what+" "+value)
		}
	}
	vm := s.VM
	say("firmware", vm.Firmware)
	say("disk on", vm.Bus)
	for _, d := range vm.Disks {
		say("also the disk", d.Backup)
	}
	var ports []string
	for _, p := range vm.Ports {
		ports = append(ports, strconv.Itoa(p))
	}
	say("ports", strings.Join(ports, " "))
	say("controlled by", strings.Join(vm.Control, " "))
	say("user", vm.User)
	say("MAC", vm.MAC)
	say("host name", vm.Hostname)
	if vm.Clock != nil {
		say("clock at", vm.Clock.Format(time.RFC3339))
	}
	if vm.Seed != "" {
		say("changed by", "a cloud-init seed")
	}
	return said
}

// review looks for what is wrong between the keys of a virtual machine.
type review struct {
	of       scenarios.Settings
	problems []scenarios.Problem
}

func (r *review) problem(path, hint, format string, args ...any) {
	r.problems = append(r.problems, r.of.Problem(path, hint, format, args...))
}

// userPattern is what useradd takes.
var userPattern = lazy.Regexp(`^[a-z_][a-z0-9_-]{0,31}$`)

// vm checks the keys of a virtual machine.
func (r *review) vm(vm VM) {
	for i, port := range vm.Ports {
		at := "vm.ports[" + strconv.Itoa(i) + "]"
		if port < 1 || port > 65535 {
			r.problem(at, "give a port between 1 and 65535", "%d is not a port", port)
		} else if slices.Index(vm.Ports, port) < i {
			r.problem(at, "delete it", "port %d is given twice", port)
		}
	}
	for i, c := range vm.Control {
		if slices.Index(vm.Control, c) < i {
			r.problem("vm.control["+strconv.Itoa(i)+"]", "delete it", "%s is given twice", scenarios.Clip(c))
		}
	}
	if vm.User != "" && !userPattern().MatchString(vm.User) {
		r.problem("vm.user", "give the name of an account, such as admin", "%q is not a user", scenarios.Clip(vm.User))
	}
	if r.of.Has("vm.password") && !slices.Contains(vm.Control, controlSerial) {
		r.problem("vm.password", "add serial to control, or delete it", "belongs to the serial console")
	}
	if mac, err := net.ParseMAC(vm.MAC); vm.MAC != "" && (err != nil || len(mac) != 6 || mac[0]&1 != 0) {
		r.problem("vm.mac", "write six pairs of digits, such as 52:54:00:12:34:56, the first one even",
			"%q is not the address of a network card", scenarios.Clip(vm.MAC))
	}
	r.network(vm)
	if vm.Hostname != "" && !scenarios.IsHostName(vm.Hostname) {
		r.problem("vm.hostname", "give a DNS name, such as app01", "%q is not a host name", scenarios.Clip(vm.Hostname))
	}
}
