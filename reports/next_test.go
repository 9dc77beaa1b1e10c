package reports

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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
	"algorithm":                  "md5",
	"tool":                       "restic 0.14.0",
	"how":                        "structure",
	"older":                      "shop-files",
	"newer":                      "shop-db",
	"skew":                       "12m0s",
	"address":                    "169.254.169.254:80",
	"at":                         "3m12.5s",
	"at_least":                   "11m20s",
	"backup":                     "shop-db",
	"all":                        "50",
	"pace":                       "10/s",
	"request":                    "2s",
	"timeout":                    "8s",
	"bad":                        "12",
	"before":                     "1m2.5s",
	"boot":                       "48m0s",
	"by":                         "cpu",
	"bytes":                      "1900000000",
	"business.red_again.checks":  "read it back ×12, log in ×3",
	"business.red_at_end.checks": "read it back ×12, log in ×3",
	"check":                      "orders ≥ 100,000",
	"checks":                     "4",
	"command":                    "gunzip -k shop.dump.gz",
	"count":                      "14",
	"counted":                    "1s",
	"decision":                   "watch",
	"declared":                   "2026-11-20T02:00:00Z",
	"dropped":                    "410",
	"error":                      "script rollback.sh: exit code 1",
	"examples":                   "a.example.com, b.example.com",
	"expected":                   "9000",
	"fault":                      "pg-hba-reject",
	"file":                       "inbox/approve-3.json",
	"fix":                        "docker volume rm lifeboat-7h3k-db",
	"flow":                       "checkout-2.js",
	"flows":                      "buy.js",
	"from":                       "2m10s",
	"good":                       "3376",
	"has":                        "linux/arm64",
	"wants":                      "linux/amd64",
	"held":                       "5m12s",
	"host":                       "api.pay.example.com",
	"image":                      "shop/app:2",
	"step":                       "exec on db: vacuumdb --all",
	"incident":                   "1",
	"instance":                   "db",
	"database":                   "shop",
	"sequence":                   "public.orders_id_seq",
	"column":                     "public.orders.id",
	"most":                       "5210",
	"names":                      "public.orders, public.lines",
	"says":                       "ERROR: invalid page in block 3",
	"where":                      "public.orders",
	"kind":                       "gzip",
	"lack":                       "disk",
	"lasted":                     "12s",
	"last":                       "read it back: 500",
	"layer":                      "data",
	"left":                       "lifeboat-7h3k-db",
	"limit":                      "10m0s",
	"keep":                       "30",
	"min_size":                   "2147483648",
	"size":                       "1048576",
	"usual":                      "3221225472",
	"shrink":                     "30%",
	"age":                        "9m0s",
	"files":                      "/srv/app/bin/app, /srv/app/lib/rates.so",
	"folder":                     "/srv/app",
	"generation":                 "2",
	"more":                       "2",
	"name":                       "shop-2026-11-21.dump.part",
	"newest":                     "shop-2026-11-20.dump",
	"own":                        "2026-11-18 04:10:00",
	"lines":                      "1",
	"longest":                    "5s",
	"lower":                      "9m58s",
	"first":                      "sha256:9f86d081884c",
	"made":                       "2026-11-19 04:10:00",
	"measured":                   "14m30.1s",
	"message":                    "0 orders",
	"met":                        "db (shop-db)",
	"modules":                    "nvme, e1000e",
	"needed":                     "3900000",
	"next":                       "6.1.0-25-amd64",
	"objective":                  "restored",
	"objectives":                 "5",
	"on":                         "db",
	"over":                       "4m30.1s",
	"patience":                   "8s",
	"phase":                      "restore",
	"point":                      "shop-2026-11-20.dump",
	"protocol":                   "tcp",
	"rate":                       "2400000",
	"result":                     "maybe",
	"rule":                       "flow.failed > 5% for 5s",
	"running":                    "6.1.0-18-amd64",
	"said":                       "",
	"scope":                      "incident 1",
	"seen":                       "120",
	"share":                      "89.2 %",
	"silence":                    "12.4s",
	"since":                      "4m0.5s",
	"sought":                     "db.example.com",
	"source":                     "manifest beside the dump",
	"span":                       "4m2s",
	"stable_for":                 "1m0s",
	"state":                      "not synchronised",
	"target":                     "metadata",
	"targets":                    "212",
	"to":                         "2m11s",
	"took":                       "12m41s",
	"unknown":                    "no connection tracking",
	"unproven":                   "0",
	"upper":                      "10m2s",
	"wall":                       "48m1s",
	"what":                       "extension \"vector\"",
	"then":                       "sha256:60303ae22b99",
	"unasked":                    "an order is taken, it is paid",
	"why":                        "what was seen",
	"within":                     "10m0s",
	"zone":                       "Asia/Shanghai",
	"aborted.by.by":              "li.wei",
	"backup.lack.what":           "/dev/vdb1",
	"backup.misfit.what":         "platform",
	"backup.missing.why":         "partial",
	"point.skipped.why":          "dangling",
	"backup.misplaced.kind":      "qcow2",
	"backup.no_backup.kind":      "message",
	"backup.no_backup.said":      "pg_dump: error: connection failed",
	"backup.packed.why":          "dictionary",
	"basis.time_for_people.left": "29m17.7s",
	"egress.expected.target":     "192.0.2.7:443",
	"egress.unexpected.target":   "192.0.2.7:443",
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
		assert.Empty(t, unitThenSpace.FindAllString(b.String(), -1), "between a Chinese unit and the next word stands no space")
	}
}

var unitThenSpace = regexp.MustCompile(`\d (?:秒|分|小时|天) \p{Han}+`)

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
