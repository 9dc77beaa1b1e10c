package docker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"
)

// Capacity tells what the engine's host has left, in bytes: disk where the
// engine keeps its data, and memory. Disk is -1 when the engine is not on this
// host, and memory then all that the engine's host has.
func Capacity(ctx context.Context) (freeDisk, memory int64, err error) {
	e, err := Open(nil)
	if err != nil {
		return 0, 0, err
	}
	defer e.Close()
	i, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return 0, 0, fmt.Errorf("ask the Docker engine at %s for its capacity: %w", e.host, err)
	}
	memory, freeDisk = i.Info.MemTotal, -1
	if !strings.HasPrefix(e.host, "unix://") {
		return freeDisk, memory, nil
	}
	if m, err := availableMemory("/proc/meminfo"); err == nil {
		memory = min(memory, m)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(i.Info.DockerRootDir, &fs); err == nil {
		freeDisk = int64(fs.Bavail) * int64(fs.Bsize)
	}
	return freeDisk, memory, nil
}

// Roots are the folders of this host below which the engine keeps what containers write and what images hold; none when
// the engine is not on this host.
func Roots(ctx context.Context) ([]string, error) {
	e, err := Open(nil)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if !strings.HasPrefix(e.host, "unix://") {
		return nil, nil
	}
	i, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the Docker engine at %s where it keeps its data: %w", e.host, err)
	}
	return []string{i.Info.DockerRootDir, containerdRoot}, nil
}

// containerdRoot is where engines that use containerd's image store keep images and layers.
const containerdRoot = "/var/lib/containerd"

func availableMemory(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, _ := strings.Cut(s.Text(), ":"); k == "MemAvailable" {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s does not tell the available memory", path)
}
