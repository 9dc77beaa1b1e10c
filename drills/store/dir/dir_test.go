package dir

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
	"lifeboat/scenarios"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{Folders: true, New: folderStore})
}

// folderStore is a folder that holds these backups.
func folderStore(t *testing.T, backups ...storetest.Backup) store.Store {
	dir := t.TempDir()
	sums := ""
	for _, b := range backups {
		if b.Files == nil {
			write(t, dir, b.ID, string(b.Content), b.Written)
			if b.Digest != "" {
				sums += fmt.Sprintf("%s  %s\n", strings.TrimPrefix(b.Digest, "sha256:"), b.ID)
			}
		}
		for name, content := range b.Files {
			write(t, dir, b.ID+"/"+name, string(content), b.Written)
			sums += fmt.Sprintf("%s *%s/%s\n", storetest.Sum(content)[len("sha256:"):], b.ID, name)
		}
	}
	if sums != "" {
		write(t, dir, "SHA256SUMS", sums, time.Now())
	}
	return open(t, dir, "")
}

func write(t *testing.T, dir, name, content string, at time.Time) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	if !at.IsZero() {
		require.NoError(t, os.Chtimes(path, at, at))
	}
}

func open(t *testing.T, dir, extra string) store.Store {
	t.Helper()
	settings, err := scenarios.ParseSettings("dir", "path: backups\n"+extra)
	require.NoError(t, err)
	scenario := t.TempDir()
	require.NoError(t, os.Symlink(dir, filepath.Join(scenario, "backups")))
	s, problems := New(store.Site{Folder: scenario}, settings)
	require.Empty(t, problems)
	return s
}

func sumOf(s string) string { return storetest.Sum([]byte(s))[len("sha256:"):] }

