package basebackup

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/accident"
)

// flip changes one byte.
func flip(content string, at int) string {
	b := []byte(content)
	b[at] ^= 0x10
	return string(b)
}

const label = "backup_label"

// after is the segment some behind the one that a backup begins with.
func after(t *testing.T, of tree, some uint64) pgdata.Segment {
	t.Helper()
	inner, err := accident.Unpacked(strings.NewReader(of["base.tar"]))
	require.NoError(t, err)
	l, err := pgdata.ReadLabel(inner[label])
	require.NoError(t, err)
	s := pgdata.SegmentAt(l.Timeline, l.Start, 1<<20)
	s.Number += some
	return s
}

// What is wrong with a backup, or with the WAL that it needs, is named before a server starts.
func TestBrokenBackupsAreNamed(t *testing.T) {
	t.Parallel()
	all := sample(t)
	tars, base := all.Below("tar"), func(change func(tree) tree) tree { return in(t, all.Below("tar"), "base.tar", change) }
	first, third := after(t, tars, 0), after(t, tars, 2)
	segment3, segment4 := "wal/"+after(t, tars, 1).Name(1<<20), "wal/"+third.Name(1<<20)
	without := tree.Less
	bare := func(change func(tree) tree) tree { return without(base(change), "backup_manifest") }
	data := func(of tree) string { // a table's file with several pages
		for _, name := range keys(of) {
			if strings.HasPrefix(name, "base/5/") && strings.HasSuffix(name, "/1249") {
				return name
			}
		}
		t.Fatal("no file of pg_attribute")
		return ""
	}
	for name, c := range map[string]struct {
		of       tree
		wal      tree // nil: no archive
		settings string
		want     string
	}{
		"nothing":             {of: tree{"readme": "hello"}, want: "holds no files of a data folder"},
		"no WAL":              {of: without(tars, "pg_wal.tar"), wal: tree{segment4[len("wal/"):]: all[segment4]}, want: "WAL segment " + first.Name(1<<20) + " is missing: the backup needs"},
		"a cut tar":           {of: tars.With(tree{"base.tar": tars["base.tar"][:len(tars["base.tar"])/2+100]}), want: "cut off"},
		"a cut packed tar":    {of: all.Below("packed").With(tree{"base.tar.gz": all["packed/base.tar.gz"][:100000]}), want: "base.tar.gz ends too early"},
		"manifest edited":     {of: tars.With(tree{"backup_manifest": strings.Replace(tars["backup_manifest"], `"Size": 8192`, `"Size": 8193`, 1)}), want: "its own checksum is wrong"},
		"manifest cut":        {of: tars.With(tree{"backup_manifest": tars["backup_manifest"][:5000]}), want: "cut off, or no manifest"},
		"a file missing":      {of: base(func(b tree) tree { return without(b, data(b)) }), want: "files are missing that its manifest lists: base/5/1249"},
		"a file more":         {of: base(func(b tree) tree { return b.With(tree{"base/5/99999": "x"}) }), want: "does not list: base/5/99999"},
		"a byte of a file":    {of: base(func(b tree) tree { return b.With(tree{data(b): flip(b[data(b)], 9000)}) }), want: "not what its manifest says: base/5/1249 (its checksum)"},
		"a page, no manifest": {of: bare(func(b tree) tree { return b.With(tree{data(b): flip(b[data(b)], 9000)}) }), want: "the checksum of a page is wrong: block 1 of base/5/1249"},
		"zeros in a page": {of: bare(func(b tree) tree {
			f := b[data(b)]
			return b.With(tree{data(b): f[:8192+8] + strings.Repeat("\x00", 100) + f[8192+108:]})
		}), want: "block 1 of base/5/1249"},
		"tablespace":          {of: without(tars, "16384.tar"), want: "tablespace 16384 is missing"},
		"tablespace, no list": {of: without(tars, "16384.tar", "backup_manifest"), want: "tablespace 16384 (/tmp/space) is missing"},
		"label":               {of: base(func(b tree) tree { return without(b, label) }), want: "its backup_label is missing, which its manifest lists"},
		"label, no manifest":  {of: bare(func(b tree) tree { return without(b, label) }), want: "it holds no backup_label, and its server ran"},
		"control file":        {of: bare(func(b tree) tree { return b.With(tree{"global/pg_control": flip(b["global/pg_control"], 40)}) }), want: "global/pg_control cannot be used: its checksum is wrong"},
		"no control file":     {of: bare(func(b tree) tree { return without(b, "global/pg_control") }), want: "global/pg_control is missing"},
		"no version":          {of: bare(func(b tree) tree { return without(b, "PG_VERSION") }), want: "its PG_VERSION is missing"},
		"a database's folder": {of: bare(func(b tree) tree {
			gone := tree{}
			for n := range b {
				if strings.HasPrefix(n, "base/1/") {
					gone[n] = ""
				}
			}
			return b.With(gone)
		}), want: "base/1 is missing"},
		"a gap":                {of: tars, wal: without(all, segment4).Below("wal"), want: third.Name(1<<20) + " is missing, and"},
		"another cluster's":    {of: tars, wal: all.With(tree{segment4: flip(all[segment4], 24)}).Below("wal"), want: third.Name(1<<20) + " is of another cluster"},
		"another timeline's":   {of: tars, wal: all.With(tree{segment4: flip(all[segment4], 4)}).Below("wal"), want: "was written on timeline 17, and not on 1"},
		"another's name":       {of: tars, wal: all.With(tree{segment4: all[segment3]}).Below("wal"), want: "and not at " + third.Start(1<<20).String()},
		"a cut segment":        {of: tars, wal: all.With(tree{segment4: all[segment4][:500000]}).Below("wal"), want: "is cut off: it has 500000 bytes of 1048576"},
		"zeros":                {of: tars, wal: all.With(tree{segment4: strings.Repeat("\x00", 1<<20)}).Below("wal"), want: "does not begin as one"},
		"a timeline's history": {of: tars, wal: all.With(tree{"wal/000000020000000000000009": all[segment4]}).Below("wal"), want: "00000002.history is missing, though segments of timeline 2"},
		"a wrong history":      {of: tars, wal: all.With(tree{"wal/00000002.history": "junk"}).Below("wal"), want: "00000002.history cannot be used"},
		"a timeline unknown":   {of: tars, wal: all.Below("wal"), settings: "{wal: archive, recover: {timeline: '7'}}", want: "00000007.history is missing"},
	} {
		settings, wal := "{}", ""
		if c.wal != nil {
			settings, wal = "wal: archive", c.wal.Tarred()
		}
		if c.settings != "" {
			settings = c.settings
		}
		b := &backup{Loader: loader(t, settings), source: source(true, c.of.Tarred(), wal)}
		_, err := b.read(t.Context(), nil)
		var bad *restore.BackupError
		if assert.Truef(t, errors.As(dump.Classify("db", err), &bad), "%s: %v", name, err) {
			assert.Contains(t, bad.Reason, c.want, name)
		}
	}
}

