package system

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// seekers are units that only wait for a network or fetch something from it: in a sandbox they fail on any machine.
var seekers = []string{"*-wait-online.service", "apt-daily*.service", "dnf-makecache.service", "fwupd-refresh.service", "motd-news.service",
	"cloud-init*.service", "cloud-config.service", "cloud-final.service", "ntpdate*.service", "ntpsec-wait.service", "certbot.service"}

// seeks tells whether a unit needs the network for what it does.
func seeks(unit string) bool {
	return slices.ContainsFunc(seekers, func(pattern string) bool {
		ok, err := path.Match(pattern, unit)
		return ok && err == nil
	})
}

// remote tells whether an entry of fstab is of another machine, which is not there.
func (e entry) remote() bool {
	return slices.Contains([]string{"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "9p", "virtiofs"}, e.Type) ||
		e.has("_netdev")
}

func (e entry) has(option string) bool { return slices.Contains(strings.Split(e.Options, ","), option) }

// Judge implements verifier.Check.
func (c *disk) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("disk", before, after, c.judge)
}

func (c *disk) judge(_ *booted, now booted) verifier.Answer {
	var units, excused []string
	for _, u := range now.Failed {
		switch said := u.Name + " (" + u.Result + ")"; {
		case slices.Contains(c.keys.Except, u.Name):
		case seeks(u.Name), slices.ContainsFunc(now.Absent, func(e entry) bool { return e.remote() && u.Name == mountUnit(e.Where) }):
			excused = append(excused, said)
		default:
			units = append(units, said)
		}
	}
	var absent, aside []string
	for _, e := range now.Absent {
		if said := fmt.Sprintf("%s (%s)", e.Where, e.What); e.remote() || e.has("nofail") {
			aside = append(aside, said)
		} else {
			absent = append(absent, said)
		}
	}
	a := c.answer(now, units, absent)
	a.Beside = append(a.Beside, record.Observation{ID: "unlooked.disk", Args: map[string]string{"instance": c.On(), "answers": "answers", "files": "files"}})
	add := func(id, key string, list []string) {
		if len(list) > 0 {
			a.Beside = append(a.Beside, record.Observation{ID: id, Args: map[string]string{"instance": c.On(), key: strings.Join(list, ", ")}})
		}
	}
	add("disk.sealed_units", "names", excused)
	add("disk.unmounted", "names", aside)
	add("disk.unlooked", "names", now.Unlooked)
	if now.Init != "" && now.State == "" {
		add("disk.other_init", "init", []string{now.Init})
	}
	return a
}

func (c *disk) answer(now booted, units, absent []string) verifier.Answer {
	switch {
	case now.Error != "":
		return verifier.Failed("the machine of %s does not run: %s", c.On(), now.Error)
	case now.Init == "" || len(now.FileSystems) == 0:
		return verifier.Crashed("%s said nothing of its disk", c.On())
	case len(now.Errors) > 0:
		device := slices.Sorted(maps.Keys(now.Errors))[0]
		return verifier.Failed("the file system on %s of %s has %d errors, as it counts them itself", device, c.On(), now.Errors[device])
	case len(now.Kernel) > 0:
		return verifier.Failed("the kernel of %s finds its disk damaged: %s", c.On(), now.Kernel[0])
	case len(now.Fsck) > 0:
		return verifier.Failed("a file system of %s had errors when it booted: %s", c.On(), now.Fsck[0])
	case now.State == "maintenance":
		return verifier.Failed("%s is in emergency mode and waits for a person", c.On())
	case len(absent) > 0:
		return verifier.Failed("%s does not mount what its fstab names: %s", c.On(), strings.Join(absent, ", "))
	case now.booting():
		return verifier.Silent(c.keys.Within.Std(), "%s is still booting after %s", c.On(), c.keys.Within)
	case len(units) > 0:
		return verifier.Failed("%d units of %s failed: %s; name those that may under except", len(units), c.On(), strings.Join(units, ", "))
	case now.State != "" && !now.Reached:
		return verifier.Failed("%s did not boot to its target %s", c.On(), now.Target)
	case now.State == "":
		return verifier.Passed("%s has %d file systems without an error", c.On(), len(now.FileSystems))
	}
	return verifier.Passed("%s booted to %s without a failed unit, and has %d file systems without an error", c.On(), now.Target,
		len(now.FileSystems))
}

// mountUnit is what systemd calls the mount of a folder of plain letters; of others nothing is known.
func mountUnit(where string) string {
	return strings.ReplaceAll(strings.Trim(where, "/"), "/", "-") + ".mount"
}
