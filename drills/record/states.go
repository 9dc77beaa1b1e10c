package record

// When a check was asked.
type When string

// The times of a check.
const (
	Before When = "before" // the upgrade; journals of old also say so of a check run
	Broken When = "broken" // between detection and decision
	After  When = "after"  // the rollback, or the decision against one
	Once   When = "once"   // in a check run: nothing is broken in it, and nothing rolled back
)

// PulseState is what a pulse event tells.
type PulseState string

// The states of a pulse.
const (
	PulseStarted PulseState = "started"
	PulseRed     PulseState = "red"
	PulseGreen   PulseState = "green"
	PulseRests   PulseState = "rests" // between two iterations
	PulseTurns   PulseState = "turns" // another flow takes its place
	PulseGoesOn  PulseState = "goes_on"
	PulseStopped PulseState = "stopped"
	PulseBroken  PulseState = "broken"
)

// UpgradeState is the begin or the end of an upgrade.
type UpgradeState string

// The states of an upgrade.
const (
	UpgradeStarted UpgradeState = "started"
	UpgradeEnded   UpgradeState = "ended"
)

// FaultState is a turn in a fault's life.
type FaultState string

// The states of a fault: first what breaks, then what became of it after a rollback, then what the clean-up made of it.
const (
	FaultPrepared  FaultState = "prepared"
	FaultInjected  FaultState = "injected"
	FaultEffective FaultState = "effective"
	FaultNoEffect  FaultState = "no-effect"
	FaultFailed    FaultState = "failed" // could not be injected; by the clean-up: could not be undone

	FaultRemoved FaultState = "removed" // it was asked and is not in force any more
	FaultRemains FaultState = "remains" // it was asked and still is in force
	FaultUnasked FaultState = "unasked" // it could not be asked
	FaultEnded   FaultState = "ended"   // of a throttle: the restore that it slowed down has ended

	FaultGone FaultState = "gone"
)

// RollbackState is how a rollback goes.
type RollbackState string

// The states of a rollback; "" is none.
const (
	RollbackStarted RollbackState = "started" // of an event
	RollbackRunning RollbackState = "running" // of a record
	RollbackDone    RollbackState = "done"
	RollbackFailed  RollbackState = "failed"
)

// CleanupState is what became of one thing, or of all.
type CleanupState string

// The states of a clean-up: of one thing, of everything.
const (
	CleanupUndone CleanupState = "undone"
	CleanupGone   CleanupState = "gone"
	CleanupFailed CleanupState = "failed"

	CleanupKept       CleanupState = "kept"
	CleanupProved     CleanupState = "proved"
	CleanupIncomplete CleanupState = "incomplete"
	CleanupUnproved   CleanupState = "unproved"
)

// DecisionOutcome is what was decided.
type DecisionOutcome string

// The decisions.
const (
	FullRollback    DecisionOutcome = "full-rollback"
	PartialRollback DecisionOutcome = "partial-rollback"
	SwitchToStandby DecisionOutcome = "switch-to-standby"
	Pause           DecisionOutcome = "pause"
	GoOnWatching    DecisionOutcome = "watch"
)

// BySimulated stands in the place of a person where nobody decided.
const BySimulated = "simulated"

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
