package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// edited changes files in the shop's root file system, by commands of debugfs. KERNEL is its kernel's name; "put FILE TEXT" writes a file,
// "lines N FILE" cuts one behind so many lines, and "tune OPTIONS" is a command of tune2fs.
func edited(commands ...string) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		raw, err := b.rawDisk(ctx)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, "pos.raw")
		if _, err := command(ctx, nil, "cp", "--sparse=always", raw, to); err != nil {
			return err
		}
		defer os.Remove(to)
		kernels, err := os.ReadFile("build/vm/kernels")
		if err != nil {
			return err
		}
		_, kernel, _ := strings.Cut(strings.SplitN(string(kernels), "\n", 2)[0], "=")
		for _, line := range commands {
			if err := edit(ctx, dir, to, strings.ReplaceAll(line, "KERNEL", kernel)); err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
		}
		return inQEMU(ctx, dir, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "/disk/pos.raw", "/disk/pos.qcow2")
	}
}

func edit(ctx context.Context, dir, disk, line string) error {
	root := fmt.Sprintf("%s?offset=%d", disk, rootAt)
	verb, rest, _ := strings.Cut(line, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch verb {
	case "tune":
		_, err := command(ctx, nil, tool("tune2fs"), append(strings.Fields(rest), root)...)
		return err
	case "lines":
		text, err := command(ctx, nil, tool("debugfs"), "-R", "cat "+second, root)
		n, err2 := strconv.Atoi(first)
		if err = errors.Join(err, err2); err != nil {
			return err
		}
		kept := strings.Join(strings.SplitAfterN(string(text), "\n", n+1)[:n], "")
		line = fmt.Sprintf("sif %s size %d", second, len(kept))
	case "put":
		file := filepath.Join(dir, "put")
		if err := os.WriteFile(file, []byte(second), 0o600); err != nil {
			return err
		}
		defer os.Remove(file)
		line = fmt.Sprintf("cd %s; rm %s; write %s %[2]s; sif %[2]s mode 0100644", path.Dir(first), path.Base(first), file)
	}
	c := exec.CommandContext(ctx, tool("debugfs"), "-w", "-f", "-", root)
	var errs strings.Builder
	c.Stdin, c.Stderr = strings.NewReader(strings.ReplaceAll(line, "; ", "\n")+"\n"), &errs
	err := c.Run()                                                                            // its exit code says nothing of the commands
	if said := strings.TrimSpace(errs.String()); err == nil && strings.Contains(said, "\n") { // its version is the first line
		err = errors.New(said)
	}
	return err
}
