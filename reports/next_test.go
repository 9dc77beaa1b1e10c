package reports

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// plainFacts need no next step: good news, and what a figure is worth. An observation changes no verdict, and needs none.
var plainFacts = []string{"passed.all", "passed.check_run", "not_applicable.check_run", "not_applicable.order",
	"not_applicable.no_rollback", "basis.time_for_people", "basis.simulated_decision", "basis.emulated"}

func needsNext(m objective.Message) bool {
	return !slices.Contains(plainFacts, m.ID) &&
		slices.ContainsFunc(m.Uses, func(u objective.Use) bool { return u != objective.UseObservation })
}

// Nobody is left alone with what is wrong: whatever decides a verdict, is a finding, weakens a proof or says why something
// has no figure has a next step in every language.
func TestEveryMessageSaysWhatToDoNow(t *testing.T) {
	known := map[string]objective.Message{}
	for _, m := range objective.Messages {
		known[m.ID] = m
		for _, l := range Languages() {
			if next := Messages().next[l][m.ID]; needsNext(m) && next == "" {
				t.Errorf("%s says what is wrong and not what to do now: write it under next: in "+
					"reports/messages/%s.next.yaml, as a command or a key to set (both languages), then run "+
					"go test ./reports -update and read testdata/every-message.%[2]s.txt", m.ID, l)
			}
		}
	}
	for _, l := range Languages() {
		for key, text := range Messages().next[l] {
			id, _, _ := strings.Cut(key, "/")
			m, ok := known[id]
			if assert.True(t, ok, "%s.next.yaml: the judge says no %s (drills/objective/messages.go)", l, id) {
				for _, p := range placeholders(text) {
					assert.Contains(t, m.Args, p, "%s.next.yaml: %s has no argument of that name", l, key)
				}
			}
			assert.NotContains(t, Messages().sentences[l][id], text, "%s: the sentence says the next step, too", key)
		}
	}
}

// sampleArgs are one plausible value for each argument of a message; "id.name" where that message means another thing by it.
var sampleArgs = map[string]string{
	"check": "orders ≥ 100,000", "layer": "data", "message": "0 orders", "backup": "shop-db", "instance": "db",
	"point": "shop-2026-11-20.dump", "objective": "restored", "limit": "10m0s", "measured": "14m30.1s", "over": "4m30.1s",
	"at_least": "11m20s", "lower": "9m58s", "upper": "10m2s", "scope": "incident 1", "incident": "1",
	"fault": "pg-hba-reject", "on": "db", "why": "what was seen", "error": "script rollback.sh: exit code 1",
	"flows": "buy.js", "running": "6.1.0-18-amd64", "next": "6.1.0-25-amd64", "modules": "nvme, e1000e",
	"what": "extension \"vector\"", "declared": "2026-11-20T02:00:00Z", "source": "manifest beside the dump",
	"made": "2026-11-19 04:10:00", "zone": "Asia/Shanghai", "at": "3m12.5s", "since": "4m0.5s", "before": "1m2.5s",
	"lasted": "12s", "stable_for": "1m0s", "good": "3376", "bad": "12", "unproven": "0", "dropped": "410",
	"share": "89.2 %", "silence": "12.4s", "longest": "5s", "seen": "120", "expected": "9000", "target": "metadata",
	"address": "169.254.169.254:80", "protocol": "tcp", "from": "2m10s", "to": "2m11s", "counted": "1s", "boot": "48m0s",
	"wall": "48m1s", "phase": "restore", "held": "5m12s", "by": "cpu", "count": "14", "left": "lifeboat-7h3k-db",
	"fix": "docker volume rm lifeboat-7h3k-db", "host": "api.pay.example.com", "targets": "212",
	"examples": "a.example.com, b.example.com", "bytes": "1900000000", "took": "12m41s", "rate": "2400000",
	"needed": "3900000", "decision": "watch", "lines": "1", "state": "not synchronised", "result": "maybe", "checks": "4",
	"objectives": "5", "file": "inbox/approve-3.json", "span": "4m2s",
	"kind": "gzip", "command": "gunzip -k shop.dump.gz", "said": "", "backup.packed.why": "dictionary",
	"backup.no_backup.kind": "message", "backup.no_backup.said": "pg_dump: error: connection failed",
	"backup.misplaced.kind": "qcow2",
	"image":                 "shop/app:2", "met": "db (shop-db)", "sought": "db.example.com", "unknown": "no connection tracking",
	"patience": "8s", "lack": "disk",

	"aborted.by.by": "li.wei", "egress.unexpected.target": "192.0.2.7:443", "egress.expected.target": "192.0.2.7:443",
}