// What cannot be told apart from a good backup, or is one of another kind, is no word on it.
func TestWhatIsNoWordOnTheBackup(t *testing.T) {
	t.Parallel()
	all := sample(t)
	tars := all.Below("tar")
	incremental := in(t, tars, "base.tar", func(b tree) tree {
		return b.With(tree{label: b[label] + "INCREMENTAL FROM LSN: 0/200000\n"})
	}).With(tree{"backup_manifest": ""})
	l := loader(t, "{}")
	_, err := l.Read(t.Context(), source(true, incremental.Tarred(), ""))
	require.ErrorAs(t, err, new(*restore.LackError))
	// pg_basebackup -X none leaves all WAL to an archive, which nobody named.
	_, err = l.Read(t.Context(), source(true, tars.With(tree{"pg_wal.tar": ""}).Tarred(), ""))
	var lack *restore.LackError
	require.ErrorAs(t, err, &lack)
	assert.Equal(t, record.LackWAL, lack.Lack)

	for name, c := range map[string]struct {
		raw, want string
		bad       bool
	}{
		"HTML":  {"<html><body>403</body></html>", "HTML page", true},
		"zeros": {strings.Repeat("\x00", 100000), "nothing but zero bytes", true},
		"gpg":   {"-----BEGIN PGP MESSAGE-----\n", "encrypted by gpg", false},
		"dump":  {"--\n-- PostgreSQL database dump\n--\n", "SQL of pg_dump", false},
	} {
		for _, err := range []error{l.Look(t.Context(), source(false, c.raw, "")), func() error {
			_, err := l.Read(t.Context(), source(false, c.raw, ""))
			return err
		}()} {
			var kind *restore.KindError
			require.ErrorAs(t, err, &kind, name)
			assert.Contains(t, kind.Reason(), c.want, name)
			assert.Equal(t, c.bad, kind.Bad(), name)
		}
	}
}
