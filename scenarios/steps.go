package scenarios

import (
	"slices"
	"strconv"
	"strings"
)

// stepKeys are what a step can be; exactly one of them is set.
var stepKeys = []string{"exec", "stop", "start", "destroy", "boot", "restore", "script", "wait",
	"reboot", "snapshot", "revert", "put", "select-kernel", "predict"}

// StepKeys lists what a step can be.
func StepKeys() []string { return slices.Clone(stepKeys) }

// EachStep visits the steps of the preparation, of every upgrade and of every rollback, in their order.
func (s *Scenario) EachStep(visit func(path string, st Step)) {
	each := func(path string, steps []Step) {
		for i, st := range steps {
			visit(index(path, i), st)
		}
	}
	each("prepare", s.Prepare)
	each("upgrade", s.Upgrade)
	for k, in := range s.Incidents {
		each(s.part(k, "upgrade"), in.Upgrade)
		each(s.part(k, "rollback"), in.Rollback)
	}
}

// steps checks the actions of every upgrade and of every rollback.
func (r *review) steps() {
	r.sc.EachStep(r.step)
	r.snapshots()
}

// step checks one action.
func (r *review) step(path string, s Step) {
	var set []string
	for _, key := range stepKeys {
		if r.given(path + "." + key) {
			set = append(set, key)
		}
	}
	switch {
	case len(set) == 0:
		r.problem(path, "give one of "+strings.Join(stepKeys, ", "), "does nothing")
	case len(set) > 1:
		r.problem(path, "write each as a step of its own", "does several things at once: %s", strings.Join(set, ", "))
	}
	if s.Timeout == 0 {
		r.problem(path+".timeout", "", "cannot be 0s")
	}
	r.instance(path+".stop", s.Stop)
	r.instance(path+".start", s.Start)
	r.instance(path+".destroy", s.Destroy)
	r.instance(path+".restore", s.Restore)
	if in, ok := r.sc.Instances[s.Restore]; ok && in.Load == "" {
		r.problem(path+".restore", "boot it instead, or give the instance a backup under load",
			"%s has no backup that is loaded", s.Restore)
	}
	if s.Exec != nil {
		r.instance(path+".exec.on", s.Exec.On)
	}
	if s.Boot != nil {
		r.bootStep(path+".boot", *s.Boot)
	}
	if s.Script != nil {
		for i, n := range s.Script.Backups {
			r.backup(index(path+".script.backups", i), n)
		}
	}
	if s.Wait != nil {
		r.waitStep(path+".wait", *s.Wait)
	}
	r.machineStep(path, s)
}

// bootStep checks what an instance is booted from.
func (r *review) bootStep(path string, s BootStep) {
	if r.given(path + ".instance") {
		r.instance(path+".instance", s.Instance)
	} else {
		r.instance(path, s.Instance)
	}
	r.backup(path+".from", s.From)
	if s.Image != "" && s.From != "" {
		r.problem(path, "keep image for the engine's own, from for one in a backup", "has both image and from")
	}
	if len(s.DropData) > 0 && !s.KeepData {
		r.problem(path+".drop_data", "add keep_data: true, or delete it", "all data are new without keep_data")
	}
}

// waitStep checks that the check exists.
func (r *review) waitStep(path string, s WaitStep) {
	var names []string
	for _, c := range r.sc.Checks.All() {
		names = append(names, c.Name)
	}
	if s.Check != "" && !slices.Contains(names, s.Check) {
		for i, n := range names {
			names[i] = strconv.Quote(n)
		}
		r.problem(path+".check", nearest(strconv.Quote(s.Check), names, "checks: "), "there is no check %q", clip(s.Check))
	}
	if s.Within == 0 {
		r.problem(path+".within", "", "cannot be 0s")
	}
}
