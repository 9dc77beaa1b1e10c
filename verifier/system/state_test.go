package system

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

func TestJudgeState(t *testing.T) {
	a, b := sum([]byte("a")), sum([]byte("b"))
	files := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	good := snapshot{Files: files("/etc/app/app.conf", a, "/etc/app/link", "link to x"), Kernel: "6.1",
		Packages: files("p", "1", "q", "2")}
	change := func(f func(*snapshot)) snapshot {
		s := snapshot{Files: files("/etc/app/app.conf", a, "/etc/app/link", "link to x"), Kernel: "6.1",
			Packages: files("p", "1", "q", "2")}
		f(&s)
		return s
	}
	for name, c := range map[string]struct {
		before any
		after  snapshot
		status record.CheckStatus
		diff   []string
	}{
		"recorded":  {nil, good, "passed", nil},
		"unchanged": {good, good, "passed", nil},
		"missing": {good, change(func(s *snapshot) { delete(s.Files, "/etc/app/app.conf") }), "failed",
			[]string{"/etc/app/app.conf is missing after the rollback: it was there before the upgrade"}},
		"new": {good, change(func(s *snapshot) { s.Files["/etc/app/new"] = a }), "failed",
			[]string{"/etc/app/new is new: it was not there before the upgrade"}},
		"changed": {good, change(func(s *snapshot) { s.Files["/etc/app/app.conf"] = b }), "failed",
			[]string{"/etc/app/app.conf differs: sha256 " + a[:16] + "… before the upgrade, " +
				"sha256 " + b[:16] + "… after the rollback"}},
		"link elsewhere": {good, change(func(s *snapshot) { s.Files["/etc/app/link"] = "link to y" }), "failed",
			[]string{"/etc/app/link differs: link to x before the upgrade, link to y after the rollback"}},
		"package and kernel": {good, change(func(s *snapshot) {
			s.Packages["p"], s.Kernel = "1.1",
				"6.12"
			delete(s.Packages, "q")
		}), "failed",
			[]string{"package p differs: 1 before the upgrade, 1.1 after the rollback",
				"package q is missing after the rollback",
				"kernel: 6.1 before the upgrade, 6.12 after the rollback"}},
		"gone as a whole": {good, change(func(s *snapshot) { s.Files, s.Absent = nil, []string{"/etc/app"} }), "failed",
			[]string{"/etc/app/app.conf is missing after the rollback: it was there before the upgrade",
				"/etc/app/link is missing after the rollback: it was there before the upgrade"}},
		"absent at first": {nil, change(func(s *snapshot) { s.Files, s.Absent = nil, []string{"/etc/app"} }), "failed",
			nil},
		"folder not read":   {good, change(func(s *snapshot) { s.Files = files("/etc/apple", a) }), "crashed", nil},
		"no digest":         {good, change(func(s *snapshot) { s.Files["/etc/app/app.conf"] = "" }), "crashed", nil},
		"no packages":       {good, change(func(s *snapshot) { s.Packages = nil }), "crashed", nil},
		"no kernel":         {good, change(func(s *snapshot) { s.Kernel = "" }), "crashed", nil},
		"down":              {good, snapshot{Error: "the instance is not running"}, "failed", nil},
		"down before":       {snapshot{Error: "the instance is not running"}, good, "crashed", nil},
		"nothing before":    {snapshot{}, good, "crashed", nil},
		"no kernel before":  {change(func(s *snapshot) { s.Kernel = "" }), good, "crashed", nil},
		"nothing whatever":  {nil, snapshot{}, "crashed", nil},
		"nothing after all": {good, snapshot{}, "crashed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer := judged(t, "state-unchanged", every["state-unchanged"], c.before, c.after)
			assert.Equal(t, c.status, answer.Status, answer.Message)
			assert.Equal(t, c.diff, answer.Diff)
			if len(c.diff) == 1 {
				assert.Equal(t, c.diff[0], answer.Message, "the finding names the file")
			}
		})
	}
	image := func(s snapshot, generation int, taken int64) snapshot {
		s.Image = &verifier.Image{Backup: "app-disk", Generation: generation}
		if taken > 0 {
			s.Image.Taken = time.Unix(taken, 0)
		}
		return s
	}
	was := image(change(func(s *snapshot) { s.Written = map[string]int64{"/etc/app/app.conf": 2000} }), 1, 5000)
	lost := change(func(s *snapshot) { delete(s.Files, "/etc/app/app.conf") })
	const there = "/etc/app/app.conf is missing after the rollback: it was there before the upgrade"
	for says, after := range map[string]snapshot{
		"/etc/app/app.conf is missing after the rollback: the image was taken before it was written": image(lost, 2, 1000),
		there + ", and app-disk, from which the machine was booted, does not bring it":               image(lost, 2, 2000),
		there: image(lost, 1, 1000), // the same machine: it lost the file by itself
	} {
		assert.Equal(t, []string{says}, judged(t, "state-unchanged", every["state-unchanged"], was, after).Diff)
	}
	assert.Equal(t, []string{there}, judged(t, "state-unchanged", every["state-unchanged"], was, lost).Diff, "a snapshot")

	optional := `{on: db, paths: [/a, /b], optional: true}`
	some := snapshot{Files: files("/a", a), Absent: []string{"/b"}}
	none := snapshot{Absent: []string{"/a", "/b"}}
	assert.Equal(t, record.CheckPassed, judged(t, "state-unchanged", optional, some, some).Status)
	assert.Equal(t, record.CheckPassed, judged(t, "state-unchanged", optional, nil, some).Status)
	assert.Equal(t, record.CheckCrashed, judged(t, "state-unchanged", optional, nil, none).Status, "nothing was recorded")
	assert.Equal(t, record.CheckCrashed, judged(t, "state-unchanged", optional, none, none).Status)
	assert.Equal(t, record.CheckFailed, judged(t, "state-unchanged", optional, some, none).Status)
	assert.Equal(t, record.CheckFailed, judged(t, "state-unchanged", optional, none, some).Status)

	many := change(func(s *snapshot) {
		for i := range 70 {
			s.Files[fmt.Sprintf("/etc/app/%d", i)] = a
		}
	})
	answer := judged(t, "state-unchanged", every["state-unchanged"], good, many)
	assert.Len(t, answer.Diff, mostDiff+1)
	assert.Equal(t, "… and 20 more", answer.Diff[mostDiff])
}

