package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

const templates = "../../ci/templates"

// shellOf is what a template runs, as its tool hands it to a shell.
func shellOf(t *testing.T, name string) (shell []string, script string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(templates, name))
	require.NoError(t, err)
	text := string(raw)
	switch name {
	case "github.yaml":
		var w struct {
			Jobs map[string]struct{ Steps []struct{ Run string } }
		}
		require.NoError(t, yaml.Unmarshal(raw, &w))
		for _, s := range w.Jobs["verify"].Steps {
			script += s.Run
		}
		return []string{"bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"}, script
	case "gitlab.yaml":
		var w map[string]struct{ Script []string }
		require.NoError(t, yaml.Unmarshal(raw, &w))
		return []string{"bash", "-eo", "pipefail", "-c"}, strings.Join(w["backups"].Script, "\n")
	case "Jenkinsfile":
		_, script, _ = strings.Cut(text, "sh '''")
		script, _, _ = strings.Cut(script, "'''")
		return []string{"sh", "-xec"}, strings.ReplaceAll(script, `\\`, `\`)
	case "lifeboat.cron":
		_, script, _ = strings.Cut(text, "* * * lifeboat ")
		return []string{"sh", "-c"}, script
	}
	_, script, _ = strings.Cut(text, "ExecStart=/usr/local/bin/")
	script, _, _ = strings.Cut(script, "\n")
	return []string{"sh", "-c"}, script // what systemd does with ${CATALOGUE} is what a shell does
}

// TestTemplates runs what every template runs: it ends as lifeboat ends, and keeps the files of its own night and of none before.
func TestTemplates(t *testing.T) {
	if testing.Short() {
		t.Skip("templates start processes")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	for _, name := range []string{"github.yaml", "gitlab.yaml", "Jenkinsfile", "lifeboat.cron", "lifeboat-verify.service"} {
		shell, script := shellOf(t, name)
		require.Contains(t, script, "lifeboat verify", name)
		run := func(t *testing.T, code int, catalogue string, lifeboat func(path string)) (dir string) {
			dir = t.TempDir()
			bin, home := filepath.Join(dir, "bin"), filepath.Join(dir, "home")
			old := filepath.Join(home, "nights", "20200101-000000000-old")
			require.NoError(t, os.MkdirAll(bin, 0o700))
			require.NoError(t, os.MkdirAll(old, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(old, "junit.xml"), []byte("<testsuites/>"), 0o600))
			lifeboat(filepath.Join(bin, "lifeboat"))
			if catalogue != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "nights.yaml"), []byte(catalogue), 0o600))
			}
			cmd := exec.CommandContext(t.Context(), shell[0], append(shell[1:], script)...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CATALOGUE=nights.yaml", "LIFEBOAT_HOME="+home)
			out, _ := cmd.CombinedOutput() // its exit code is what is asked for
			assert.Equal(t, code, cmd.ProcessState.ExitCode(), string(out))
			kept, err := filepath.Glob(filepath.Join(dir, "night", "nights", "*old*"))
			require.NoError(t, err)
			assert.Empty(t, kept, "what a night before kept speaks for that one")
			if code != 0 && name == "lifeboat.cron" {
				assert.NotEmpty(t, out, "cron mails what is printed")
			}
			return dir
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := run(t, exitInconclusive, nightlyHead+"backups:\n  - {name: shop, store: {kind: dir, path: ./nowhere}}\n",
				func(path string) { require.NoError(t, os.Symlink(self, path)) })
			if strings.Contains(script, "keep=") {
				for _, pattern := range []string{"nights/*/junit.xml", "nights/*/night.json", "nights/nightly.html"} {
					found, err := filepath.Glob(filepath.Join(dir, "night", pattern))
					require.NoError(t, err)
					assert.Len(t, found, 1, pattern)
				}
			}
			run(t, exitUsage, "", func(path string) { require.NoError(t, os.Symlink(self, path)) })
		})
		for _, code := range []int{exitPassed, exitFailed, exitLeft, exitInterrupted} {
			t.Run(fmt.Sprint(name, code), func(t *testing.T) {
				t.Parallel()
				run(t, code, "", func(path string) {
					require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\necho said\nexit %d\n", code), 0o700))
				})
			})
		}
	}
}

// TestUnitsOfSystemd: its own tool finds nothing wrong with them.
func TestUnitsOfSystemd(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	var units []string
	for _, name := range []string{"lifeboat-verify.service", "lifeboat-verify.timer"} {
		raw, err := os.ReadFile(filepath.Join(templates, name))
		require.NoError(t, err)
		text := strings.ReplaceAll(string(raw), "/usr/local/bin/lifeboat", "/bin/true") // it is not installed here
		units = append(units, filepath.Join(dir, name))
		require.NoError(t, os.WriteFile(units[len(units)-1], []byte(text), 0o600))
	}
	out, err := exec.Command(tool, append([]string{"verify"}, units...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	about := regexp.MustCompile(`(?m)^.*lifeboat-verify.*$`) // of others it tells, too
	assert.Empty(t, about.FindAllString(string(out), -1))
}
