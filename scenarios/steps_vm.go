package scenarios

import (
	"path"
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

// releasePattern is what uname -r prints.
var releasePattern = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$`)

// machineStep checks those actions that mostly virtual machines know.
func (r *review) machineStep(at string, s Step) {
	r.instance(at+".reboot", s.Reboot)
	if s.Snapshot != nil {
		r.instance(at+".snapshot.on", s.Snapshot.On)
		r.name(at+".snapshot.name", s.Snapshot.Name)
	}
	if s.Revert != nil {
		r.instance(at+".revert.on", s.Revert.On)
	}
	if s.Put != nil {
		r.instance(at+".put.on", s.Put.On)
		r.guestPath(at+".put.to", s.Put.To)
	}
	if s.Select != nil {
		r.instance(at+".select-kernel.on", s.Select.On)
		r.release(at+".select-kernel.release", s.Select.Release)
	}
	if s.Predict != nil {
		r.predictStep(at, *s.Predict)
	}
}

// predictStep checks what a prediction is about, and that there is something to predict.
func (r *review) predictStep(at string, s PredictStep) {
	if !strings.HasPrefix(at, "upgrade[") {
		r.problem(at, "move it into the scenario's upgrade, before the reboot", "predict belongs to the upgrade")
	}
	at += ".predict"
	r.instance(at+".on", s.On)
	packages, release := r.given(at+".packages"), r.given(at+".release")
	switch {
	case packages && release:
		r.problem(at, "keep packages for a kernel that comes, release for one that is there",
			"has both packages and release")
	case !packages && !release:
		r.problem(at, "add packages: the folder of its .deb files in the machine, or release",
			"says not which kernel is next")
	}
	r.guestPath(at+".packages", s.Packages)
	r.release(at+".release", s.Release)
	if s.Release == Before {
		r.problem(at+".release", "name the kernel that comes", "what runs already is loaded already")
	}
}

// guestPath checks a path within a machine.
func (r *review) guestPath(at, to string) {
	plain := path.IsAbs(to) && path.Clean(to) == strings.TrimSuffix(to, "/") && !strings.ContainsAny(to, "\x00\n*")
	if to != "" && !plain {
		r.problem(at, "give its full path within the machine", "%q is not a path", clip(to))
	}
}

// release checks the name of a kernel.
func (r *review) release(at, text string) {
	if text != "" && !releasePattern().MatchString(text) {
		r.problem(at, "write it as uname -r prints it, or before", "%q is not the release of a kernel", clip(text))
	}
}

// snapshots checks that each has a name of its own, and that those were taken before to which something is reverted.
func (r *review) snapshots() {
	all, taken, lost := map[string][]string{}, map[string][]string{}, map[string]bool{}
	r.sc.EachStep(func(_ string, s Step) {
		if s.Snapshot != nil {
			all[s.Snapshot.On] = append(all[s.Snapshot.On], s.Snapshot.Name)
		}
	})
	seen := map[string][]string{}
	r.sc.EachStep(func(at string, s Step) { // in the order in which they are taken
		fresh := s.Destroy
		if s.Boot != nil {
			fresh = s.Boot.Instance
		}
		switch {
		case fresh != "": // what was taken went with the disk
			lost[fresh], taken[fresh] = len(taken[fresh]) > 0 || lost[fresh], nil
		case s.Snapshot != nil:
			on, name := s.Snapshot.On, s.Snapshot.Name
			if slices.Contains(seen[on], name) {
				r.problem(at+".snapshot.name", "give each snapshot a name of its own",
					"%s has a snapshot %q already", on, clip(name))
			}
			taken[on], seen[on] = append(taken[on], name), append(seen[on], name)
		case s.Revert != nil && lost[s.Revert.On] && slices.Contains(seen[s.Revert.On], s.Revert.Name) &&
			!slices.Contains(taken[s.Revert.On], s.Revert.Name):
			r.problem(at+".revert.name", "revert before the step that destroys or boots it",
				"the snapshot %q went with the disk of %s in an earlier step", clip(s.Revert.Name), clip(s.Revert.On))
		case s.Revert != nil && s.Revert.Name != "" && !slices.Contains(taken[s.Revert.On], s.Revert.Name):
			r.untaken(at+".revert.name", *s.Revert, all[s.Revert.On])
		}
	})
}

// untaken is a revert to a snapshot that is not there yet, or never. taken are those of its machine.
func (r *review) untaken(at string, to SnapshotStep, taken []string) {
	step := "snapshot: {on: " + to.On + ", name: " + clip(to.Name) + "}"
	switch {
	case slices.Contains(taken, to.Name):
		r.problem(at, "move "+step+" before it", "the snapshot %q of %s is only taken in a later step",
			clip(to.Name), clip(to.On))
	case len(taken) > 0:
		r.problem(at, nearest(to.Name, taken, "snapshots: "), "no step takes a snapshot %q of %s", clip(to.Name), clip(to.On))
	default:
		r.problem(at, "take it in an earlier step: "+step, "no step takes a snapshot %q of %s", clip(to.Name), clip(to.On))
	}
}
