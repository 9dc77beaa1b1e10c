package binlog

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
)

// of the sample's backups.
var here = Position{File: "binlog.000002", Offset: 600, GTID: "0-1-8"}

func TestJudges(t *testing.T) {
	t.Parallel()
	all := sample(t)
	logs := all.Below("logs")
	last := logs["binlog.000005"]
	mistake := word(t, all, "mistake")
	g, ok := parseGTID(mistake)
	require.True(t, ok)
	drop := gtid{g.domain, g.server, g.number + 1}.String()
	for name, c := range map[string]struct {
		logs   files
		from   Position
		target Target
		count  int64
		by     string
		notes  int
	}{
		"to the end":              {logs, here, Target{}, 12, "the last transaction that was replayed", 1},
		"older ones are missing":  {logs.Less("binlog.000001"), here, Target{}, 12, "the last transaction that was replayed", 1},
		"of a server that writes": {all.Below("live"), here, Target{}, 12, "the last transaction that was replayed", 0},
		"in folders":              {files{}.Under("a/b", logs), here, Target{}, 12, "the last transaction that was replayed", 1},
		"to a time":               {logs, here, Target{Time: moment(t, all, "before-the-mistake")}, 8, "the time to which its binary logs were replayed", 0},
		"to a time, later ones are gone": {logs.Less("binlog.000005"), here, Target{Time: moment(t, all, "before-the-mistake")}, 8,
			"the time to which its binary logs were replayed", 0},
		"to before a transaction": {logs, here, Target{Before: drop}, 10, "the place in its binary logs at which recovery ended", 0},
		"the last one is cut, its server was writing": {logs.With(files{"binlog.000005": all["live/binlog.000005"][:len(all["live/binlog.000005"])-5]}), here, Target{}, 11,
			"the last transaction that was replayed", 1},
		"from the end of a log": {logs, Position{"binlog.000004", int64(len(logs["binlog.000004"])), ""}, Target{}, 1, "the last transaction that was replayed", 1},
		"none behind it":        {logs, Position{"binlog.000005", int64(len(last)), ""}, Target{}, 0, "the last transaction before it in its binary logs, which hold no later one", 1},
	} {
		c1, out, err := Judge(t.Context(), folder(c.logs), c.from, c.target)
		if !assert.NoError(t, err, name) {
			continue
		}
		at, by := c1.Reached()
		assert.Equal(t, c.count, c1.Transactions(), name)
		assert.Equal(t, c.by, by, name)
		assert.WithinDuration(t, time.Now(), at, 10*time.Minute, name)
		assert.Len(t, c1.Notes, c.notes, name)
		assert.NotEmpty(t, out.Digest)
	}
}

// change gives a file with other bytes at a place.
func change(content string, at int, to string) string {
	return content[:at] + to + content[at+len(to):]
}

