package qemu

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// Sockets of the sandbox's namespace.
const (
	monitorSocket = "@lifeboat-qmp"
	agentSocket   = "@lifeboat-qga"
	serialSocket  = "@lifeboat-serial"
	diskSocket    = "@lifeboat-nbd"
	undoSocket    = "@lifeboat-undo" // a second monitor, for the process that heals faults
)

const (
	runScript  = diskDir + "/run"
	goScript   = diskDir + "/go"
	consoleLog = diskDir + "/console.log"
	seedDir    = diskDir + "/seed" // becomes a disk labelled cidata, cloud-init's NoCloud source
	// waitForGo holds the container back until lifeboat has judged the image, and the script to go on with is whole.
	waitForGo = "until [ \"$(tail -n 1 " + goScript + " 2>/dev/null)\" = '" + whole + "' ]; do sleep 0.05; done\n. " +
		goScript + "\n"
	whole = "# whole" // ends the script

	sshForward = 65022 // in the sandbox; odd on purpose, for restored services must find their ports free
	defaultCPU = 2
	throttle   = "lifeboat" // group that a fault sets limits of

	// What impairments find again in QEMU.
	diskNode      = "disk"  // the throttle in the block graph
	layerNode     = "layer" // of an overlay, followed by its number
	cardDevice    = "nic0"
	balloonDevice = "balloon"
)

// board is the machine type and where files are plugged in. Pinned: what the guest sees must not change
// with QEMU's version. An IDE disk needs the older board.
func board(bus string) (machine string, slots []string) {
	if bus == "ide" {
		return "pc-i440fx-7.2", []string{"pci.0", "pci.0"}
	}
	return "pc-q35-7.2", []string{"rp1", "rp2"}
}

// quote a word for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// start is the script that makes the newest overlay when it is missing and becomes QEMU.
func (m *Machine) start() (string, error) {
	args, err := m.arguments()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	top := m.layers[len(m.layers)-1]
	for _, v := range m.drives {
		fmt.Fprintf(&b, "[ -e %[1]s ] || qemu-img create -q -f qcow2 %[1]s %d || exit 1\n", v.path(top), v.virtual)
	}
	switch {
	case !m.uefi():
	case m.variables != "":
		fmt.Fprintf(&b, "cp %s %s || exit 1\n", m.variables, variablesPath)
	default:
		fmt.Fprintf(&b, "[ -e %[1]s ] || cp /usr/share/OVMF/OVMF_VARS_4M.fd %[1]s || exit 1\n", variablesPath)
	}
	b.WriteString(boundConsole(consoleLog, consoleMost, consoleKept, 5*time.Second))
	b.WriteString("exec qemu-system-x86_64")
	for _, a := range args {
		b.WriteString(" " + quote(a))
	}
	return b.String() + "\n" + whole + "\n", nil
}

func (m *Machine) arguments() ([]string, error) {
	vm := m.vm
	cpus := defaultCPU
	if m.request.CPUs > 0 {
		cpus = int(math.Ceil(m.request.CPUs))
	}
	socket := func(id, name string) string {
		return "socket,id=" + id + ",path=" + strings.TrimPrefix(name, "@") + ",abstract=on,server=on,wait=off"
	}
	machine, slots := board(vm.Bus)
	a := []string{"-name", m.Name(), "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std",
		"-accel", m.accel.argument(), "-cpu", "max", "-machine", machine + ",smm=off,graphics=off",
		"-m", strconv.FormatInt(m.memory()>>20, 10), "-smp", strconv.Itoa(cpus),
		"-action", "panic=none", "-device", "pvpanic", "-device", "virtio-rng-pci",
		"-device", "virtio-balloon-pci,id=" + balloonDevice,
		"-chardev", socket("qmp", monitorSocket), "-mon", "chardev=qmp,mode=control",
		"-chardev", socket("undo", undoSocket), "-mon", "chardev=undo,mode=control",
		"-chardev", socket("serial", serialSocket) + ",logfile=" + consoleLog + ",logappend=on", "-serial", "chardev:serial",
		"-device", "virtio-serial-pci", "-chardev", socket("qga", agentSocket),
		"-device", "virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"}
	for i, slot := range slots { // for the files that are put into the guest
		if slot != "pci.0" {
			a = append(a, "-device", fmt.Sprintf("pcie-root-port,id=%s,chassis=%d,slot=%[2]d", slot, i+1))
		}
	}
	if vm.Clock != nil {
		a = append(a, "-rtc", "base="+vm.Clock.UTC().Format("2006-01-02T15:04:05"))
	}
	if vm.Seed != "" {
		a = append(a, "-blockdev", `{"driver":"vvfat","node-name":"seed","dir":"`+seedDir+`","label":"cidata","read-only":true}`,
			"-device", "virtio-blk-pci,drive=seed,id=seed0")
	}
	if vm.Firmware == "uefi" {
		a = append(a, "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
			"-drive", "if=pflash,format=raw,file="+variablesPath)
	}
	if key := m.publicKey(); key != "" {
		credential := base64.StdEncoding.EncodeToString([]byte(key))
		a = append(a, "-smbios", "type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root="+credential)
	}
	disk, err := m.diskArguments()
	if err != nil {
		return nil, err
	}
	net, err := m.netArguments()
	if err != nil {
		return nil, err
	}
	return append(append(a, disk...), net...), nil
}

// putSeed writes what cloud-init reads at its first start. https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html
func (m *Machine) putSeed(ctx context.Context) error {
	if m.vm.Seed == "" {
		return nil
	}
	id := "instance-id: lifeboat-" + m.driver.site.Scope.Drill + "\n"
	if err := m.putFile(ctx, seedDir+"/meta-data", id); err != nil {
		return err
	}
	return m.putFile(ctx, seedDir+"/user-data", m.vm.Seed)
}

// putScript writes the script that the container starts with.
func (m *Machine) putScript(ctx context.Context, script string) error {
	return m.putFile(ctx, runScript, script)
}

// putFile writes a file below diskDir, the only folder that can be written to.
func (m *Machine) putFile(ctx context.Context, name, content string) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	below := strings.TrimPrefix(name, diskDir+"/")
	var err error
	if dir := path.Dir(below); dir != "." {
		err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755})
	}
	if err == nil {
		err = w.WriteHeader(&tar.Header{Name: below, Mode: 0o644, Size: int64(len(content))})
	}
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = m.hypervisor.Put(ctx, diskDir, &b)
	}
	if err != nil {
		return fmt.Errorf("write %s for %s: %w", name, m.Name(), err)
	}
	return nil
}
