package qemu

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"lifeboat/drills/instance"
)

// smallTar goes through the guest's own channel; what is larger is plugged in as a disk.
const smallTar = 512 << 10

// Put implements instance.Machine. A large tar stream becomes a read-only disk that is plugged in for as
// long as the guest unpacks it: 0.6 s, where the agent would take minutes.
func (m *Machine) Put(ctx context.Context, dir string, stream io.Reader) error {
	small := int64(smallTar)
	if ch, err := m.control(ctx); err == nil {
		if _, slow := ch.(*serialChannel); slow {
			small = serialTar
		}
	}
	var head bytes.Buffer
	_, err := io.CopyN(&head, stream, small)
	if err == io.EOF {
		err = m.putSmall(ctx, dir, head.Bytes())
	} else if err == nil {
		err = m.putLarge(ctx, dir, io.MultiReader(&head, stream))
	}
	if err != nil {
		return fmt.Errorf("put files into %s: %w", m.Name(), err)
	}
	return nil
}

func (m *Machine) putSmall(ctx context.Context, dir string, tar []byte) error {
	ch, err := m.control(ctx)
	if err != nil {
		return err
	}
	const at = "/run/lifeboat-put.tar"
	if err := ch.write(ctx, at, tar); err != nil {
		return err
	}
	return m.guestScript(ctx, `mkdir -p "$1" && tar -x -C "$1" -f "$2"; e=$?; rm -f "$2"; exit $e`, dir, at)
}

func (m *Machine) putLarge(ctx context.Context, dir string, stream io.Reader) (err error) {
	q, err := m.qmp(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.puts++
	id := fmt.Sprintf("put%d", m.puts)
	m.mu.Unlock()
	file := diskDir + "/" + id + ".tar"
	res, err := m.hypervisor.Exec(ctx, instance.Command{Stdin: stream,
		Args: []string{"/bin/sh", "-c", `cat >"$0" && truncate -s %512 "$0"`, file}})
	if err != nil {
		return err
	}
	if res.Exit != 0 {
		return fmt.Errorf("write the files to a disk: %s", instance.LastLines(res.Stderr, 2))
	}
	_, slots := board(m.vm.Bus)
	if err := q.do(ctx, "blockdev-add", map[string]any{"driver": "raw", "node-name": id, "read-only": true,
		"file": map[string]any{"driver": "file", "filename": file, "read-only": true}}, nil); err != nil {
		return err
	}
	if err := q.do(ctx, "device_add", map[string]any{"driver": "virtio-blk-pci", "id": id + "-disk",
		"bus": slots[m.puts%len(slots)], "drive": id, "serial": id}, nil); err != nil {
		return err
	}
	defer func() {
		if e := m.unplug(context.WithoutCancel(ctx), q, id); e != nil && err == nil {
			err = e
		}
	}()
	return m.guestScript(ctx, unpack, dir, id)
}

// unpack waits for the disk by its serial number, without udev, and unpacks it.
const unpack = `mkdir -p "$1" || exit 1
for try in $(seq 100); do
  for d in /sys/block/vd*; do
    if [ "$(cat "$d/serial" 2>/dev/null)" = "$2" ]; then
      exec tar -x -C "$1" -f "/dev/${d##*/}"
    fi
  done
  sleep 0.1
done
echo "no disk with serial number $2 came up" >&2
exit 1`

// unplug takes the disk out and deletes its file.
func (m *Machine) unplug(ctx context.Context, q *monitor, id string) error {
	gone, stop := q.events()
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, monitorLimit)
	defer cancel()
	err := q.do(ctx, "device_del", map[string]any{"id": id + "-disk"}, nil)
	if err == nil {
		_, err = q.await(ctx, gone, "DEVICE_DELETED")
	}
	if err == nil {
		err = q.do(ctx, "blockdev-del", map[string]any{"node-name": id}, nil)
	}
	if err == nil {
		_, err = m.hypervisor.Exec(ctx, instance.Command{Args: []string{"rm", "-f", diskDir + "/" + id + ".tar"}})
	}
	if err != nil {
		return fmt.Errorf("take the files' disk out again: %w", err)
	}
	return nil
}

// guestScript runs a shell script in the guest; an exit code other than 0 is an error.
func (m *Machine) guestScript(ctx context.Context, script string, args ...string) error {
	r, err := m.Exec(ctx, instance.Command{Args: append([]string{"/bin/sh", "-c", script, "sh"}, args...)})
	if err != nil {
		return err
	}
	if r.Exit != 0 {
		return fmt.Errorf("exit code %d: %s", r.Exit, instance.LastLines(r.Stderr, 3))
	}
	return nil
}
