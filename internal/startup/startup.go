// Package startup keeps what a command does not use from working before main. It imports syscall alone, so that it is initialised
// before every package that works: of those whose imports are ready, Go takes the first by its path, and "lifeboat/internal/startup"
// stands before "net", "os" and "strings", which the others need.
//
// testcontainers-go looks at every process of the host to give its session a name, which lifeboat never uses: half of the time that
// any command took to start. The look goes through gopsutil, whose documented variable HOST_PROC says where processes are found.
// Found nowhere, the session is named by chance.
package startup

import "syscall"

const processes = "HOST_PROC"

var was, had = nowhere()

func nowhere() (was string, had bool) {
	was, had = syscall.Getenv(processes)
	_ = syscall.Setenv(processes, "/dev/null")
	return was, had
}

// Done gives the environment back as it was: run's first act, before it starts a program that would inherit it.
func Done() {
	if had {
		_ = syscall.Setenv(processes, was)
		return
	}
	_ = syscall.Unsetenv(processes)
}
