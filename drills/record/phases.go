package record

// The phases of a drill, in their order. With several incidents those from
// fault to rollback repeat.
const (
	PhasePrecheck = "precheck"
	PhaseRestore  = "restore"
	PhasePrepare  = "prepare" // steps of the scenario between restore and baseline
	PhaseBaseline = "baseline"
	PhaseUpgrade  = "upgrade"
	PhaseFault    = "fault"
	PhaseDetect   = "detect"
	PhaseDecide   = "decide"
	PhaseRollback = "rollback"
	PhaseVerify   = "verify"
	PhaseCleanup  = "cleanup"
	PhaseSeal     = "seal"
)