func sampleReason(t *testing.T, id string, names []string) record.Reason {
	t.Helper()
	r := record.Reason{ID: id, Args: map[string]string{}}
	for _, name := range names {
		value, ok := sampleArgs[id+"."+name]
		if !ok {
			value, ok = sampleArgs[name]
		}
		assert.True(t, ok, "%s: give its argument %s a sample in sampleArgs (reports/next_test.go)", id, name)
		r.Args[name] = value
	}
	return r
}

// Every sentence that a verdict or the engine can say stands in one file of each language, with what to do now: read it
// when one was added or changed.
func TestEveryMessageInWords(t *testing.T) {
	for _, l := range Languages() {
		var b strings.Builder
		write := func(id, uses string, names []string) {
			r := sampleReason(t, id, names)
			fmt.Fprintf(&b, "%s · %s\n  %s\n", id, uses, Messages().Sentence(l, r))
			if next := Messages().Next(l, record.Reason{ID: id, Args: without(r.Args, variants)}); next != "" {
				fmt.Fprintf(&b, "  → %s\n", next)
			}
			for _, key := range slices.Sorted(maps.Keys(Messages().next[l])) {
				if own, ok := strings.CutPrefix(key, id+"/"); ok {
					fmt.Fprintf(&b, "  → [%s] %s\n", own, Messages().fill(l, Messages().next[l][key], r.Args))
				}
			}
			b.WriteString("\n")
		}
		var judged []string
		for _, m := range objective.Messages {
			judged = append(judged, m.ID)
			var uses []string
			for _, u := range m.Uses {
				uses = append(uses, string(u))
			}
			write(m.ID, strings.Join(uses, ", "), m.Args)
		}
		for _, id := range engineIDs(t) {
			if !slices.Contains(judged, id) {
				write(id, "the engine's", placeholders(Messages().sentences[English][id]))
			}
		}
		path := filepath.Join("testdata", "every-message."+string(l)+".txt")
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err, "write it with: go test ./reports -update")
		assert.Equal(t, string(want), b.String(), "read what changed, then write it with: go test ./reports -update")
		assert.NotContains(t, b.String(), "–\n", "an argument is missing")
	}
}

func without(args map[string]string, names []string) map[string]string {
	rest := map[string]string{}
	for k, v := range args {
		if !slices.Contains(names, k) {
			rest[k] = v
		}
	}
	return rest
}

// A next step stands in every format, once: those that are alike are not repeated.
func TestNextStepsStandOnce(t *testing.T) {
	forEach(t, func(t *testing.T, f Format, sm sample, l Language, got string) {
		if f.Name == "terminal" || f.Name == "json" { // wrapped · beside each reason for machines
			return
		}
		for _, next := range nexts(Messages(), l, sm.verdict, sm.record.Header.Trigger) {
			plain := strings.NewReplacer("\\", "", "“", "", "”", "", "&#34;", "\"", "&#39;", "'").Replace
			text := plain(tags.ReplaceAllString(got, ""))
			if f.Name != "junit" || slices.ContainsFunc(sm.verdict.Reasons, func(r record.Reason) bool {
				return nextOf(Messages(), l, sm.verdict, sm.record.Header.Trigger, r) == next
			}) {
				assert.Equal(t, 1, strings.Count(text, plain(next)), next)
			}
		}
	})
}
