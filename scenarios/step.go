package scenarios

// Step is one action of a preparation, an upgrade or a rollback; exactly one of its keys is set.
type Step struct {
	Exec    *ExecStep   `yaml:"exec"`
	Stop    string      `yaml:"stop"`    // the instance
	Start   string      `yaml:"start"`   // the instance
	Destroy string      `yaml:"destroy"` // the instance with its data; boot makes a new one
	Boot    *BootStep   `yaml:"boot"`    // also written as: boot: db
	Restore string      `yaml:"restore"` // load the instance's backup again into the running machine
	Script  *ScriptStep `yaml:"script"`
	Wait    *WaitStep   `yaml:"wait"`
	// the machine starts its own kernel again; a container is stopped and started
	Reboot   string        `yaml:"reboot"`
	Snapshot *SnapshotStep `yaml:"snapshot"`
	Revert   *SnapshotStep `yaml:"revert"` // drop everything since the snapshot and boot from it
	Put      *PutStep      `yaml:"put"`
	Select   *SelectStep   `yaml:"select-kernel"`
	Predict  *PredictStep  `yaml:"predict"` // in the scenario's upgrade
	Timeout  Duration      `yaml:"timeout"` // default 1h
	Pos      Pos           `yaml:"-"`
}

// ExecStep runs a command on an instance; a non-zero exit fails the step unless AllowFailure.
type ExecStep struct {
	On   string   `yaml:"on" jsonschema:"required"`
	Run  []string `yaml:"run" jsonschema:"required"` // without a shell: [sh, -c, "…"] starts one
	User string   `yaml:"user"`                      // default: as the instance's own
	// an upgrade that fails half-way may be the point of the drill
	AllowFailure bool `yaml:"allow_failure"`
}

// BootStep boots an instance: from its restore point, or from another image.
type BootStep struct {
	Instance string            `yaml:"instance" jsonschema:"required"`
	Image    string            `yaml:"image"` // the new version's image of the engine; or
	From     string            `yaml:"from"`  // the backup that holds it; neither: the instance's own
	Env      map[string]Secret `yaml:"env"`   // added to the instance's own
	Command  []string          `yaml:"command"`
	KeepData bool              `yaml:"keep_data"` // on the old data
	// with keep_data: folders of the instance's data: whose volume is removed, and made anew as the image has it
	DropData []string `yaml:"drop_data"`
}

// ScriptStep runs the user's own script, unchanged, in a sealed control container.
type ScriptStep struct {
	File  string            `yaml:"file" jsonschema:"required"` // from the scenario's folder
	Args  []string          `yaml:"args"`
	Image string            `yaml:"image"` // default lifeboat/control:12
	Env   map[string]Secret `yaml:"env"`
	// put under /backups/<name> in the control container
	Backups      []string `yaml:"backups"`
	AllowFailure bool     `yaml:"allow_failure"` // a non-zero exit does not fail the step
}

// WaitStep waits until a check of the scenario passes.
type WaitStep struct {
	Check  string   `yaml:"check" jsonschema:"required"` // its name
	Within Duration `yaml:"within"`                      // default 5m
}

// SnapshotStep freezes the disk of a virtual machine under a name, or goes back to it.
type SnapshotStep struct {
	On   string `yaml:"on" jsonschema:"required"`
	Name string `yaml:"name" jsonschema:"required"` // unique for its machine
}

// PutStep copies a file, or a folder with all below it, into a running machine.
type PutStep struct {
	On string `yaml:"on" jsonschema:"required"`
	// a file or a folder beside the scenario, without links
	From string `yaml:"from" jsonschema:"required"`
	// its full path in the machine; the folder around it must be there
	To string `yaml:"to" jsonschema:"required"`
}

// SelectStep makes the boot loader of a machine choose an installed kernel from the next boot on.
type SelectStep struct {
	On string `yaml:"on" jsonschema:"required"`
	// as uname -r prints it; or before: the one that ran when the baseline was taken
	Release string `yaml:"release" jsonschema:"required"`
}

// Before is the kernel that ran when the baseline was taken, as a SelectStep calls it.
const Before = "before"

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
