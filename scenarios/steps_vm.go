package scenarios

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

// releasePattern is what uname -r prints.
var releasePattern = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$`)

// SnapshotStep freezes the disk of a virtual machine under a name, or goes back to it.
type SnapshotStep struct {
	On   string `yaml:"on" jsonschema:"required"`
	Name string `yaml:"name" jsonschema:"required"` // unique for its machine
}

func (s *SnapshotStep) String() string { return fmt.Sprintf("snapshot %s as %s", s.On, s.Name) }

// Traits implements Action.
func (s *SnapshotStep) Traits() Traits { return Traits{On: s.On, OwnDisk: true} }

func (s *SnapshotStep) review(r *review, at string) {
	r.instance(at+".on", s.On)
	r.name(at+".name", s.Name)
}

// RevertStep goes back to a snapshot.
type RevertStep SnapshotStep

func (s *RevertStep) String() string { return fmt.Sprintf("revert %s to %s", s.On, s.Name) }

// Traits implements Action.
func (s *RevertStep) Traits() Traits {
	return Traits{On: s.On, Begun: "booting", OwnDisk: true, Fresh: true, Rebuilt: true, Changes: true}
}

func (s *RevertStep) review(r *review, at string) { r.instance(at+".on", s.On) }

// SelectStep makes the boot loader of a machine choose an installed kernel from the next boot on.
type SelectStep struct {
	On string `yaml:"on" jsonschema:"required"`
	// as uname -r prints it; or before: the one that ran when the baseline was taken
	Release string `yaml:"release" jsonschema:"required"`
}

// Before is the kernel that ran when the baseline was taken, as a SelectStep calls it.
const Before = "before"

func (s *SelectStep) String() string { return fmt.Sprintf("select kernel %s on %s", s.Release, s.On) }

// Traits implements Action.
func (s *SelectStep) Traits() Traits { return Traits{On: s.On, OwnDisk: true, Changes: true} }

func (s *SelectStep) review(r *review, at string) {
	r.instance(at+".on", s.On)
	r.release(at+".release", s.Release)
}

// PredictStep asks, before the reboot into another kernel, which modules of third parties will not load on it.
type PredictStep struct {
	On string `yaml:"on" jsonschema:"required"`
	// the other kernel's packages in the machine: a folder of .deb files, or one of them; or
	Packages string `yaml:"packages"`
	// its release, of a kernel that is installed already
	Release string `yaml:"release"`
	// stop (default): a conflict ends the drill, and nothing is rehearsed; go-on: it is written down
	OnConflict string `yaml:"on_conflict" enum:"stop go-on"`
}

func (s *PredictStep) defaults() { s.OnConflict = "stop" }

func (s *PredictStep) String() string {
	return fmt.Sprintf("predict the modules of %s for %s", s.On, s.Packages+s.Release)
}

// Traits implements Action.
func (s *PredictStep) Traits() Traits { return Traits{On: s.On, OwnDisk: true} }

// review checks what a prediction is about, and that there is something to predict.
func (s *PredictStep) review(r *review, at string) {
	if !strings.HasPrefix(at, "upgrade[") {
		r.problem(strings.TrimSuffix(at, ".predict"), "move it into the scenario's upgrade, before the reboot",
			"predict belongs to the upgrade")
	}
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
		_, action := s.Action()
		switch s := action.(type) {
		case *SnapshotStep:
			if slices.Contains(seen[s.On], s.Name) {
				r.problem(at+".snapshot.name", "give each snapshot a name of its own",
					"%s has a snapshot %q already", s.On, clip(s.Name))
			}
			taken[s.On], seen[s.On] = append(taken[s.On], s.Name), append(seen[s.On], s.Name)
		case *RevertStep:
			switch there := slices.Contains(taken[s.On], s.Name); {
			case !there && lost[s.On] && slices.Contains(seen[s.On], s.Name):
				r.problem(at+".revert.name", "revert before the step that destroys or boots it",
					"the snapshot %q went with the disk of %s in an earlier step", clip(s.Name), clip(s.On))
			case !there && s.Name != "":
				r.untaken(at+".revert.name", *s, all[s.On])
			}
		case nil:
		default:
			if t := action.Traits(); t.Fresh { // what was taken went with the disk
				lost[t.On], taken[t.On] = len(taken[t.On]) > 0 || lost[t.On], nil
			}
		}
	})
}

// untaken is a revert to a snapshot that is not there yet, or never. taken are those of its machine.
func (r *review) untaken(at string, to RevertStep, taken []string) {
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
