package system

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

var every = map[string]string{
	"command":         `{on: db, run: ["true"], exit: 0}`,
	"disk":            `{on: db}`,
	"file":            `{on: db, path: /etc/app.conf}`,
	"image":           `{on: db}`,
	"state-unchanged": `{on: db, paths: [/etc/app], packages: true, kernel: true}`,
}

func TestEveryKind(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) { verifiertest.NeverPasses(t, New, kind, every[kind]) })
	}
	for name, c := range map[string][2]string{
		"command that prints": {"command", `{on: db, run: [x], matches: "^ok$"}`},
		"no such file":        {"file", `{on: db, path: /x, exists: false}`},
		"paths alone":         {"state-unchanged", `{on: db, paths: [/etc]}`},
		"optional paths":      {"state-unchanged", `{on: db, paths: [/etc], optional: true}`},
		"kernel alone":        {"state-unchanged", `{on: db, kernel: true}`},
		"packages alone":      {"state-unchanged", `{on: db, packages: true}`},
	} {
		t.Run(name, func(t *testing.T) { verifiertest.NeverPasses(t, New, c[0], c[1]) })
	}
	_, problems := New(verifiertest.Spec(t, "tcp", "{}"), "")
	assert.Len(t, problems, 1)
}

func FuzzJudge(f *testing.F) { verifiertest.Fuzz(f, New, maps.Clone(every)) }

func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		kind, keys string
		want       []string
	}{
		"nothing is run":      {"command", `{on: db, exit: 0}`, []string{"run: command runs nothing"}},
		"nothing is expected": {"command", `{on: db, run: [x]}`, []string{"command expects nothing"}},
		"empty expectation": {"command", `{on: db, run: [x], expect: ""}`,
			[]string{"expect: an empty answer proves nothing"}},
		"matches anything": {"command", `{on: db, run: [x], matches: "^.*"}`,
			[]string{"matches: it also matches an empty answer"}},
		"no exit code": {"command", `{on: db, run: [x], exit: 999}`, []string{"exit: 999 is not an exit code"}},
		"no instance":  {"file", `{path: /x}`, []string{"on: file asks an instance"}},
		"relative":     {"file", `{on: db, path: x}`, []string{"path: file needs an absolute path"}},
		"no digest":    {"file", `{on: db, path: /x, sha256: abc}`, []string{`sha256: "abc" is not a digest`}},
		"content of no file": {"file", `{on: db, path: /x, exists: false, contains: y}`,
			[]string{"exists: a file that must not be there has no content"}},
		"compares nothing": {"state-unchanged", `{on: db}`, []string{"state-unchanged compares nothing"}},
		"relative path": {"state-unchanged", `{on: db, paths: [/a, b]}`,
			[]string{`paths: path 2, "b", is not absolute and plain`}},
		"path with a detour": {"state-unchanged", `{on: db, paths: [/a/../b]}`,
			[]string{`paths: path 1, "/a/../b", is not absolute and plain`}},
		"unknown before others": {"state-unchanged", `{on: db, kernl: true}`, []string{`unknown key "kernl"`}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, verifiertest.Problems(t, New, c.kind, c.keys)) })
	}
}

// judged judges facts given as Go values.
func judged(t *testing.T, kind, keys string, before, after any) verifier.Answer {
	t.Helper()
	encode := func(v any) verifier.Facts {
		if v == nil {
			return nil
		}
		f, err := verifier.Encode(kind, v)
		require.NoError(t, err)
		return f
	}
	return verifiertest.Make(t, New, kind, keys).Judge(encode(before), encode(after))
}

