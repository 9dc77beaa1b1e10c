package drills

import (
	"path/filepath"
	"strings"

	"lifeboat/scenarios"
)

// describe a step in words, for the plan, the journal and the report.
func describe(st scenarios.Step) string {
	switch {
	case st.Exec != nil:
		return "exec on " + st.Exec.On + ": " + strings.Join(st.Exec.Run, " ")
	case st.Script != nil:
		return "script " + strings.Join(append([]string{filepath.Base(st.Script.File)}, st.Script.Args...), " ")
	case st.Boot != nil:
		what := "boot " + st.Boot.Instance
		if v := st.Boot.Image + st.Boot.From; v != "" {
			what += " as " + v
		}
		if st.Boot.KeepData {
			what += " on the old data"
		}
		return what
	case st.Restore != "":
		return "restore " + st.Restore
	case st.Wait != nil:
		return "wait for " + st.Wait.Check
	case st.Stop != "":
		return "stop " + st.Stop
	case st.Start != "":
		return "start " + st.Start
	case st.Destroy != "":
		return "destroy " + st.Destroy
	}
	return describeMachine(st)
}

// describeMachine is describe for the steps that mostly virtual machines know.
func describeMachine(st scenarios.Step) string {
	switch {
	case st.Reboot != "":
		return "reboot " + st.Reboot
	case st.Snapshot != nil:
		return "snapshot " + st.Snapshot.On + " as " + st.Snapshot.Name
	case st.Revert != nil:
		return "revert " + st.Revert.On + " to " + st.Revert.Name
	case st.Put != nil:
		return "put " + filepath.Base(st.Put.From) + " into " + st.Put.On + " at " + st.Put.To
	case st.Select != nil:
		return "select kernel " + st.Select.Release + " on " + st.Select.On
	case st.Predict != nil:
		return "predict the modules of " + st.Predict.On + " for " + st.Predict.Packages + st.Predict.Release
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