func TestList(t *testing.T) {
	early := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		files    map[string]string
		links    map[string]string
		settings string
		want     string // ID, digest's first digits, consistency
		problem  string
	}{
		"sidecars and hidden files are no backups": {
			files: map[string]string{"a.dump": "a", "SHA256SUMS": "",
				"a.dump.manifest.yaml": "consistent_to: 2026-02-03T04:05:06Z",
				".tmp":                 "x", "a.dump.sha256": sumOf("a") + "\n"},
			want: "a.dump ca978112 2026-02-03T04:05:06Z manifest a.dump.manifest.yaml\n",
		},
		"lists by other names": {
			files: map[string]string{"a": "a", "a.sha256sum": sumOf("a") + "  a\n", "b": "b", "sha256sums.txt": sumOf("b") + "  b\n",
				"c": "c"},
			want: "a ca978112\nb 3e23e816\nc ? sha256sums.txt does not name it\n",
		},
		"pattern": {
			files: map[string]string{"a.dump": "a", "b.sql": "b"}, settings: "pattern: '*.sql'", want: "b.sql\n",
		},
		"pattern into folders": {
			files:    map[string]string{"mon/a.dump": "a", "tue/a.dump": "b", "tue/SHA256SUMS": sumOf("b") + "  a.dump"},
			settings: "pattern: '*/*.dump'", want: "mon/a.dump\ntue/a.dump 3e23e816\n",
		},
		"consistency orders before the time of writing": {
			files: map[string]string{"a": "1", "b": "2",
				"a.manifest.yaml": "consistent_to: 2026-05-01T00:00:00+08:00\nconsistent_by: LSN"},
			want: "b\na 2026-05-01T00:00:00+08:00 manifest a.manifest.yaml: LSN\n",
		},
		"a link inside takes its target's digest": {
			files: map[string]string{"a": "a", "SHA256SUMS": sumOf("a") + " *a\r\n"}, links: map[string]string{"latest": "a"},
			want: "a ca978112\nlatest ca978112\n",
		},
		"escaped names": {
			files: map[string]string{"a\\b": "a", "SHA256SUMS": "\\" + sumOf("a") + "  a\\\\b\n"}, want: "a\\b ca978112\n",
		},
		"a link that leaves the folder": {
			files: map[string]string{"a": "a"}, links: map[string]string{"b": "/etc/passwd", "c": "nowhere"},
			want: "a\nb ! dangling\nc ! dangling\n",
		},
		"a link in a folder that leaves it": {
			files: map[string]string{"d/a": "a"}, links: map[string]string{"d/b": "../../../../../etc/passwd"},
			want: "d ! mixed\n",
		},
		"listed and missing": {
			files: map[string]string{"a": "a", "SHA256SUMS": sumOf("b") + "  b\n"},
			want:  "b ! absent\na ? SHA256SUMS does not name it\n",
		},
		"a missing folder": {
			files: map[string]string{"a": "a", "SHA256SUMS": sumOf("b") + "  b/toc.dat\n"}, want: "b ! absent\na ? SHA256SUMS does not name it\n",
		},
		"two digests": {
			files: map[string]string{"a": "a", "SHA256SUMS": sumOf("a") + "  a\n", "a.sha256": sumOf("b")},
			want:  "a ? it is promised two digests, in SHA256SUMS and in a.sha256\n",
		},
		"not a list": {
			files: map[string]string{"a": "a", "SHA256SUMS": "hello"},
			want:  "a ? SHA256SUMS does not name it, and SHA256SUMS:1 is not a line of sha256sum\n",
		},
		"a list that leaves the folder": {
			files: map[string]string{"a": "a", "SHA256SUMS": sumOf("a") + "  ../a"}, want: "a ca978112\n",
		},
		"absolute names, one of them of another": {
			files: map[string]string{"a": "a", "a.sha256": sumOf("a") + "  /backups/a\n", "b": "b",
				"b.sha256": sumOf("a") + "  /backups/a\n", "c": "c", "c.sha256": "SHA2-256(/backups/c)= " + sumOf("c")},
			want: "a ca978112\nb ? b.sha256 promises the digest of /backups/a\nc 2e7d2c03\n",
		},
		"a list that does not name the newest": {
			files: map[string]string{"a": "a", "b": "b", "SHA256SUMS": sumOf("a") + "  a\n"},
			want:  "a ca978112\nb ? SHA256SUMS does not name it\n",
		},
		"a digest of a file for a folder": {
			files: map[string]string{"d/a": "a", "d.sha256": sumOf("a")},
			want:  "d ? d.sha256 promises the digest of a file, and it is a folder\n",
		},
		"what lies beside backups": {
			files: map[string]string{"a": "a", "a.md5": "x", "a.log": "x", "a.json": "{}", "lost+found/x": "x", "MD5SUMS": "x"},
			want:  "a ? a.md5:1 is not a line of md5sum\n",
		},
		"a manifest without zone": {
			files: map[string]string{"a": "a", "a.manifest.yaml": "consistent_to: 2026-02-03 04:05"},
			want:  "a read store backups: a.manifest.yaml:\n",
		},
		"a manifest with a wrong key": {
			files: map[string]string{"a": "a", "a.manifest.yaml": "consistent: 2026-02-03T04:05:06Z", "b": "b"},
			want:  "a read store backups: a.manifest.yaml:\nb\n",
		},
		"still being written": {
			files:    map[string]string{"a.dump": "a", "b.dump.part": "b", "c.dump~": "c", "d.sql.part": "d"},
			settings: "pattern: '*.dump'", want: "a.dump\nb.dump.part ! partial\nc.dump~ ! partial\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for n, content := range test.files {
				write(t, dir, n, content, early)
			}
			for n, target := range test.links {
				require.NoError(t, os.Symlink(target, filepath.Join(dir, n)))
			}
			points, err := open(t, dir, test.settings).List(t.Context())
			if test.problem != "" {
				var problem *store.Problem
				require.ErrorAs(t, err, &problem)
				assert.Contains(t, problem.Error(), test.problem)
				return
			}
			require.NoError(t, err)
			got := ""
			for _, p := range points {
				got += p.ID
				if p.Digest.Given() {
					got += " " + p.Digest.Value[:8]
				}
				if p.Doubt != "" {
					got += " ? " + p.Doubt
				}
				if p.Unusable != "" {
					got += " ! " + string(p.Unusable)
				}
				if p.Wrong != nil {
					got += " " + p.Wrong.Error()[:36]
				}
				if !p.ConsistentTo.IsZero() {
					got += " " + p.ConsistentTo.Format(time.RFC3339) + " " + p.ConsistentBy
				}
				got += "\n"
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestFolderMismatch(t *testing.T) {
	for name, test := range map[string]struct {
		sums  string
		point string
	}{
		"changed":  {sumOf("1") + "  d/a\n" + sumOf("X") + "  d/b\n", "d/b"},
		"missing":  {sumOf("1") + "  d/a\n" + sumOf("2") + "  d/b\n" + sumOf("3") + "  d/c\n", "d/c"},
		"unlisted": {sumOf("1") + "  d/a\n", "d/b"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "d/a", "1", time.Time{})
			write(t, dir, "d/b", "2", time.Time{})
			write(t, dir, "SHA256SUMS", test.sums, time.Time{})
			s := open(t, dir, "")
			points, err := s.List(t.Context())
			require.NoError(t, err)
			stream, err := s.Fetch(t.Context(), points[0])
			require.NoError(t, err)
			defer stream.Close()
			_, err = io.Copy(io.Discard, stream)
			var mismatch *store.Mismatch
			require.ErrorAs(t, err, &mismatch)
			assert.Equal(t, test.point, mismatch.Point)
			assert.Empty(t, stream.Digest())
		})
	}
}

func TestNewProblems(t *testing.T) {
	for text, want := range map[string]string{
		"pattern: '*'":          "path: is missing",
		"path: x\npattern: '['": "pattern: is not a pattern",
		"path: x\nother: 1":     "other",
	} {
		settings, err := scenarios.ParseSettings("dir", text)
		require.NoError(t, err)
		_, problems := New(store.Site{}, settings)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Error(), want)
	}
}

