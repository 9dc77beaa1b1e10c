package drills

import (
	"fmt"
	"path/filepath"
	"strings"

	"lifeboat/scenarios"
)

// describe a step in words, for the plan, the journal and the report, which knows these forms in other languages.
func describe(st scenarios.Step) string {
	switch {
	case st.Exec != nil:
		return fmt.Sprintf("exec on %s: %s", st.Exec.On, strings.Join(st.Exec.Run, " "))
	case st.Script != nil:
		return fmt.Sprintf("script %s", strings.Join(append([]string{filepath.Base(st.Script.File)}, st.Script.Args...), " "))
	case st.Boot != nil:
		return describeBoot(st.Boot)
	case st.Restore != "":
		return fmt.Sprintf("restore %s", st.Restore)
	case st.Wait != nil:
		return fmt.Sprintf("wait for %s", st.Wait.Check)
	case st.Stop != "":
		return fmt.Sprintf("stop %s", st.Stop)
	case st.Start != "":
		return fmt.Sprintf("start %s", st.Start)
	case st.Destroy != "":
		return fmt.Sprintf("destroy %s", st.Destroy)
	}
	return describeMachine(st)
}

func describeBoot(b *scenarios.BootStep) string {
	dropped := strings.Join(b.DropData, ", ")
	switch v := b.Image + b.From; {
	case v != "" && dropped != "":
		return fmt.Sprintf("boot %s as %s on the old data but for %s", b.Instance, v, dropped)
	case dropped != "":
		return fmt.Sprintf("boot %s on the old data but for %s", b.Instance, dropped)
	case v != "" && b.KeepData:
		return fmt.Sprintf("boot %s as %s on the old data", b.Instance, v)
	case v != "":
		return fmt.Sprintf("boot %s as %s", b.Instance, v)
	case b.KeepData:
		return fmt.Sprintf("boot %s on the old data", b.Instance)
	}
	return fmt.Sprintf("boot %s", b.Instance)
}

// describeMachine is describe for the steps that mostly virtual machines know.
func describeMachine(st scenarios.Step) string {
	switch {
	case st.Reboot != "":
		return fmt.Sprintf("reboot %s", st.Reboot)
	case st.Snapshot != nil:
		return fmt.Sprintf("snapshot %s as %s", st.Snapshot.On, st.Snapshot.Name)
	case st.Revert != nil:
		return fmt.Sprintf("revert %s to %s", st.Revert.On, st.Revert.Name)
	case st.Put != nil:
		return fmt.Sprintf("put %s into %s at %s", filepath.Base(st.Put.From), st.Put.On, st.Put.To)
	case st.Select != nil:
		return fmt.Sprintf("select kernel %s on %s", st.Select.Release, st.Select.On)
	case st.Predict != nil:
		return fmt.Sprintf("predict the modules of %s for %s", st.Predict.On, st.Predict.Packages+st.Predict.Release)
	}
	return ""
}

// describeAll describes steps.
func describeAll(steps []scenarios.Step) []string {
	var all []string
	for _, st := range steps {
		all = append(all, describe(st))
	}
	return all
}

// stepInstance names the instance that a step is about; a script is about none.
func stepInstance(st scenarios.Step) string {
	switch {
	case st.Exec != nil:
		return st.Exec.On
	case st.Boot != nil:
		return st.Boot.Instance
	case st.Snapshot != nil:
		return st.Snapshot.On
	case st.Revert != nil:
		return st.Revert.On
	case st.Put != nil:
		return st.Put.On
	case st.Select != nil:
		return st.Select.On
	case st.Predict != nil:
		return st.Predict.On
	}
	return st.Stop + st.Start + st.Destroy + st.Restore + st.Reboot
}