func TestParse(t *testing.T) {
	d := sum(nil)
	files, written := map[string]string{}, map[string]int64{}
	absent, err := parse(d+"  /a b\nlink to x  /l\nabsent  /gone\n\\"+d+"  /with\\nbreak\n"+"written 1700000000  /a b\n"+end+"\n", files, written)
	require.NoError(t, err)
	assert.Equal(t, []string{"/gone"}, absent)
	assert.Equal(t, map[string]int64{"/a b": 1700000000}, written)
	assert.Equal(t, map[string]string{"/a b": d, "/l": "link to x", `/with\nbreak`: d}, files)
	for name, bad := range map[string]string{
		"cut short": d + "  /a\n" + d[:20], "no end": d + "  /a\n", "nothing": "", "no path": d + "\n" + end + "\n",
		"no time": "written x  /a\n" + end + "\n", "no digest": "xyz  /a\n" + end + "\n", "relative": d + "  a\n" + end + "\n",
	} {
		_, err := parse(bad, map[string]string{}, map[string]int64{})
		assert.Error(t, err, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sum(nil) + "  /a\n" + end + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string]string{}
		if _, err := parse(text, files, map[string]int64{}); err != nil {
			return
		}
		for p, d := range files {
			if !strings.HasPrefix(p, "/") || !sumPattern.MatchString(d) && !strings.HasPrefix(d, linkTo) {
				t.Fatalf("%q: %q", p, d)
			}
		}
	})
}

