package fault

import (
	"maps"
	"slices"

	"lifeboat/scenarios"
)

// Builder makes a fault of its own keys of the scenario.
type Builder func(s scenarios.Settings) (Fault, []scenarios.Problem)

// Catalogue is every fault that lifeboat knows, by its kind.
func Catalogue() map[string]Builder {
	return map[string]Builder{
		"pg-major-version":       newDataVersion,
		"pg-preload-missing":     newPreloadMissing,
		"pg-parameter-removed":   newParameterRemoved,
		"pg-wrong-owner":         newWrongOwner,
		"pg-port-moved":          newPortMoved,
		"pg-hba-reject":          newHBAReject,
		"pg-password-rotated":    newPasswordRotated,
		"pg-mistake":             newMistake,
		"mysql-password-rotated": newMySQLPasswordRotated,
		"mysql-plugin-missing":   newMySQLPluginMissing,
		"mysql-port-moved":       newMySQLPortMoved,
		"mysql-read-only":        newMySQLReadOnly,
		"mysql-upgrade-needed":   newMySQLUpgradeNeeded,
		"file-missing":           newFileMissing,
		"slow-restore":           newSlowRestore,
		"none":                   newNone,

		"disk-slow":         newDiskSlow,
		"disk-latency":      newDiskLatency,
		"disk-error":        newDiskError,
		"link-down":         newLinkDown,
		"memory-balloon":    newMemoryBalloon,
		"machine-paused":    newMachinePaused,
		"clock-skewed":      newClockSkewed,
		"kernel-panic":      newKernelPanic,
		"initramfs-broken":  newInitramfsBroken,
		"root-device-wrong": newRootDeviceWrong,
		"fstab-bad-entry":   newFstabBadEntry,
		"disk-full":         newDiskFull,
		"service-fails":     newServiceFails,
		"ssh-locked-out":    newSSHLockedOut,
		"package-conflict":  newPackageConflict,
	}
}

// Kinds lists the catalogue's kinds, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(Catalogue())) }
