// Package hermetic keeps k6 from talking to anybody but the system under test, however the process was called.
package hermetic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// forced is k6's environment. The system tags vu and iter are needed to tell whose check a check was.
var forced = map[string]string{
	"K6_NO_USAGE_REPORT":           "true",
	"K6_AUTO_EXTENSION_RESOLUTION": "false",
	"K6_WEB_DASHBOARD":             "false",
	"K6_NO_COLOR":                  "true",
	"K6_SYSTEM_TAGS": "proto,status,method,name,group,check,error,error_code,scenario,expected_response,service," +
		"vu,iter",
	// k6 reads a configuration and caches binaries below these; nothing is there.
	"XDG_CONFIG_HOME": "/nonexistent",
	"XDG_CACHE_HOME":  "/nonexistent",
}

// commands are those that neither log in nor fetch.
var commands = []string{"run", "inspect", "archive", "version", "help", "--help", "-h", "--version"}

// refused are options that open another way out or change what the stream relies on.
var refused = []string{
	"--traces-output", "--address", "--secret-source", "--profiling-enabled", "--config", "--system-tags", "--linger",
}

// letters are the short options that are let through, one at a time.
var letters = []string{"-e", "-i", "-u", "-d", "-q", "-v", "-h", "-O"}

// ErrRefused is wrapped by every refusal.
var ErrRefused = errors.New("refused by lifeboat-k6")

// Environment drops every setting of k6 that was inherited and forces ours.
func Environment() error {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "K6_") || name == "SSLKEYLOGFILE" {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("drop %s: %w", name, err)
			}
		}
	}
	for name, value := range forced {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// Arguments refuses commands, outputs and options that would phone home. args is without the program's name.
func Arguments(args []string) error {
	if len(args) == 0 || !slices.Contains(commands, args[0]) {
		return fmt.Errorf("%w: only %s are allowed here", ErrRefused, strings.Join(commands[:4], ", "))
	}
	outputs := 0
	for i, a := range args {
		name, value, has := strings.Cut(a, "=")
		if !has {
			value = at(args, i+1)
		}
		switch {
		case slices.Contains(refused, name):
			return fmt.Errorf("%w: option %s", ErrRefused, name)
		case len(a) > 1 && a[0] == '-' && a[1] != '-' && !slices.Contains(letters, a):
			return fmt.Errorf("%w: option %s; write options out, as in --out lifeboat=stdout", ErrRefused, a)
		case name == "--out":
			outputs++
			if !strings.HasPrefix(value, "lifeboat=") || outputs > 1 {
				return fmt.Errorf("%w: output %q; one lifeboat= is allowed", ErrRefused, value)
			}
		case name == "--log-output" && value != "stderr" && value != "none":
			return fmt.Errorf("%w: log output %q; stderr and none are allowed", ErrRefused, value)
		}
	}
	return nil
}

func at(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// Network closes Go's default client, which k6 uses for remote imports, usage reports and its registry, never for a
// test's own requests. The transport stays what it is, since libraries expect its type; it only cannot dial.
func Network() error {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return fmt.Errorf("close the default client: its transport is a %T", http.DefaultTransport)
	}
	t.Proxy = nil
	t.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, fmt.Errorf("%w: fetching from %s; keep what a script imports beside it", ErrRefused, addr)
	}
	return nil
}
