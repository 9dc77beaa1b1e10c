package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/qemu/nbd"
)

// drive is one disk of a machine. The first is the one that it boots from.
type drive struct {
	index   int
	image   instance.DiskImage
	spec    Disk
	virtual int64 // size of the disk, bytes
	here    bool  // QEMU opens the image's file itself; otherwise lifeboat reads it for QEMU
	layout  layout
	stop    context.CancelFunc // whoever serves it
	served  *nbd.Server
}

// suffix tells what belongs to a drive from what belongs to others; nothing for the first.
func (v *drive) suffix() string {
	if v.index == 0 {
		return ""
	}
	return "-" + strconv.Itoa(v.index)
}

func (v *drive) backup() string { return backupPath + v.suffix() }
func (v *drive) socket() string { return diskSocket + v.suffix() }
func (v *drive) head() string   { return diskDir + "/head" + v.suffix() + ".raw" }

// said is a file with what qemu-img said of the image.
func (v *drive) said(what string) string { return diskDir + "/" + what + v.suffix() }

// node is the throttle of the drive in the block graph. All are limited together.
func (v *drive) node() string {
	if v.index == 0 {
		return diskNode
	}
	return diskNode + strconv.Itoa(v.index)
}

// path of the drive's overlay of a layer.
func (v *drive) path(l layer) string {
	return diskDir + "/" + strconv.Itoa(l.number) + v.suffix() + ".qcow2"
}

// layerNode is the node of that overlay. Only those of the first drive are what faults of the disk look for.
func (v *drive) layerNode(l layer) string {
	if v.index == 0 {
		return layerNode + strconv.Itoa(l.number)
	}
	return fmt.Sprintf("more%d-%d", v.index, l.number)
}

// imageNode is the block graph of the backup: declared format, read-only, no backing file whatever
// the image says.
func (v *drive) imageNode() map[string]any {
	file := map[string]any{"driver": "file", "filename": v.backup(), "read-only": true}
	if !v.here {
		file = map[string]any{"driver": "nbd", "read-only": true, "open-timeout": 30, "reconnect-delay": 30,
			"server": map[string]any{"type": "unix", "path": strings.TrimPrefix(v.socket(), "@"), "abstract": true}}
	}
	n := map[string]any{"driver": formats[v.image.Format], "read-only": true, "file": file}
	if v.image.Format == "qcow2" || v.image.Format == "vmdk" {
		n["backing"] = nil
	}
	return n
}

// graph is the backup, the overlays on it, and a throttle without limits.
func (v *drive) graph(layers []layer) (string, error) {
	node := v.imageNode()
	for i, l := range layers {
		node = map[string]any{"driver": "qcow2", "node-name": v.layerNode(l), "backing": node, "discard": "unmap",
			"cache": map[string]any{"no-flush": true}, // the overlay is disposable: nothing needs to survive the host
			"file":  map[string]any{"driver": "file", "filename": v.path(l), "discard": "unmap"}}
		if i < len(layers)-1 {
			node["read-only"] = true
		}
	}
	graph, err := json.Marshal(map[string]any{"driver": "throttle", "node-name": v.node(), "throttle-group": throttle,
		"file": node})
	return string(graph), err
}

// device is the drive as the guest sees it, on a bus whose controller is there.
func (v *drive) device() (string, error) {
	d := "drive=" + v.node() + ",id=disk" + strconv.Itoa(v.index)
	if v.index == 0 {
		d += ",bootindex=0"
	}
	if v.spec.Serial != "" {
		d += ",serial=" + v.spec.Serial
	}
	if v.spec.WWN != "" {
		d += ",wwn=" + v.spec.WWN
	}
	switch v.spec.Bus {
	case "sata":
		return fmt.Sprintf("ide-hd,bus=ahci0.%d,%s", v.index, d), nil
	case "ide": // two on each of two cables
		return fmt.Sprintf("ide-hd,bus=ide.%d,unit=%d,%s", v.index/2, v.index%2, d), nil
	case "scsi":
		return fmt.Sprintf("scsi-hd,bus=scsi0.0,scsi-id=%d,%s", v.index, d), nil
	case "", "virtio":
		return "virtio-blk-pci," + d, nil
	}
	return "", fmt.Errorf("there is no bus %q", v.spec.Bus)
}

// diskArguments are the drives, in their order, and the controllers that they need.
func (m *Machine) diskArguments() ([]string, error) {
	a := []string{"-object", "throttle-group,id=" + throttle}
	controllers := map[string]string{"sata": "ich9-ahci,id=ahci0", "scsi": "virtio-scsi-pci,id=scsi0"}
	for _, v := range m.drives {
		graph, err := v.graph(m.layers)
		if err != nil {
			return nil, err
		}
		device, err := v.device()
		if err != nil {
			return nil, fmt.Errorf("boot %s: %w", m.Name(), err)
		}
		a = append(a, "-blockdev", graph)
		if c := controllers[v.spec.Bus]; c != "" {
			a = append(a, "-device", c)
			delete(controllers, v.spec.Bus)
		}
		a = append(a, "-device", device)
	}
	return a, nil
}

// same tells that an image became another one since it was opened.
func (m *Machine) same() error {
	var errs []error
	for _, v := range m.drives {
		errs = append(errs, v.image.Disk.Same())
	}
	return errors.Join(errs...)
}

// diskFailed is the first error of the places where the images lie.
func (m *Machine) diskFailed() error {
	for _, v := range m.drives {
		if v.served == nil {
			continue
		}
		if err := v.served.Err(); err != nil {
			return fmt.Errorf("read the disk of %s where it lies: %w", m.Name(), err)
		}
	}
	return nil
}
