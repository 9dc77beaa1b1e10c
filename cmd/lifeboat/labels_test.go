package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// everyEvent is an event of every kind and state that a person is told of.
func everyEvent() []any {
	events := []any{
		record.PhaseEvent{Phase: record.PhaseRestore},
		record.PhaseEvent{Phase: record.PhaseRestore, Outcome: record.OutcomeFailed, Error: "no"},
		record.Restored{Backup: "shop-db", Bytes: 1_900_000_000, Ended: 71300 * time.Millisecond},
		record.Restored{Backup: "shop-db", BackupBad: "it is cut off"},
		record.Restored{Backup: "shop-db", ImageBad: "the extension hstore"},
		record.Booted{Ready: 71300 * time.Millisecond}, record.Booted{Unseen: true},
		record.BootFailure{Why: "not ready within 2m0s", Lines: []string{"FATAL: no such role"}},
		record.Step{What: "boot db", Outcome: record.OutcomeDone},
		record.Step{What: "boot db", Outcome: record.OutcomeFailed, Error: "no"},
		record.Step{What: "boot db", Outcome: record.OutcomeNotReached},
		record.Detected{Rule: "flow.failed > 5% for 5s", Seen: "61%"},
		record.Decision{Outcome: "full-rollback", By: "simulated"},
		record.Note{Text: "vendor called"},
		record.HarnessError{Error: "the engine is gone"},
		record.Aborted{Why: "interrupt"},
	}
	for _, o := range drills.Outcomes() {
		events = append(events, record.Decision{Outcome: record.DecisionOutcome(o), By: "ann"})
	}
	for _, s := range []record.PulseState{"started", "red", "green", "stopped", "broken"} {
		events = append(events, record.PulseEvent{State: s, Why: "500"})
	}
	for _, s := range []record.FaultState{"prepared", "injected", "effective", "no-effect", "removed", "remains", "unasked", "ended", "undone", "gone", "failed"} {
		events = append(events, record.FaultEvent{Kind: "pg-hba-reject", On: "db", State: s, Note: "seen"})
	}
	for _, s := range []record.RollbackState{"started", "done", "failed"} {
		events = append(events, record.RollbackEvent{State: s, Error: "no"})
	}
	for _, s := range []record.CleanupState{"proved", "incomplete", "unproved", "failed", "kept"} {
		events = append(events, record.CleanupEvent{State: s, What: "container", Name: "x", Count: 3,
			Left: []string{"volume y"}, DiskLost: map[record.CleanupState][]string{"kept": {"app"}}[s]})
	}
	for _, s := range []record.CheckStatus{record.CheckPassed, record.CheckFailed, record.CheckSkipped,
		record.CheckCrashed} {
		for _, when := range []record.When{"before", "broken", "after"} {
			events = append(events, record.CheckResult{Name: "rows", Layer: record.LayerData, When: when,
				Status: s, Message: "7"})
		}
	}
	return events
}

func TestEveryEventHasItsLabels(t *testing.T) {
	for _, lang := range reports.Languages() {
		w := words{cat: reports.Messages(), lang: lang}
		text := ""
		for _, e := range everyEvent() {
			line := lineOf(w, event(record.Subject{Instance: "db"}, e), e).text
			assert.NotEmpty(t, line, "%#v", e)
			assert.NotContains(t, line, "⟦", "%#v", e)
			text += line + "\n"
		}
		golden(t, filepath.Join("testdata", "live", "events."+string(lang)+".txt"), text)
	}
}

// Every label that is named in the source exists in every language.
func TestEveryNamedLabelExists(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	named := regexp.MustCompile(`\.Text\("((?:live|history)\.[a-z_]*[a-z])"|\.text\("([a-z_]*[a-z])"|\.label\("([a-z_]*[a-z])"|` +
		`\.says\([a-z]+, "([a-z_]*[a-z])"`)
	seen := 0
	for _, f := range files {
		if matched, err := filepath.Match("*_test.go", f); err != nil || matched {
			continue
		}
		source, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range named.FindAllStringSubmatch(string(source), -1) {
			id := m[1]
			switch {
			case m[2] != "":
				id = "live." + m[2]
			case m[3] != "":
				id = "live_night." + m[3]
			case m[4] != "":
				id = "live." + m[4]
			}
			for _, lang := range reports.Languages() {
				assert.NotContains(t, reports.Messages().Label(lang, id, nil), "⟦", "%s: %s", f, id)
			}
			seen++
		}
	}
	assert.Greater(t, seen, 20)
	for _, lang := range reports.Languages() {
		for _, id := range []string{"state_green", "state_red", "state_broken", "state_stopped", "instance.waiting",
			"instance.booting", "instance.ready", "instance.stopped", "instance.destroyed"} {
			assert.NotContains(t, reports.Messages().Label(lang, "live."+id, nil), "⟦")
		}
	}
}

// What a restored system says is printed and never obeyed.
func TestEventLineIsHarmless(t *testing.T) {
	w := words{cat: reports.Messages(), lang: reports.English}
	why := "a\x1b]0;owned\x07b\x1b[2Jc\r\nd\x9b31me\u202ef"
	line := lineOf(w, record.Event{}, record.PulseEvent{State: "red", Why: why}).text
	assert.Equal(t, "business RED: abc def", regexp.MustCompile(` +`).ReplaceAllString(line, " "))
}

// What a check said stands in the live view in its language, as in the report.
func TestLineOfACheckIsInTheLanguage(t *testing.T) {
	said := record.SaidOf("table %s has %d rows, not %d", "orders", 3, 4)
	data := record.CheckResult{Name: "orders", Layer: record.LayerData, When: record.After, Status: record.CheckFailed,
		Message: said.English(), Said: said}
	line := lineOf(words{cat: reports.Messages(), lang: reports.Chinese}, record.Event{}, data).text
	assert.Contains(t, line, "表 orders 有 3 行，而不是 4 行")
}
