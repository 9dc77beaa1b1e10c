package basebackup

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgbackrest"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/accident"
	"lifeboat/internal/needs"
)

// kept are the repositories that the real pgBackRest made of a cluster.
var kept = sync.OnceValues(func() (tree, error) {
	script, err := os.ReadFile("testdata/repository.sh")
	if err != nil {
		return nil, err
	}
	program, err := exec.Command("docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", "lifeboat/kinds:12", "/usr/bin/pgbackrest").Output()
	if err != nil {
		return nil, err
	}
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--user", "postgres", "--entrypoint", "bash", image, "-c", string(script))
	c.Stdin = bytes.NewReader(program)
	var out, told bytes.Buffer
	c.Stdout, c.Stderr = &out, &told
	if err := c.Run(); err != nil {
		return nil, errors.New(err.Error() + ": " + told.String())
	}
	return accident.Unpacked(&out)
})

func repositories(t testing.TB) tree {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", image, "lifeboat/kinds:12").CombinedOutput(); err != nil {
		needs.Skipf(t, "no %s or no lifeboat/kinds:12 here (run ci/images/postgres.sh and ci/images/kinds.sh): %s", image, out)
	}
	all, err := kept()
	require.NoError(t, err)
	return all
}

// named is the one file of a tree whose path holds all of some words; the last of several.
func named(t testing.TB, of tree, words ...string) string {
	t.Helper()
	found := slices.DeleteFunc(keys(of), func(name string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
	})
	require.NotEmpty(t, found, words)
	return found[len(found)-1]
}

// What is wrong with a repository is named by the path in it before a server starts, and what says nothing of it is told apart.
func TestRepositoriesAreRead(t *testing.T) {
	t.Parallel()
	all := repositories(t)
	plain, sealed := all.Below("plain"), all.Below("sealed")
	info, wal, incr := "backup/demo/backup.info", "archive/demo/archive.info", named(t, plain, "I/backup.manifest")
	incr = strings.TrimSuffix(incr, ".copy")
	full := named(t, plain, "F/pg_data/base/1/2619.gz")
	bundle := named(t, sealed, "F/bundle/1")
	segments := slices.DeleteFunc(keys(plain), func(name string) bool {
		return !strings.Contains(name, "archive/demo/15-1") || !strings.HasSuffix(name, ".gz")
	})
	gap := segments[len(segments)-2]
	segment := gap[strings.LastIndex(gap, "/")+1:][:24]
	change := func(of tree, name string, change func(string) string) tree {
		return of.With(tree{name: change(of[name])})
	}
	// bent changes one digit of a file and of its copy that nothing else shows.
	bent := func(of tree, name string) tree {
		for _, n := range []string{name, name + ".copy"} {
			if raw, ok := of[n]; ok {
				of = of.With(tree{n: strings.Replace(raw, "backrest-format=5", "backrest-format=4", 1)})
			}
		}
		return of
	}
	const pg, key = "{repository: pgbackrest}", "{repository: pgbackrest, cipher_pass: sesame}"
	for name, c := range map[string]struct {
		of       tree
		settings string
		bad      string
		lack     string
	}{
		"plain":            {of: plain, settings: pg},
		"sealed":           {of: sealed, settings: key},
		"both":             {of: all, settings: pg, lack: record.LackStanza},
		"the full one":     {of: plain, settings: "{repository: pgbackrest, set: " + full[strings.Index(full, "demo/")+5:][:16] + "}"},
		"one that is not":  {of: plain, settings: "{repository: pgbackrest, set: 20200101-000000F}", lack: record.LackSet},
		"another stanza":   {of: plain, settings: "{repository: pgbackrest, stanza: prod}", lack: record.LackStanza},
		"no key":           {of: sealed, settings: pg, lack: record.LackCipher},
		"a wrong key":      {of: sealed, settings: "{repository: pgbackrest, cipher_pass: sesamo}", lack: record.LackCipher},
		"nothing":          {of: tree{"a": "b"}, settings: pg, bad: "it is no repository of pgbackrest"},
		"a file":           {of: plain.Less(full), settings: pg, bad: "are missing in the repository: " + full},
		"a manifest":       {of: plain.Less(incr, incr+".copy"), settings: pg, bad: incr + " is missing in the repository"},
		"a manifest alone": {of: plain.Less(incr), settings: pg},
		"a cut manifest":   {of: change(plain.Less(incr+".copy"), incr, func(s string) string { return s[:len(s)/2] }), settings: pg, bad: "backup.manifest cannot be used"},
		"the full backup": {of: change(plain.Less(info+".copy"), info, func(s string) string {
			return summed(s[:strings.Index(s, "[backup:current]\n")+17] + s[strings.Index(s, "F_"+"2")-15:])
		}), settings: pg, bad: "which is not in the repository"},
		"a bit of its list":   {of: bent(plain, info), settings: pg, bad: info + " cannot be used: its checksum is"},
		"a bit of one list":   {of: bent(plain.Less(info), info+".copy").With(tree{info: plain[info]}), settings: pg},
		"a bit of a manifest": {of: bent(plain, incr), settings: pg, bad: "backup.manifest cannot be used: its checksum is"},
		"a bit of its WAL's":  {of: bent(plain, wal), settings: pg, bad: wal + " cannot be used: its checksum is"},
		"a list without an end": {of: change(plain.Less(info+".copy"), info, func(s string) string {
			return s[:strings.Index(s, "\n\n[backrest]\nbackrest-checksum")+1]
		}), settings: pg, bad: "is written last"},
		"a bit of a file":   {of: change(plain, full, func(s string) string { return flip(s, len(s)/2) }), settings: pg, bad: "base/1/2619"},
		"another's content": {of: plain.With(tree{full: packed(t, strings.Repeat("\x00", size(t, plain[full])))}), settings: pg, bad: "not what its manifest says: base/1/2619 (its checksum)"},
		"a cut file":        {of: change(plain, full, func(s string) string { return s[:len(s)-20] }), settings: pg, bad: "base/1/2619 ends too early in " + full},
		"a bit of a bundle": {of: change(sealed, bundle, func(s string) string { return flip(s, len(s)/2) }), settings: key, bad: "in " + bundle},
		"a cut bundle":      {of: change(sealed, bundle, func(s string) string { return s[:len(s)/2] }), settings: key, bad: bundle},
		"no bundle":         {of: sealed.Less(bundle), settings: key, bad: "are missing in the repository: " + bundle},
		"a segment":         {of: plain.Less(gap), settings: pg, bad: "WAL segment " + segment + " is missing"},
		"all segments":      {of: plain.Less(segments...), settings: pg, bad: "cannot be made consistent without it"},
		"a bent segment": {of: plain.With(tree{gap: packed(t, flip(unpacked(t, plain[gap]), 5000))}), settings: pg,
			bad: "WAL segment " + segment + " is not what was archived"},
		"another cluster's": {of: change(plain.Less("archive/demo/archive.info.copy"), "archive/demo/archive.info", func(s string) string {
			return summed(strings.ReplaceAll(s, "db-system-id=7", "db-system-id=6"))
		}), settings: pg, bad: "its archive is of another cluster"},
		"before the first": {of: plain, settings: "{repository: pgbackrest, recover: {time: 2020-01-01T00:00:00Z}}", bad: "was complete before 2020-01-01T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &backup{Loader: loader(t, c.settings), source: source(true, c.of.Tarred(), "")}
			_, err := b.read(t.Context(), nil)
			if err != nil {
				err = dump.Classify("db", err)
			}
			switch {
			case c.bad != "":
				var bad *restore.BackupError
				require.ErrorAs(t, err, &bad, "%v", err)
				assert.Contains(t, bad.Reason, c.bad)
			case c.lack != "":
				var lack *restore.LackError
				require.ErrorAs(t, err, &lack, "%v", err)
				assert.Equal(t, c.lack, lack.Lack)
			default:
				require.NoError(t, err)
				assert.Contains(t, strings.Join(b.Notes, "\n"), "restored is backup 20")
			}
		})
	}
}