func TestStateOfAContainer(t *testing.T) {
	t.Parallel()
	c := verifiertest.Boot(t, "lifeboat/postgres:15", map[string]string{"POSTGRES_PASSWORD": "x"})
	run := func(script string) {
		o, err := c.Exec(t.Context(), "db", []string{"sh", "-ec", script})
		require.NoError(t, err)
		require.Zero(t, o.Exit, o.Stderr)
	}
	run(`mkdir -p /etc/app/sub /etc/empty; echo a > '/etc/app/with space'; echo b > /etc/app/sub/b
ln -s ../b /etc/app/sub/l; ln -s sub /etc/app/dir`)
	check := verifiertest.Make(t, New, "state-unchanged",
		`{on: db, paths: [/etc/app, /etc/os-release], packages: true, kernel: true}`)
	look := func() verifier.Facts {
		facts, err := check.Observe(t.Context(), c)
		require.NoError(t, err)
		return facts
	}
	before := look()
	a := check.Judge(nil, before)
	assert.Regexp(t, `^recorded: 5 files, 1[0-9][0-9] packages, kernel [0-9.]+.* \(its host's: it is a container\)$`,
		a.Message)
	assert.Equal(t, record.CheckPassed, check.Judge(before, look()).Status)
	run(`rm /etc/app/sub/b; ln -sfn ../c /etc/app/sub/l; touch /etc/app/new`)
	assert.Equal(t, []string{"/etc/app/new is new: it was not there before the upgrade",
		"/etc/app/sub/b is missing after the rollback: it was there before the upgrade",
		"/etc/app/sub/l differs: link to ../b before the upgrade, link to ../c after the rollback"},
		check.Judge(before, look()).Diff)

	for path, says := range map[string]string{"/etc/empty": "/etc/empty was not read, or is an empty folder",
		"/etc/none": "/etc/none is not there on db"} {
		other := verifiertest.Make(t, New, "state-unchanged", `{on: db, paths: [`+path+`]}`)
		facts, err := other.Observe(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, says, other.Judge(nil, facts).Message)
	}
	big := verifiertest.Make(t, New, "command", `{on: db, run: [no-such-program], exit: 0}`)
	facts, err := big.Observe(t.Context(), c)
	if err == nil {
		assert.Equal(t, record.CheckCrashed, big.Judge(nil, facts).Status, string(facts))
	}
}

// bare is an instance without any program in it.
func bare(files map[string]string) verifiertest.Fake {
	return verifiertest.Fake{
		OnExec: func(string, []string) (verifier.Output, error) {
			return verifier.Output{Exit: 126,
				Stdout: `OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown`}, nil
		},
		OnRead: func(_, path string) ([]byte, error) {
			content, ok := files[path]
			switch {
			case !ok:
				return nil, fs.ErrNotExist
			case content == "folder":
				return nil, fmt.Errorf("it is not a regular file")
			}
			return []byte(content), nil
		},
	}
}

func TestStateOfAnEmptyImage(t *testing.T) {
	check := verifiertest.Make(t, New, "state-unchanged", `{on: app, paths: [/etc/shop/shop.conf]}`)
	before, err := check.Observe(t.Context(), bare(map[string]string{"/etc/shop/shop.conf": "a"}))
	require.NoError(t, err)
	assert.Equal(t, "recorded: 1 files", check.Judge(nil, before).Message)
	after, err := check.Observe(t.Context(), bare(nil))
	require.NoError(t, err)
	missing := "/etc/shop/shop.conf is missing after the rollback: it was there before the upgrade"
	a := check.Judge(before, after)
	assert.Equal(t, record.CheckFailed, a.Status)
	assert.Equal(t, missing, a.Message)
	assert.Equal(t, []string{missing}, a.Diff)

	folder := verifiertest.Make(t, New, "state-unchanged", `{on: app, paths: [/etc]}`)
	_, err = folder.Observe(t.Context(), bare(map[string]string{"/etc": "folder"}))
	assert.ErrorContains(t, err, "folders need sh, find and sha256sum in the instance")
	for keys, says := range map[string]string{"packages": "has none of dpkg-query, rpm and apk",
		"kernel": "uname -r says"} {
		_, err = verifiertest.Make(t, New, "state-unchanged", `{on: app, `+keys+`: true}`).Observe(t.Context(), bare(nil))
		assert.ErrorContains(t, err, says)
	}
}

func TestPackagesOfOthers(t *testing.T) {
	only := func(program, out string) verifiertest.Fake {
		return verifiertest.Fake{OnExec: func(_ string, args []string) (verifier.Output, error) {
			if args[0] != program {
				return verifier.Output{Exit: 127, Stderr: "not found"}, nil
			}
			return verifier.Output{Stdout: out}, nil
		}}
	}
	got, err := packages(t.Context(), only("rpm",
		"kernel.x86_64 (none):5-2\nbash.x86_64 (none):5-1\nkernel.x86_64 (none):5-1\n"), "db")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"bash.x86_64": "(none):5-1", "kernel.x86_64": "(none):5-1, (none):5-2"}, got)
	got, err = packages(t.Context(), only("apk", "musl-1.2.4\nzlib-1.3\n"), "db")
	require.NoError(t, err)
	assert.Len(t, got, 2)
	_, err = packages(t.Context(), only("dpkg-query", ""), "db")
	assert.EqualError(t, err, "dpkg-query lists no package on db")
}
