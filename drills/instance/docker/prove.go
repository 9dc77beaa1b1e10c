package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// prove reads back from the engine what a restored container was given, before
// it runs: no capability beyond ours, no host folder, no engine socket, the
// sandbox's namespace and no other. Ways out that leave no packet behind
// (a raw socket that cannot be opened, a socket file that is not there) are
// proved here.
func (m *Machine) prove(ctx context.Context) error {
	i, err := m.d.engine.client.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("look at %s before its start: %w", m.slot, err)
	}
	h := i.Container.HostConfig
	var extra, mounts []string
	for _, c := range h.CapAdd {
		if !slices.Contains(m.held(), strings.TrimPrefix(c, "CAP_")) {
			extra = append(extra, c)
		}
	}
	if h.Privileged || !slices.Contains(h.CapDrop, "ALL") {
		extra = append(extra, "privileged")
	}
	for _, p := range i.Container.Mounts {
		if p.Type != mount.TypeVolume && !m.over.expects(p) {
			mounts = append(mounts, p.Source+" at "+p.Destination)
		}
	}
	for _, d := range h.Devices {
		if !m.over.holds(d.PathOnHost) {
			mounts = append(mounts, d.PathOnHost)
		}
	}
	other := string(h.NetworkMode) != "container:"+m.sandbox.id || h.PidMode != "" || h.IpcMode.IsHost()
	facts := []record.Probe{
		{Target: "raw socket", Address: "CAP_NET_RAW CAP_NET_ADMIN CAP_SYS_TIME", Protocol: "capability",
			Reached: len(extra) > 0, Detail: told(extra, m.granted())},
		{Target: "host folder", Address: "/var/run/docker.sock and all others", Protocol: "mount",
			Reached: len(mounts) > 0 || len(h.Binds) > 0, Detail: told(append(mounts, h.Binds...),
				"only this drill's volumes, and of a virtual machine its backup, read-only")},
		{Target: "namespace", Address: string(h.NetworkMode)[:min(22, len(h.NetworkMode))], Protocol: "namespace",
			Reached: other,
			Detail:  "the network namespace is the sandbox's, all others are its own"},
	}
	filtered := slices.ContainsFunc(h.SecurityOpt, func(o string) bool { return strings.HasPrefix(o, "seccomp={") })
	facts = append(facts, record.Probe{Target: "hypervisor", Address: "AF_VSOCK", Protocol: "seccomp", Reached: !filtered,
		Detail: "the filter of system calls is lifeboat's own"})
	var open []record.Probe
	for _, f := range facts {
		s := record.Subject{Instance: m.slot, Generation: m.request.Generation}
		if err := m.d.site.Journal.Append(record.KindProbe, s, f); err != nil {
			return fmt.Errorf("write the proof of %s to the journal: %w", m.slot, err)
		}
		if f.Reached {
			open = append(open, f)
		}
	}
	if len(open) > 0 {
		return &instance.LeakError{Instance: m.slot, Probes: open}
	}
	return nil
}

// granted are the words for what a machine holds beyond others.
func (m *Machine) granted() string {
	if !m.grants() {
		return "none of them is held"
	}
	return "none of them is held; the scenario grants " + strings.Join(m.own.Capabilities, ", ")
}

func told(found []string, none string) string {
	if len(found) == 0 {
		return none
	}
	return strings.Join(found, ", ")
}