// summed gives a list that was changed on purpose the checksum that pgBackRest would.
func summed(list string) string {
	_, err := pgbackrest.ReadInfo(list)
	words := strings.Fields(err.Error()) // its checksum is X, and it promises Y
	return strings.Replace(list, words[len(words)-1], strings.TrimSuffix(words[3], ","), 1)
}

func packed(t testing.TB, raw string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func unpacked(t testing.TB, raw string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(raw))
	require.NoError(t, err)
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(all)
}

func size(t testing.TB, raw string) int { return len(unpacked(t, raw)) }

// What pgBackRest keeps comes back as of the place where recovery was to end, without pgBackRest.
func TestRestoreOfRepositories(t *testing.T) {
	t.Parallel()
	all := repositories(t)
	boot := boots(t, "repos")
	dropped, err := time.Parse(time.RFC3339Nano, all["time"])
	require.NoError(t, err)
	plain, sealed := all.Below("plain").Tarred(), all.Below("sealed").Tarred()
	for _, c := range []struct {
		name, settings, of, orders string
		to                         func(at time.Time) bool
	}{
		{"the latest", "{repository: pgbackrest}", plain, "does not exist", dropped.Before},
		{"a time", "{repository: pgbackrest, recover: {time: " + all["time"] + "}}", plain, "5150", dropped.Equal},
		{"a transaction of a sealed one", "{repository: pgbackrest, cipher_pass: sesame, recover: {before: '" + all["xid"] + "'}}", sealed, "5150",
			func(at time.Time) bool { return !at.After(dropped.Add(time.Minute)) }},
	} {
		l := loader(t, c.settings)
		m := boot(l)
		out, err := load(t, l, source(true, c.of, ""), m)
		require.NoError(t, err, c.name)
		assert.Contains(t, ask(t, m, "shop", "select count(*) from orders"), c.orders, c.name)
		assert.Equal(t, "500", ask(t, m, "shop", "select count(*) from items"), c.name)
		assert.Equal(t, "off", ask(t, m, "shop", "select current_setting('archive_mode')"), c.name)
		assert.True(t, c.to(out.ConsistentTo), "%s: %s (%s), and the table was dropped at %s", c.name, out.ConsistentTo, out.ConsistentBy, dropped)
		assert.True(t, out.Measured, c.name)
		t.Log(c.name, out.ConsistentTo, out.ConsistentBy, out.Notes)
	}
}