func TestFindsGaps(t *testing.T) {
	t.Parallel()
	all := sample(t)
	logs, foreign := all.Below("logs"), all.Below("foreign")
	late := time.Now().Add(time.Hour).UTC()
	early := moment(t, all, "before-the-mistake").Add(-time.Hour)
	log := func(n string) string { return logs["binlog."+n] }
	for name, c := range map[string]struct {
		logs   files
		from   Position
		target Target
		want   string
	}{
		"one in the middle":        {logs.Less("binlog.000004"), here, Target{}, "binary log binlog.000004 is missing, and 1 later ones lie there"},
		"two in the middle":        {logs.Less("binlog.000003", "binlog.000004"), here, Target{}, "binary log binlog.000003 is missing, and 1 later ones lie there"},
		"the one that it is in":    {logs.Less("binlog.000002"), here, Target{}, "binary log binlog.000002 is missing, in which the backup is (at 600): the first that lies there is binlog.000003"},
		"all":                      {files{"readme": "x"}, here, Target{}, "binary log binlog.000002 is missing"},
		"a time that is not there": {logs, here, Target{Time: &late}, "nothing in its binary logs is of"},
		"a time behind a gap": {logs.Less("binlog.000004"), here, Target{Time: moment(t, all, "behind-the-mistake")},
			"its binary logs end before the place where recovery should end: binlog.000004 is missing"},
		"a time before the backup": {logs, here, Target{Time: &early}, "recovery should go back to"},
		"a transaction before it":  {logs, here, Target{Before: "0-1-3"}, "it holds transaction 0-1-3"},
		"no such transaction":      {logs, here, Target{Before: "0-1-999"}, "transaction 0-1-999 is not in its binary logs"},
		"another server's":         {logs.With(files{"binlog.000003": foreign["binlog.000003"]}), here, Target{}, "is of another server than binlog.000002: the one has server_id 2, and the other 1"},
		"another server's, first":  {foreign, here, Target{}, "binlog.000002"},
		"another server's, the GTID": {logs, Position{"binlog.000002", 600, "0-2-8"}, Target{},
			"the backup is behind transaction 0-2-8, and at 600 of that log the last one is 0-1-8"},
		"the one before it again": {logs.With(files{"binlog.000004": log("000003")}), here, Target{}, "binary log binlog.000004 overlaps binlog.000003"},
		"the place is too far":    {logs, Position{"binlog.000002", 100000, ""}, Target{}, "bytes, and the backup is at 100000 in it"},
		"the place is inside":     {logs, Position{"binlog.000002", 610, ""}, Target{}, "no transaction of binary log binlog.000002 begins at 610"},
		"cut inside an event":     {logs.With(files{"binlog.000003": log("000003")[:1000]}), here, Target{}, "binary log binlog.000003 is cut off: it ends inside"},
		"the last is cut":         {logs.With(files{"binlog.000005": log("000005")[:590]}), here, Target{}, "binary log binlog.000005 is cut off: it ends inside"},
		"cut behind an event":     {logs.With(files{"binlog.000003": log("000003")[:cutAt(t, log("000003"))]}), here, Target{}, "transactions are missing between binary log binlog.000003"},
		"cut to nothing":          {logs.With(files{"binlog.000003": log("000003")[:3]}), here, Target{}, "binlog.000003 has 3 bytes, and is cut off"},
		"cut in its format":       {logs.With(files{"binlog.000003": log("000003")[:100]}), here, Target{}, "it ends in what describes its format"},
		"a byte is another":       {logs.With(files{"binlog.000003": change(log("000003"), 700, "\x00\x01")}), here, Target{}, "the checksum of the event at"},
		"another file":            {logs.With(files{"binlog.000003": "something else altogether"}), here, Target{}, "binlog.000003 does not begin as a binary log"},
		"its middle is missing":   {logs.With(files{"binlog.000003": log("000003")[:500] + log("000003")[600:]}), here, Target{}, "binlog.000003 is"},
		"twice":                   {logs.Under("old", files{"binlog.000004": foreign["binlog.000004"]}), here, Target{}, "binlog.000004 lies there twice"},
		"encrypted":               {all.Below("sealed"), Position{"binlog.000001", 4, ""}, Target{}, "binary log binlog.000001 is encrypted"},
		"encrypted by MySQL":      {logs.With(files{"binlog.000003": sealedMagic + "xxxxxxxx"}), here, Target{}, "binary log binlog.000003 is encrypted"},
	} {
		_, _, err := Judge(t.Context(), folder(c.logs), c.from, c.target)
		assert.ErrorContains(t, err, c.want, name)
	}
	_, _, err := Judge(t.Context(), folder(all.Below("sealed")), Position{"binlog.000001", 4, ""}, Target{})
	require.ErrorAs(t, err, new(*restore.LackError))
}

// cutAt is where the last transaction of a log begins.
func cutAt(t *testing.T, content string) int {
	t.Helper()
	at := 0
	r := newReader("x", strings.NewReader(content))
	require.NoError(t, r.begin())
	for {
		e, err := r.event()
		if err != nil {
			return at
		}
		if e.kind == gtidEvent {
			at = int(e.at)
		}
	}
}

// An archive is read alone, too.
func TestReadsAlone(t *testing.T) {
	t.Parallel()
	all := sample(t)
	for _, of := range []string{"logs", "live", "foreign", "plain", "packed"} {
		out, err := (&Archive{}).Read(t.Context(), folder(all.Below(of)))
		require.NoError(t, err, of)
		assert.Positive(t, out.Bytes)
	}
	logs := all.Below("logs")
	_, err := (&Archive{}).Read(t.Context(), folder(logs.With(files{"notes.20260131": "words"})))
	require.NoError(t, err, "what is only called as a log")
	for want, of := range map[string]files{
		"it holds no binary logs":                        {"a": "b"},
		"binary log binlog.000003 is missing, and 2":     logs.Less("binlog.000003"),
		"binlog.000003 does not begin as a binary log":   logs.With(files{"binlog.000003": "words"}),
		"binlog.000001 is encrypted":                     all.Below("sealed"),
		"binlog.000005 is cut off":                       logs.With(files{"binlog.000005": logs["binlog.000005"][:600]}),
		"of another server than binlog.000003":           logs.With(files{"binlog.000004": all["foreign/binlog.000004"]}),
		"binlog.000002 is of another server than binlog": all.Below("foreign").With(files{"binlog.000002": logs["binlog.000002"]}),
	} {
		_, err := (&Archive{}).Read(t.Context(), folder(of))
		assert.ErrorContains(t, err, want)
	}
}
