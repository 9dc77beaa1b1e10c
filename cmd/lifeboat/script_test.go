package main

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/internal/sandbox/program"
)

// TestScripts runs every command as a user would. Scripts with [docker] need an engine.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("scripts start many processes")
	}
	library, err := filepath.Abs("../../scenarios/library")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LIFEBOAT_LANG", "en")
			e.Setenv("LIBRARY", library)
			return nil
		},
		Condition: func(cond string) (bool, error) { return cond == "docker" && dockerReady(t), nil },
	})
}

func dockerReady(t *testing.T) bool {
	t.Helper()
	executable, err := program.Executable()
	if err != nil {
		t.Logf("docker: %v", err)
		return false
	}
	d, err := docker.New(instance.Site{Log: slog.New(slog.DiscardHandler), Program: executable})
	if err == nil {
		err = d.Ready(t.Context())
	}
	if err != nil {
		t.Logf("docker: %v", err)
	}
	return err == nil
}
