package qemu

import (
	"context"
	_ "embed" // for the script
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// insideScript asks a Linux guest for everything at once: a command costs up to a second under emulation.
//
//go:embed inside.sh
var insideScript string

// insideView is what a guest says of itself.
type insideView struct {
	source   string // as record.Diagnosis has it
	findings []finding
	settled  bool // it has started everything that it starts
	sshd     bool // an SSH server runs

	addresses, routers, cards []string // addresses as "192.168.10.20/24 on ens3"
}

// inside asks the guest; an error when nobody in it answers within the limit.
func (m *Machine) inside(ctx context.Context, limit time.Duration) (insideView, error) {
	ch, err := within(ctx, limit, m.control)
	if err != nil {
		return insideView{}, err
	}
	r, err := ch.run(ctx, instance.Command{Args: []string{"/bin/sh", "-c", insideScript}})
	if err != nil {
		return insideView{}, err
	}
	if r.Exit != 0 {
		return insideView{}, fmt.Errorf("ask the guest how it is: exit code %d: %s", r.Exit, instance.LastLines(r.Stderr, 2))
	}
	source, _, _ := strings.Cut(ch.name(), " ")
	if source == "guest" {
		source = controlAgent
	}
	return readInside(r.Stdout, source), nil
}

// readInside makes findings of what the script printed. Several things of one class are one finding.
func readInside(output, source string) insideView {
	v := insideView{source: source}
	said := map[string][]string{}
	for l := range strings.Lines(output) {
		key, words, _ := strings.Cut(strings.TrimRight(l, "\n"), "\t")
		said[key] = append(said[key], strings.TrimSpace(words))
	}
	add := func(class, what string, words ...string) {
		if len(words) > 0 {
			v.findings = append(v.findings, finding{class: class, source: source, words: what + strings.Join(words, "; ")})
		}
	}
	add(classReadOnly, "read-only root: the kernel no longer writes to ", said["read-only"]...)
	add(classFull, "disk full: ", said["full"]...)
	add(classPackage, "package conflict: ", said["package"]...)
	for _, state := range said["state"] {
		v.settled = state == "running" || state == "degraded"
		if state == "maintenance" {
			add(classEmergency, "emergency mode: ", "systemd is in maintenance")
		}
	}
	locked := said["sshd-wrong"]
	for _, unit := range said["sshd-down"] {
		locked = append([]string{unit + " does not run"}, locked...)
	}
	add(classLockedOut, "ssh locked out: ", append(locked, said["locked"]...)...)
	v.sshd = len(said["sshd-up"]) > 0
	v.addresses, v.routers, v.cards = said["address"], said["router"], said["card"]

	var units []string
	for _, unit := range said["unit"] {
		name, _, _ := strings.Cut(unit, ":")
		if strings.HasPrefix(name, "ssh") && len(locked) > 0 {
			continue // told above, with its reason
		}
		units = append(units, unit)
	}
	if len(units) == len(said["unit"]) && len(units) > 0 && len(said["said"]) > 0 && said["said"][0] != "" {
		units[0] += ": " + said["said"][0]
	}
	add(classUnit, "unit failed: ", units...)
	add(classNoModule, "module missing: ", said["module"]...)
	return v
}

// silent tells that a guest has come up and does not have the address at which it is reached, as it says itself.
func (v insideView) silent(given netip.Addr) (finding, bool) {
	if !v.settled || len(v.cards) == 0 || slices.ContainsFunc(v.addresses, func(a string) bool {
		return strings.HasPrefix(a, given.String()+"/")
	}) {
		return finding{}, false
	}
	if len(v.addresses) == 0 {
		f := silence("its network card "+strings.Join(v.cards, ", ")+" has no address", given, v.source)
		f.lack = record.LackCard
		return f, true
	}
	words := "it has the address " + strings.Join(v.addresses, ", ")
	if len(v.routers) > 0 {
		words += " and the router " + v.routers[0]
	}
	return silence(words, given, v.source), true
}
