package scenarios

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/internal/lazy"
)

// kindVM is the kind of instances that are virtual machines.
const kindVM = "qemu"

// VM is what a virtual machine has beyond a container; every key has a default.
type VM struct {
	Firmware string `yaml:"firmware" enum:"bios uefi"`       // bios (default) | uefi
	Bus      string `yaml:"bus" enum:"virtio sata ide scsi"` // of the disk: virtio (default) | sata | ide | scsi
	Disks    []Disk `yaml:"disks"`                           // beside the one that it boots from, in this order
	Ports    []int  `yaml:"ports"`                           // TCP ports of the guest that can be reached; no other can
	// ways to run commands in it, best first: agent, ssh, serial; default agent, ssh
	Control []string `yaml:"control" enum:"agent ssh serial"`
	User    string   `yaml:"user"` // of ssh and serial; default root
	// of the serial console
	Password Secret `yaml:"password"`
	// of encrypted disks, typed where the serial console asks for it
	Unlock   Secret `yaml:"unlock"`
	MAC      string `yaml:"mac"`      // default: one of the hypervisor's own
	Hostname string `yaml:"hostname"` // given by DHCP; default: the image keeps its own
	// the address that the guest has set for itself, with its network: 192.168.10.20/24; default: DHCP gives it one
	Address string `yaml:"address"`
	Gateway string `yaml:"gateway"` // as the guest has it; default: the first address of its network
	DNS     string `yaml:"dns"`     // the name server in its network; default: the gateway. Those elsewhere need no key
	// RFC 3339: what its clock says at each boot; default: now
	Clock *time.Time `yaml:"clock"`
	Seed  string     `yaml:"seed"` // NoCloud user-data; it changes the instance
}

// Virtual tells whether an instance is a virtual machine: one with a disk and a kernel of its own.
func (in Instance) Virtual() bool { return in.Kind == kindVM }

// userPattern is what useradd takes.
var userPattern = lazy.Regexp(`^[a-z_][a-z0-9_-]{0,31}$`)

// machine checks what belongs to virtual machines alone, and what they do not have.
func (r *review) machine(n string, in Instance) {
	path := "instances." + n
	if !in.Virtual() {
		if r.given(path + ".vm") {
			r.problem(path+".vm", "say kind: qemu, or delete it", "belongs to a virtual machine")
		}
		return
	}
	if !r.given(path + ".boot") {
		r.problem(path, "add boot: the backup that holds its disk", "a virtual machine boots from a backup")
	}
	for _, key := range []string{"image", "load", "env", "command", "data", "capabilities"} {
		if r.given(path + "." + key) {
			r.problem(path+"."+key, "delete it; exec steps change the machine, vm.seed prepares one with cloud-init",
				"a virtual machine is what its disk holds")
		}
	}
	if in.Ready != nil {
		if r.given(path + ".ready.tcp") {
			r.problem(path+".ready.tcp", "say ready: {http: …} or ready: {exec: […]}", "%s", acceptedForIt)
		}
		if port, err := strconv.Atoi(portOf(in.Ready.HTTP)); err == nil {
			r.forwarded(path+".ready.http", in, port)
		}
	}
	if in.VM != nil {
		r.vm(path+".vm", *in.VM)
		r.disks(path+".vm", in.Boot, *in.VM)
	}
}

// acceptedForIt: QEMU's user-mode network accepts a connection before the guest listens, or lives.
const acceptedForIt = "a connection to a virtual machine is accepted for it, and so proves nothing"

// vm checks the keys of a virtual machine.
func (r *review) vm(path string, vm VM) {
	for i, port := range vm.Ports {
		at := index(path+".ports", i)
		if port < 1 || port > 65535 {
			r.problem(at, "give a port between 1 and 65535", "%d is not a port", port)
		} else if slices.Index(vm.Ports, port) < i {
			r.problem(at, "delete it", "port %d is given twice", port)
		}
	}
	for i, c := range vm.Control {
		if slices.Index(vm.Control, c) < i {
			r.problem(index(path+".control", i), "delete it", "%s is given twice", clip(c))
		}
	}
	if vm.User != "" && !userPattern().MatchString(vm.User) {
		r.problem(path+".user", "give the name of an account, such as admin", "%q is not a user", clip(vm.User))
	}
	if r.given(path+".password") && !slices.Contains(vm.Control, "serial") {
		r.problem(path+".password", "add serial to control, or delete it", "belongs to the serial console")
	}
	if mac, err := net.ParseMAC(vm.MAC); vm.MAC != "" && (err != nil || len(mac) != 6 || mac[0]&1 != 0) {
		r.problem(path+".mac", "write six pairs of digits, such as 52:54:00:12:34:56, the first one even",
			"%q is not the address of a network card", clip(vm.MAC))
	}
	r.machineNetwork(path, vm)
	if vm.Hostname != "" && !hostPattern().MatchString(vm.Hostname) {
		r.problem(path+".hostname", "give a DNS name, such as app01", "%q is not a host name", clip(vm.Hostname))
	}
}

// forwarded checks that a port of a virtual machine can be reached at all.
func (r *review) forwarded(path string, in Instance, port int) {
	if why := in.closed(port); why != "" {
		r.problem(path, "add it to vm.ports of the instance", "%s", why)
	}
}

// closed says why a port of an instance cannot be reached; "" when it can.
func (in Instance) closed(port int) string {
	if !in.Virtual() || port == 0 || in.VM != nil && slices.Contains(in.VM.Ports, port) {
		return ""
	}
	return "port " + strconv.Itoa(port) + " of a virtual machine is reached only where vm.ports names it"
}

// portOf is the port in an address like http://:8080/healthz.
func portOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	hostPort, _, _ := strings.Cut(rest, "/")
	return hostPort[strings.LastIndex(hostPort, ":")+1:]
}
