package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// kill ends a process and its descendants: an engine has no call that ends a
// command. args are the container's id and the process id on the engine's
// host; the process must belong to that container.
func kill(args []string) error {
	if len(args) != 2 || len(args[0]) < 12 {
		return errors.New("want CONTAINER PID")
	}
	root, err := strconv.Atoi(args[1])
	if err != nil || root <= 1 {
		return fmt.Errorf("process id %q", args[1])
	}
	group, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", root))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !strings.Contains(string(group), args[0]) {
		return fmt.Errorf("process %d does not belong to container %.12s", root, args[0])
	}
	for _, pid := range descendants(root) {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	return nil
}

// descendants lists a process and all below it, the process first.
func descendants(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range stats {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		s := string(b)
		fields := strings.Fields(s[strings.LastIndex(s, ")")+1:])
		pid, err := strconv.Atoi(strings.Split(f, "/")[2])
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}