// A pipe in the place of a list of digests has no end: it would be read for ever. What it promises is not known, and that is
// said of what it may be about.
func TestListsThatAreNoFiles(t *testing.T) {
	for name, others := range map[string]bool{"SHA256SUMS": true, "a.dump.sha256": false, "a.dump.manifest.yaml": false} {
		dir := t.TempDir()
		write(t, dir, "a.dump", "x", time.Time{})
		write(t, dir, "b.dump", "x", time.Time{})
		write(t, dir, "b.dump.sha256", sumOf("x"), time.Time{})
		write(t, dir, "c.dump", "x", time.Time{})
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, name), 0o600))
		points, err := open(t, dir, "").List(t.Context())
		require.NoError(t, err)
		says := map[string]string{}
		for _, p := range points {
			says[p.ID] = p.Doubt
			if p.Wrong != nil {
				says[p.ID] += p.Wrong.Error()
			}
		}
		assert.Contains(t, says["a.dump"], name)
		assert.Contains(t, says["a.dump"], "it is a pipe, not a file")
		assert.Empty(t, says["b.dump"], "it has a promise of its own")
		assert.Equal(t, others, says["c.dump"] != "", says["c.dump"])
	}
}

// asNobody calls do as a user who may not read everything, as root may. The thread ends with it.
func asNobody(t *testing.T, dir string, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	const nobody = 65534
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		require.NoError(t, os.Chmod(at, 0o755))
	}
	for _, name := range []string{"shop.dump", "older.dump"} {
		require.NoError(t, os.Chmod(filepath.Join(dir, name), 0o644))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: nobody else gets this thread
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
		}
		do()
	}()
	<-done
}

// The newest cannot be restored as it lies: the newest that can is chosen, and the other is named.
func TestNewestThatIsNoBackup(t *testing.T) {
	now := time.Now()
	for name, put := range map[string]func(t *testing.T, at string) store.Unusable{
		"a pipe": func(t *testing.T, at string) store.Unusable {
			require.NoError(t, syscall.Mkfifo(at, 0o600))
			return store.Special
		},
		"a link to nothing": func(t *testing.T, at string) store.Unusable {
			require.NoError(t, os.Symlink("nowhere", at))
			return store.Dangling
		},
		"a folder that nobody may read": func(t *testing.T, at string) store.Unusable {
			require.NoError(t, os.Mkdir(at, 0o700))
			write(t, at, "x", "x", now)
			require.NoError(t, os.Chmod(at, 0))
			return store.Unreadable
		},
		"a file that nobody may read": func(t *testing.T, at string) store.Unusable {
			write(t, filepath.Dir(at), filepath.Base(at), "x", now)
			require.NoError(t, os.Chmod(at, 0))
			return store.Unreadable
		},
		"a folder with a pipe in it": func(t *testing.T, at string) store.Unusable {
			require.NoError(t, os.Mkdir(at, 0o700))
			require.NoError(t, syscall.Mkfifo(filepath.Join(at, "y"), 0o600))
			require.NoError(t, os.Chmod(at, 0o755))
			return store.Mixed
		},
		"a folder without a file": func(t *testing.T, at string) store.Unusable {
			require.NoError(t, os.Mkdir(at, 0o755))
			return store.Hollow
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "shop.dump", "x", now.Add(-time.Hour))
			write(t, dir, "older.dump", "x", now.Add(-2*time.Hour))
			why := put(t, filepath.Join(dir, "newest.dump"))
			st := open(t, dir, "")
			var points []store.Point
			var err error
			asNobody(t, dir, func() { points, err = st.List(t.Context()) })
			require.NoError(t, err)
			c, err := store.Pick(points, "")
			require.NoError(t, err)
			assert.Equal(t, "shop.dump", c.ID)
			require.Len(t, c.Skipped, 1)
			assert.Equal(t, why, c.Skipped[0].Unusable)
			require.Len(t, c.Older, 1)
			assert.Equal(t, "older.dump", c.Older[0].ID)
		})
	}
}

func TestListMissingFolder(t *testing.T) {
	settings, err := scenarios.ParseSettings("dir", "path: nowhere")
	require.NoError(t, err)
	s, problems := New(store.Site{Folder: t.TempDir()}, settings)
	require.Empty(t, problems)
	_, err = s.List(t.Context())
	var problem *store.Problem
	require.ErrorAs(t, err, &problem)
	assert.Contains(t, err.Error(), "there is no folder")
}

// A profile that was promised and is gone, or that cannot be read, is not as if there had never been one.
func TestBesideThatIsLost(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "x.dump", "x", time.Time{})
	write(t, dir, "SHA256SUMS", storetest.Sum([]byte("p"))[len("sha256:"):]+"  x.dump.profile.json\n", time.Time{})
	require.NoError(t, os.Mkdir(filepath.Join(dir, "y.dump.profile.json"), 0o755))
	s := open(t, dir, "").(store.Beside)
	for id, says := range map[string]string{"x.dump": "SHA256SUMS lists x.dump.profile.json, and it is not there", "y.dump": "it is a folder"} {
		_, err := s.Beside(t.Context(), store.Point{ID: id}, ".profile.json")
		require.ErrorContains(t, err, says)
		assert.NotErrorIs(t, err, store.ErrNoPoint)
	}
}