func TestJudgeCommand(t *testing.T) {
	for name, c := range map[string]struct {
		keys   string
		now    ran
		status record.CheckStatus
		says   string
	}{
		"exit code": {"exit: 0", ran{Ran: true}, "passed", "app -t ended with exit code 0"},
		"other exit code": {"exit: 0", ran{Ran: true, Exit: 1, Stderr: "boom\n"}, "failed",
			"app -t ended with exit code 1, not 0: boom"},
		"wanted exit code": {"exit: 3", ran{Ran: true, Exit: 3}, "passed", "app -t ended with exit code 3"},
		"prints":           {"expect: active", ran{Ran: true, Stdout: "active\n"}, "passed", `app -t printed "active"`},
		"prints, but fails": {"expect: active", ran{Ran: true, Exit: 3, Stdout: "active\n"}, "failed",
			"app -t ended with exit code 3, not 0: active"},
		"prints another": {"expect: active", ran{Ran: true, Stdout: "inactive\n"}, "failed",
			`app -t printed "inactive", not "active"`},
		"prints nothing": {"expect: active", ran{Ran: true, Stdout: "\n"}, "failed", "app -t printed nothing"},
		"matches":        {"matches: ^v15", ran{Ran: true, Stdout: "v15.3"}, "passed", `app -t printed "v15.3"`},
		"does not match": {"matches: ^v15", ran{Ran: true, Stdout: "v14"}, "failed",
			`app -t printed "v14", which "^v15" does not match`},
		"cut": {"matches: ^v15", ran{Ran: true, Stdout: "v15", Cut: true}, "crashed",
			"app -t printed more than 64 KiB"},
		"no such program": {"exit: 0", ran{Ran: true, Exit: 127, Stderr: "sh: app: not found"}, "crashed",
			"db has no such program: sh: app: not found"},
		"exit code 127 of it": {"exit: 0", ran{Ran: true, Exit: 127, Stderr: "boom"}, "failed",
			"app -t ended with exit code 127, not 0: boom"},
		"instance is down": {"exit: 0", ran{Error: "the instance is not running"}, "failed",
			"app -t on db: the instance is not running"},
		"not run": {"exit: 0", ran{}, "crashed", "app -t was not run"},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, "command", "{on: db, run: [app, -t], "+c.keys+"}", nil, c.now)
			assert.Equal(t, []any{c.status, c.says}, []any{a.Status, a.Message})
		})
	}
}

func TestCommandObserves(t *testing.T) {
	check := verifiertest.Make(t, New, "command", `{on: db, run: [app], expect: up}`)
	observe := func(o verifier.Output, err error) (verifier.Facts, error) {
		return check.Observe(t.Context(), verifiertest.Fake{OnExec: func(on string, args []string) (verifier.Output, error) {
			assert.Equal(t, "db", on)
			assert.Equal(t, []string{"app"}, args)
			return o, err
		}})
	}
	facts, err := observe(verifier.Output{Stdout: "up\n"}, nil)
	require.NoError(t, err)
	assert.Equal(t, record.CheckPassed, check.Judge(nil, facts).Status)
	facts, err = observe(verifier.Output{Stdout: "up\n" + strings.Repeat("x", 70<<10)}, nil)
	require.NoError(t, err)
	assert.Equal(t, record.CheckCrashed, check.Judge(nil, facts).Status)
	facts, err = observe(verifier.Output{}, fmt.Errorf("exec: %w", verifier.ErrDown))
	require.NoError(t, err)
	assert.Equal(t, record.CheckFailed, check.Judge(nil, facts).Status)
	_, err = observe(verifier.Output{}, errors.New("engine gone"))
	assert.EqualError(t, err, "run app on db: engine gone")
}

func TestFile(t *testing.T) {
	content := "port = 1\n"
	for name, c := range map[string]struct {
		keys    string
		content []byte
		err     error
		status  record.CheckStatus
		says    string
	}{
		"there": {"", []byte(content), nil, "passed", "/etc/shop/shop.conf is there, 9 bytes"},
		"missing": {"", nil, fmt.Errorf("read: %w", fs.ErrNotExist), "failed",
			"/etc/shop/shop.conf is missing on db"},
		"down": {"", nil, fmt.Errorf("read: %w", verifier.ErrDown), "failed",
			"/etc/shop/shop.conf on db: read: the instance is not running"},
		"empty": {"", nil, nil, "failed", "/etc/shop/shop.conf on db is empty"},
		"must not": {", exists: false", nil, fs.ErrNotExist, "passed",
			"/etc/shop/shop.conf is not there, as it should be"},
		"must not, is": {", exists: false", []byte(content), nil, "failed", "/etc/shop/shop.conf is there on db, 9 bytes"},
		"contains":     {", contains: port", []byte(content), nil, "passed", "/etc/shop/shop.conf is there, 9 bytes"},
		"contains not": {", contains: host", []byte(content), nil, "failed",
			`/etc/shop/shop.conf on db does not contain "host"`},
		"digest": {", sha256: " + sum([]byte(content)), []byte(content), nil, "passed",
			"/etc/shop/shop.conf is there, 9 bytes"},
		"digest of empty": {", sha256: " + sum(nil), nil, nil, "passed", "/etc/shop/shop.conf is there, 0 bytes"},
		"another digest": {", sha256: " + sum(nil), []byte(content), nil, "failed",
			"/etc/shop/shop.conf on db is another one: sha256 " + sum([]byte(content)) + ", not " + sum(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			check := verifiertest.Make(t, New, "file", "{on: db, path: /etc/shop/shop.conf"+c.keys+"}")
			facts, err := check.Observe(t.Context(), verifiertest.Fake{OnRead: func(string, string) ([]byte,
				error) {
				return c.content, c.err
			}})
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, []any{c.status, c.says}, []any{a.Status, a.Message})
			assert.NotContains(t, string(facts), "port", "a file's content is not kept")
		})
	}
}
