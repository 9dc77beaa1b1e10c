package docker

import (
	"archive/tar"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// held are the capabilities that a machine's programs can have: those of all, and those that its scenario grants.
func (m *Machine) held() []string {
	return append(slices.Clone(m.capabilities()), m.own.Capabilities...)
}

// grants tells whether programs of the machine may gain rights when they are started: by capabilities of their files, or
// as setuid. They never gain more than it holds.
func (m *Machine) grants() bool { return len(m.own.Capabilities) > 0 }

const (
	grantLook = 10 * time.Second
	grantMost = 8 // files
)

var (
	refusedWords = regexp.MustCompile(`(?i)operation not permitted|no new privileges`)
	pathInWords  = regexp.MustCompile(`/[\w.+@/-]+`)
)

// Lacks implements instance.Lacking: a program that its own file gives rights which no machine of a drill has by itself does
// not start, and says no more than "operation not permitted"; one that wants a variable says so.
func (m *Machine) Lacks(ctx context.Context, console string) (kind, words string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grantLook)
	defer cancel()
	i, err := m.d.engine.client.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	if err != nil || i.Container.Config == nil {
		return "", ""
	}
	if names := wants(i.Container, console); len(names) > 0 {
		return record.LackVariable, strings.Join(names, ", ")
	}
	files := inPath(i.Container.Path, i.Container.Config.Env)
	for _, l := range strings.Split(instance.LastLines(console, 20), "\n") {
		if refusedWords.MatchString(l) {
			files = append(files, pathInWords.FindAllString(l, -1)...)
		}
	}
	for _, f := range files[:min(len(files), grantMost)] {
		caps, setuid, err := m.d.engine.rightsOf(ctx, m.id, f)
		if err != nil {
			continue
		}
		missing := slices.DeleteFunc(caps, func(c string) bool { return slices.Contains(m.held(), c) })
		switch {
		case len(missing) > 0:
			return record.LackCapability, f + ": " + strings.Join(missing, ", ")
		case setuid && !m.grants() && refusedWords.MatchString(console):
			return record.LackSetuid, f
		}
	}
	return "", ""
}

// inPath are the files that a program's name may stand for.
func inPath(name string, env []string) []string {
	if strings.HasPrefix(name, "/") {
		return []string{name}
	}
	folders := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, e := range env {
		if p, ok := strings.CutPrefix(e, "PATH="); ok {
			folders = p
		}
	}
	var all []string
	for _, f := range strings.Split(folders, ":") {
		all = append(all, path.Join(f, name))
	}
	return all
}

// rightsOf a file: the capabilities that it gives to its program, and whether that runs as the file's owner.
func (e *Engine) rightsOf(ctx context.Context, id, name string) (caps []string, setuid bool, err error) {
	_, err = e.follow(ctx, id, name, func(_ io.Reader, h *tar.Header) ([]byte, error) {
		caps = fileCapabilities([]byte(h.PAXRecords["SCHILY.xattr.security.capability"]))
		setuid = h.FileInfo().Mode()&fs.ModeSetuid != 0
		return nil, nil
	})
	return caps, setuid, err
}

// fileCapabilities reads the extended attribute security.capability: struct vfs_cap_data of linux/capability.h, whose second
// pair of words came with its revision 2.
func fileCapabilities(b []byte) (names []string) {
	const word, revision1 = 4, 0x01000000
	if len(b) < 3*word {
		return nil
	}
	set := uint64(binary.LittleEndian.Uint32(b[word:]))
	if binary.LittleEndian.Uint32(b)&0xff000000 != revision1 && len(b) >= 5*word {
		set |= uint64(binary.LittleEndian.Uint32(b[3*word:])) << 32
	}
	for n := range 64 {
		if set&(1<<n) == 0 {
			continue
		}
		if n < len(capabilityNames) {
			names = append(names, capabilityNames[n])
		} else {
			names = append(names, fmt.Sprint(n))
		}
	}
	return names
}

// capabilityNames by number, as in linux/capability.h.
var capabilityNames = []string{"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE",
	"SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN",
	"SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE"}