// barman lays the parts of a base backup out as Barman does: by hand, since no server of the tests has that program.
func barman(t testing.TB, all tree, status string) tree {
	t.Helper()
	const id = "20260131T020000"
	tars := all.Below("tar")
	base, err := accident.Unpacked(strings.NewReader(tars["base.tar"]))
	require.NoError(t, err)
	space, err := accident.Unpacked(strings.NewReader(tars["16384.tar"]))
	require.NoError(t, err)
	l, err := pgdata.ReadLabel(base[label])
	require.NoError(t, err)
	out := tree{"main/identity.json": "{}", "main/wals/xlog.db": "x"}
	out = out.Under("main/base/"+id+"/data", base).Under("main/base/"+id+"/16384", space)
	first, end := pgdata.SegmentAt(l.Timeline, l.Start, 1<<20).Name(1<<20), ""
	for name, raw := range all.Below("wal") {
		if b, err := pgdata.ReadLabel(raw); strings.HasSuffix(name, ".backup") && err == nil && b.Start == l.Start {
			end = b.Stop.String()
		}
		if _, ok := pgdata.ParseSegment(name, 1<<20); ok {
			raw, name = packed(t, raw), "0000000100000000/"+name // by the same name, packed or not
		}
		out["main/wals/"+name] = raw
	}
	require.NotEmpty(t, end)
	out["main/base/"+id+"/backup.info"] = "backup_label=None\nbegin_wal=" + first + "\nbegin_xlog=" + l.Start.String() + "\nend_xlog=" + end +
		"\nend_time=2026-01-31 02:00:09.123456+00:00\nmode=rsync-concurrent\nstatus=" + status +
		"\ntablespaces=[('fast', 16384, '/tmp/space')]\nversion=150004\n"
	return out
}

// What Barman keeps is read, restored to a place in its WAL, and what is wrong with it named.
func TestBarman(t *testing.T) {
	t.Parallel()
	all := sample(t)
	whole := barman(t, all, "DONE")
	segment := after(t, all.Below("tar"), 2).Name(1 << 20)
	at := "main/wals/0000000100000000/" + segment
	for name, c := range map[string]struct {
		of       tree
		settings string
		bad      string
		lack     string
	}{
		"whole":               {of: whole, settings: "{repository: barman}"},
		"the server":          {of: whole, settings: "{repository: barman, stanza: main}"},
		"another server":      {of: whole, settings: "{repository: barman, stanza: other}", lack: record.LackStanza},
		"two servers":         {of: whole.Under("two", tree{"base/20260131T020000/backup.info": "status=DONE"}), settings: "{repository: barman}", lack: record.LackStanza},
		"not complete":        {of: barman(t, all, "FAILED"), settings: "{repository: barman}", bad: "there is no complete backup"},
		"not complete, named": {of: barman(t, all, "FAILED"), settings: "{repository: barman, set: 20260131T020000}", bad: `its status is "FAILED"`},
		"a segment":           {of: whole.Less(at), settings: "{repository: barman}", bad: "WAL segment " + segment + " is missing"},
		"a cut segment":       {of: whole.With(tree{at: whole[at][:500]}), settings: "{repository: barman}", bad: segment},
		"a tablespace": {of: whole.Less(slices.DeleteFunc(keys(whole), func(n string) bool { return !strings.Contains(n, "/16384/") })...),
			settings: "{repository: barman}", bad: "tablespace 16384 (/tmp/space) is missing"},
		"a control file": {of: whole.Less("main/base/20260131T020000/data/global/pg_control"), settings: "{repository: barman}", bad: "global/pg_control is missing"},
	} {
		b := &backup{Loader: loader(t, c.settings), source: source(true, c.of.Tarred(), "")}
		_, err := b.read(t.Context(), nil)
		if err != nil {
			err = dump.Classify("db", err)
		}
		switch {
		case c.bad != "":
			var bad *restore.BackupError
			require.ErrorAs(t, err, &bad, "%s: %v", name, err)
			assert.Contains(t, bad.Reason, c.bad, name)
		case c.lack != "":
			var lack *restore.LackError
			require.ErrorAs(t, err, &lack, "%s: %v", name, err)
			assert.Equal(t, c.lack, lack.Lack, name)
		default:
			require.NoError(t, err, name)
		}
	}
	l := loader(t, "{repository: barman, recover: {time: "+all["time"]+"}}")
	m := boots(t, "barman")(l)
	out, err := load(t, l, source(true, whole.Tarred(), ""), m)
	require.NoError(t, err)
	assert.Equal(t, "5100", ask(t, m, "shop", "select count(*) from orders"))
	assert.Equal(t, "500", ask(t, m, "shop", "select count(*) from items"))
	assert.Equal(t, all["time"], out.ConsistentTo.Format("2006-01-02T15:04:05.000000Z"))
}
