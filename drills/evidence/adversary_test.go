package evidence_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
	"lifeboat/internal/translog"
	"lifeboat/reports"
)

// forged is a copy of the quarter's bundle in the hands of somebody who wants it to say something else.
type forged struct {
	*quarter
	dir                    string
	passed, failed, second string // drills
	night                  string
	older                  []byte // the checkpoint that the auditor kept
}

func (f *forged) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *forged) write(name string, content []byte) {
	f.t.Helper()
	require.NoError(f.t, os.MkdirAll(filepath.Dir(f.path(name)), 0o700))
	require.NoError(f.t, os.WriteFile(f.path(name), content, 0o600))
}

// edit changes a file, which must change by it.
func (f *forged) edit(name string, change func(string) string) {
	f.t.Helper()
	was := string(f.read(f.path(name)))
	is := change(was)
	require.NotEqual(f.t, was, is, name)
	f.write(name, []byte(is))
}

func swap(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func (f *forged) gone(names ...string) {
	f.t.Helper()
	for _, name := range names {
		require.NoError(f.t, os.RemoveAll(f.path(name)))
	}
}

// object changes a JSON file that has one form, and leaves that form.
func (f *forged) object(name string, change func(map[string]any)) {
	f.t.Helper()
	d := json.NewDecoder(bytes.NewReader(f.read(f.path(name))))
	d.UseNumber()
	v := map[string]any{}
	require.NoError(f.t, d.Decode(&v))
	change(v)
	raw, err := canonical.Marshal(v)
	require.NoError(f.t, err)
	f.write(name, raw)
}

// rechained gives a journal whose first occurrence of a text was changed, with every hash after it made anew.
func rechained(old, new string) func(string) string {
	return func(s string) string {
		var out strings.Builder
		was, is := "", ""
		for l := range strings.Lines(swap(old, new)(s)) {
			if is != "" {
				l = strings.Replace(l, `"prev":"`+was, `"prev":"`+is, 1)
			}
			old := s[out.Len():] // lines keep their lengths
			was, is = sum(old[:strings.IndexByte(old, '\n')+1]), sum(l)
			out.WriteString(l)
		}
		return out.String()
	}
}

func (f *forged) envelope(id string) string { return "drills/" + id + "/evidence/attestation.json" }

func (f *forged) signatures(id string, change func(e *signing.Envelope)) {
	f.t.Helper()
	e := &signing.Envelope{}
	require.NoError(f.t, json.Unmarshal(f.read(f.path(f.envelope(id))), e))
	change(e)
	raw, err := json.Marshal(e)
	require.NoError(f.t, err)
	f.write(f.envelope(id), raw)
}

// resigned signs the payload of a drill anew.
func (f *forged) resigned(id string, by signing.Signer) *signing.Envelope {
	f.t.Helper()
	_, payload, err := signing.ParseEnvelope(f.read(f.path(f.envelope(id))))
	require.NoError(f.t, err)
	e, err := signing.Seal(context.Background(), nil, "application/vnd.in-toto+json", payload, by)
	require.NoError(f.t, err)
	return e
}

// ofTheBundle are manipulations by somebody who has a bundle, and no key.
var ofTheBundle = map[string]struct {
	do   func(f *forged)
	want string
}{
	"a time by a millisecond": {func(f *forged) {
		f.edit(f.journal(f.passed), swap(`elapsed_ns":64000000000`, `elapsed_ns":64001000000`))
	}, "file_changed"},
	"the same with every hash made anew": {func(f *forged) {
		f.edit(f.journal(f.passed), rechained(`"seq":6,"elapsed_ns":4000000000`, `"seq":6,"elapsed_ns":4001000000`))
	}, "journal_head"},
	"the same with its manifest": {func(f *forged) { f.object(f.manifest(f.passed), func(m map[string]any) { m["verdict"] = "failed" }) }, "manifest_changed"},
	"a record of the log":        {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"verdict":"failed"`, `"verdict":"passed"`)) }, "leaf_unproved"},
	"a payload's type": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { e.PayloadType = "text/plain" })
	}, "statement_odd"},
	"a signature without its key's name": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { e.Signatures[0].KeyID = "" })
	}, "envelope_forged"},
	"an envelope that says more than one does": {func(f *forged) { f.edit(f.envelope(f.passed), swap(`{"`, `{"note":"approved","`)) }, "part_unreadable"},
	"an envelope with words behind it":         {func(f *forged) { f.edit(f.envelope(f.passed), func(s string) string { return s + "{}" }) }, "part_unreadable"},
	"a payload in another spelling of base64": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { e.Payload = e.Payload[:40] + "\n" + e.Payload[40:] })
	}, "part_unreadable"},
	"a signature in another spelling of base64": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { e.Signatures[0].Sig += "\n" })
	}, "envelope_forged"},
	"a line behind a night's end": {func(f *forged) {
		f.edit("nights/"+f.night+"/night.ndjson", func(s string) string { return s + s[strings.LastIndex(s[:len(s)-1], "\n")+1:] })
	}, "part_unreadable"},
	"a journal's twin in capitals":    {func(f *forged) { f.write(f.in(f.passed, "Journal.ndjson"), []byte("{}")) }, "look_alike"},
	"a file that folders do not show": {func(f *forged) { f.write("drills/.note", []byte("x")) }, "extra_file"},
	"records with other line ends":    {func(f *forged) { f.edit("log/leaves.ndjson", swap("\n", "\r\n")) }, "part_unreadable"},
	"records without their end":       {func(f *forged) { f.edit("log/leaves.ndjson", func(s string) string { return s[:len(s)-1] }) }, "part_unreadable"},
	"a line without a record":         {func(f *forged) { f.edit("log/leaves.ndjson", func(s string) string { return s + "\n" }) }, "part_unreadable"},
	"proofs of another log's size":    {func(f *forged) { f.object("log/proofs.json", func(p map[string]any) { p["size"] = 19 }) }, "part_unreadable"},
	"a proof twice": {func(f *forged) {
		f.object("log/proofs.json", func(p map[string]any) {
			all := p["inclusion"].([]any)
			twin := map[string]any{"index": json.Number("3"), "path": all[4].(map[string]any)["path"]}
			p["inclusion"] = append(all, twin)
		})
	}, "leaf_unproved"},
	"a period that ends before it begins": {func(f *forged) {
		f.object("bundle.json", func(b map[string]any) { b["to"] = "2026-06-01T00:00:00Z" })
		f.gone("drills", "nights")
	}, "period_odd"},
	"no period": {func(f *forged) {
		f.object("bundle.json", func(b map[string]any) { delete(b, "from"); delete(b, "to") })
		f.gone("drills", "nights")
	}, "period_odd"},
	"a drill's folder that is a link": {func(f *forged) {
		require.NoError(f.t, os.Rename(f.path("drills/"+f.failed), f.path("log/elsewhere")))
		require.NoError(f.t, os.Symlink("../log/elsewhere", f.path("drills/"+f.failed)))
	}, "not_a_file"},
	"a pipe in a file's place": {func(f *forged) {
		f.gone(f.in(f.passed, "raw/pulse.ndjson"))
		require.NoError(f.t, syscall.Mkfifo(f.path(f.in(f.passed, "raw/pulse.ndjson")), 0o600))
	}, "not_a_file"},
	"a series' twin with a space": {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"series":"shop"`, `"series":"shop "`)) }, "look_alike"},
	"a number far away": {func(f *forged) {
		f.edit("log/leaves.ndjson", swap(`"number":8,`, `"number":9007199254740993,`))
	}, "number_missing"},
	"a checkpoint of more records than there can be": {func(f *forged) {
		f.edit("log/checkpoint", swap("\n20\n", "\n9223372036854775807\n"))
	}, "part_unreadable"},
	"a checkpoint of more records than there are": {func(f *forged) {
		f.edit("log/checkpoint", swap("\n20\n", "\n281474976710656\n"))
	}, "leaf_missing"},
	"a log that begins before its beginning": {func(f *forged) {
		f.object("bundle.json", func(b map[string]any) { b["first"] = -1 << 62 })
	}, "first_late"},
	"a record of a number below nought": {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"number":8,`, `"number":-8,`)) }, "leaf_odd"},
	"two drills exchanged":              {(*forged).exchange, "manifest_changed"},
	"a failed drill taken out":          {func(f *forged) { f.gone("drills/" + f.failed) }, "drill_missing"},
	"with its record":                   {func(f *forged) { f.gone("drills/" + f.failed); f.edit("log/leaves.ndjson", withoutLine(f.failed)) }, "leaf_missing"},
	"and said to be under way":          {(*forged).underWay, "leaf_missing"},
	"the later ones renumbered":         {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"number":8,`, `"number":7,`)) }, "leaf_unproved"},
	"a number used twice":               {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"number":8,`, `"number":7,`)) }, "number_twice"},
	"the log cut short": {func(f *forged) {
		f.edit("log/leaves.ndjson", func(s string) string { return s[:strings.LastIndex(s[:len(s)-1], "\n")+1] })
	}, "leaf_missing"},
	"records out of order":                     {(*forged).disorder, "leaf_order"},
	"an old checkpoint in the new one's place": {func(f *forged) { f.write("log/checkpoint", f.early()) }, "leaf_unproved"},
	"a checkpoint of another size":             {func(f *forged) { f.edit("log/checkpoint", swap("\n20\n", "\n19\n")) }, "checkpoint_untrusted"},
	"a checkpoint without its signature": {func(f *forged) {
		f.edit("log/checkpoint", func(s string) string { return s[:strings.Index(s, "\n\n")+1] })
	}, "checkpoint_unsigned"},
	"a checkpoint that somebody else signed": {(*forged).stolenLog, "checkpoint_untrusted"},
	"another log's name":                     {func(f *forged) { f.object("bundle.json", func(b map[string]any) { b["origin"] = "lifeboat/another" }) }, "origin"},
	"no proofs":                              {func(f *forged) { f.object("log/proofs.json", func(p map[string]any) { p["inclusion"] = []any{} }) }, "leaf_unproved"},
	"a shorter period, to hide a failure": {func(f *forged) {
		f.object("bundle.json", func(b map[string]any) { b["from"] = "2026-08-01T00:00:00Z" })
	}, "extra_file"},
	"a shorter log, to hide what came before": {func(f *forged) { f.object("bundle.json", func(b map[string]any) { b["first"] = 8 }) }, "first_late"},
	"one series, and its failure withheld":    {(*forged).withheld, "number_missing"},
	"a drill chosen that is in no log":        {(*forged).chosen, "chosen_missing"},
	"a format to come":                        {func(f *forged) { f.object("bundle.json", func(b map[string]any) { b["format"] = 2 }) }, "format"},
	"the raw stream":                          {func(f *forged) { f.edit(f.in(f.passed, "raw/pulse.ndjson"), swap("true", "trua")) }, "file_changed"},
	"the raw stream, longer":                  {func(f *forged) { f.edit(f.in(f.passed, "raw/pulse.ndjson"), func(s string) string { return s + s }) }, "file_size"},
	"the raw stream taken out":                {func(f *forged) { f.gone(f.in(f.passed, "raw/pulse.ndjson")) }, "file_missing"},
	"the scenario, after the fact":            {func(f *forged) { f.edit(f.in(f.passed, "scenario/check-run.yaml"), swap("check-run", "check-rum")) }, "file_changed"},
	"a report":                                {func(f *forged) { f.edit(f.in(f.failed, "reports/report.html"), swap("<p>", "<b>")) }, "file_changed"},
	"the record":                              {func(f *forged) { f.edit(f.in(f.passed, "record.json"), swap("completed", "Completed")) }, "file_changed"},
	"a failure called passed": {func(f *forged) {
		f.object(f.in(f.failed, "evidence/verdict.json"), func(v map[string]any) { v["status"] = "passed" })
	}, "verdict_differs"},
	"the journal cut short":            {func(f *forged) { f.edit(f.journal(f.passed), func(s string) string { return s[:len(s)-200] }) }, "journal_short"},
	"an event after the seal":          {(*forged).afterSeal, "journal_later"},
	"a line break in a manifest":       {func(f *forged) { f.edit(f.manifest(f.passed), func(s string) string { return s + "\r\n" }) }, "manifest_changed"},
	"a manifest taken out":             {func(f *forged) { f.gone(f.manifest(f.passed)) }, "drill_missing"},
	"a key twice in the bundle's file": {func(f *forged) { f.edit("bundle.json", swap(`"first":0`, `"first":0,"first":9`)) }, "part_unreadable"},
	"a key twice in a record": {func(f *forged) {
		f.edit("log/leaves.ndjson", swap(`"verdict":"failed"`, `"verdict":"passed","verdict":"failed"`))
	}, "part_unreadable"},
	"a key twice in an envelope":      {func(f *forged) { f.edit(f.envelope(f.passed), swap(`"payload":"`, `"payload":"","payload":"`)) }, "part_unreadable"},
	"an envelope without a signature": {func(f *forged) { f.signatures(f.passed, func(e *signing.Envelope) { e.Signatures = e.Signatures[:0] }) }, "envelope_unsigned"},
	"an envelope that a stranger signed": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { *e = *f.resigned(f.passed, f.stranger) })
	}, "envelope_untrusted"},
	"a stranger under a trusted name": {(*forged).borrowedName, "envelope_forged"},
	"a signature changed": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { e.Signatures[0].Sig = base64.StdEncoding.EncodeToString(make([]byte, 64)) })
	}, "envelope_forged"},
	"a signature twice": {func(f *forged) {
		f.signatures(f.passed, func(e *signing.Envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) })
	}, "envelope_forged"},
	"another drill's envelope":              {func(f *forged) { f.write(f.envelope(f.failed), f.read(f.path(f.envelope(f.passed)))) }, "statement_differs"},
	"a statement with another digest":       {(*forged).otherSubject, "statement_differs"},
	"an empty bundle":                       {func(f *forged) { f.gone("drills", "nights", "log", "bundle.json") }, "empty"},
	"a bundle that says nothing of its log": {func(f *forged) { f.gone("log") }, "part_missing"},
	"a file more":                           {func(f *forged) { f.write(f.in(f.passed, "raw/note.txt"), []byte("all was well")) }, "extra_file"},
	"a file more, beside the log":           {func(f *forged) { f.write("README", []byte("trust me")) }, "extra_file"},
	"a link":                                {func(f *forged) { require.NoError(f.t, os.Symlink("/etc/passwd", f.path("log/link"))) }, "not_a_file"},
	"a journal's twin in Cyrillic":          {func(f *forged) { f.write(f.in(f.passed, "jоurnal.ndjson"), []byte("{}")) }, "look_alike"},
	"a drill's twin in full width": {func(f *forged) {
		f.write("drills/"+strings.Replace(f.passed, "0", "０", 1)+"/evidence/manifest.json", []byte("{}"))
	}, "look_alike"},
	"a series' twin in Cyrillic":                   {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"series":"shop"`, `"series":"ѕhop"`)) }, "look_alike"},
	"a folder's name that leads out, as a drill's": {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"id":"`+f.passed, `"id":"../`+f.passed)) }, "leaf_odd"},
	"a night's failure taken out": {func(f *forged) {
		f.edit("nights/"+f.night+"/night.ndjson", func(s string) string { return s[:strings.LastIndex(s[:len(s)-1], "\n")+1] })
	}, "night_changed"},
	"a night's line changed": {func(f *forged) {
		f.edit("nights/"+f.night+"/night.ndjson", swap(`"status":"failed"`, `"status":"passed"`))
	}, "part_unreadable"},
	"when a night was planned to begin": {func(f *forged) { f.edit(f.slotted(), swap(`"slot":"2026-07-02T23`, `"slot":"2026-07-02T22`)) }, "part_unreadable"},
	"when a drill was planned to begin": {func(f *forged) {
		f.edit(f.journal(f.of("shop", 2)), swap(`"planned":"2026-07-12T00`, `"planned":"2026-07-11T23`))
	}, "file_changed"},
	"a night taken out":                          {func(f *forged) { f.gone("nights/" + f.night) }, "part_missing"},
	"a checkpoint that the auditor did not keep": {func(f *forged) { f.older = bytes.Replace(f.older, []byte("\n10\n"), []byte("\n15\n"), 1) }, "consistency_missing"},
	"a log that is shorter than what was kept":   {func(f *forged) { f.older = bytes.Replace(f.older, []byte("\n10\n"), []byte("\n91\n"), 1) }, "log_shorter"},
	"a log of which another half was kept":       {func(f *forged) { f.older = f.otherHistory() }, "log_rewritten"},
}

// TestManipulatedBundles: each is found, in words.
func TestManipulatedBundles(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	half := halfway(q)
	for _, id := range q.drills() {
		_, err := evidence.Sign(context.Background(), q.home, id, build, q.key, nil)
		require.NoError(t, err)
	}
	pristine := q.exported(func(r *evidence.ExportRequest) { r.Since = half })
	require.Empty(t, q.verified(pristine, half).Wrong, "before anybody touched it")
	assert.GreaterOrEqual(t, len(ofTheBundle)+len(ofTheHome), 40)
	for name, c := range ofTheBundle {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *q
			own.t = t
			f := &forged{quarter: &own, dir: t.TempDir(), older: half, passed: q.of("nightly", 1), failed: q.of("nightly", 3), second: q.of("nightly", 2)}
			for _, id := range q.ids {
				if at, night := strings.CutPrefix(id, "night "); night {
					f.night = at
				}
			}
			require.NoError(t, os.CopyFS(f.dir, os.DirFS(pristine)))
			c.do(f)
			found(t, q.trust, f, c.want)
		})
	}
}

// found verifies a forged bundle: it is refused with the message that is wanted, and every message has words.
func found(t *testing.T, trust *signing.Trust, f *forged, want string) {
	t.Helper()
	got, err := evidence.Verify(context.Background(), evidence.VerifyRequest{Folder: f.dir, Trust: trust, Checkpoint: f.older, Build: build})
	require.NoError(t, err)
	assert.False(t, got.Verified())
	assert.Contains(t, idsOf(got.Wrong), want)
	for _, r := range append(got.Wrong, got.Notices...) {
		assert.True(t, reports.Messages().Knows(r.ID), "no words for %s", r.ID)
		for _, l := range reports.Languages() {
			assert.NotContains(t, reports.Messages().Sentence(l, r), "–", "%s lacks an argument: %v", r.ID, r.Args)
		}
	}
}

func (f *forged) journal(id string) string  { return f.in(id, "journal.ndjson") }
func (f *forged) manifest(id string) string { return f.in(id, "evidence/manifest.json") }
func (f *forged) in(id, name string) string { return "drills/" + id + "/" + name }

func (f *forged) exchange() {
	a, b := f.path("drills/"+f.passed), f.path("drills/"+f.second)
	for _, p := range [][2]string{{a, a + "x"}, {b, a}, {a + "x", b}} {
		require.NoError(f.t, os.Rename(p[0], p[1]))
	}
}

func (f *forged) underWay() {
	f.gone("drills/" + f.failed)
	f.edit("log/leaves.ndjson", withoutLine(f.failed))
	f.object("bundle.json", func(b map[string]any) {
		b["open"] = []any{map[string]any{"drill": f.failed, "series": "nightly", "number": 3}}
	})
}

func (f *forged) disorder() {
	f.edit("log/leaves.ndjson", func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		lines[1], lines[2] = lines[2], lines[1]
		return strings.Join(lines, "")
	})
}

func (f *forged) withheld() {
	f.object("bundle.json", func(b map[string]any) { b["series"] = []any{"nightly"} })
	f.edit("log/leaves.ndjson", withoutLine(f.failed))
	f.gone("drills/" + f.failed)
}

func (f *forged) chosen() {
	f.object("bundle.json", func(b map[string]any) {
		delete(b, "from")
		delete(b, "to")
		b["chosen"] = []any{f.passed, "20260101-000000000-aaaaaa"}
	})
}

func (f *forged) borrowedName() {
	f.signatures(f.passed, func(e *signing.Envelope) {
		*e = *f.resigned(f.passed, f.stranger)
		e.Signatures[0].KeyID = f.key.Verifier().ID()
	})
}

func (f *forged) otherSubject() {
	f.signatures(f.passed, func(e *signing.Envelope) {
		payload, err := base64.StdEncoding.DecodeString(e.Payload)
		require.NoError(f.t, err)
		at := bytes.Index(payload, []byte(`"sha256":"`)) + len(`"sha256":"`)
		payload[at] ^= 1
		e.Payload = base64.StdEncoding.EncodeToString(payload)
	})
}

func (f *forged) afterSeal() {
	f.edit(f.journal(f.passed), func(s string) string {
		last := s[strings.LastIndex(s[:len(s)-1], "\n")+1:]
		return s + strings.Replace(strings.Replace(strings.Replace(last, `"seq":25`, `"seq":26`, 1), "drill.sealed", "note", 1),
			last[strings.Index(last, `"prev"`):], `"prev":"`+sum(last)+"\"}\n", 1)
	})
}

func (f *forged) stolenLog() {
	c, err := translog.PeekCheckpoint(f.read(f.path("log/checkpoint")))
	require.NoError(f.t, err)
	n, err := f.stranger.Note(c.Origin)
	require.NoError(f.t, err)
	signed, err := c.Sign(n)
	require.NoError(f.t, err)
	f.write("log/checkpoint", signed)
}
