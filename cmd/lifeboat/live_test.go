package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

var update = flag.Bool("update", false, "write the golden files anew")

const second = time.Second

func TestLiveGolden(t *testing.T) {
	chapters := []struct {
		name string
		tell func(*story)
	}{
		{"restoring", (*story).restoring},
		{"broken", (*story).broken},
		{"asking", func(s *story) {
			s.broken()
			q := drills.Question{Drill: "20260101T000000Z-abcd", Rule: "flow.failed > 5% for 5s (100%)",
				Choices: drills.Outcomes()}
			s.b.Update(askMsg{&ask{q: q, answer: make(chan drills.Answer, 1)}})
			s.b.Update(tea.KeyPressMsg{Code: '2', Text: "2"})
		}},
		{"rolling-back", (*story).rollingBack},
		{"over", (*story).over},
	}
	for _, ch := range chapters {
		for _, lang := range reports.Languages() {
			for _, width := range []int{60, 80, 120} {
				name := ch.name + "." + string(lang) + "." + strconv.Itoa(width)
				t.Run(name, func(t *testing.T) {
					s := tell(t, lang, width, "person")
					ch.tell(s)
					got := ansi.Strip(s.b.View().Content) + "\n"
					assert.NotContains(t, got, "⟦", "a label is not in the catalogue")
					for _, line := range strings.Split(got, "\n") {
						assert.LessOrEqual(t, ansi.StringWidth(line), width, line)
					}
					golden(t, filepath.Join("testdata", "live", name+".txt"), got)
				})
			}
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestLiveFitsIntoTheHeight(t *testing.T) {
	for _, height := range []int{1, 8, 10, 15, 24} {
		s := tell(t, reports.English, 80, "person")
		s.broken()
		s.b.Update(askMsg{&ask{q: drills.Question{Choices: drills.Outcomes()}, answer: make(chan drills.Answer, 1)}})
		s.b.Update(tea.WindowSizeMsg{Width: 80, Height: height})
		got := ansi.Strip(s.b.View().Content)
		if height > 10 {
			assert.LessOrEqual(t, strings.Count(got, "\n")+1, height)
		}
		assert.Contains(t, got, "5  go on and watch", "the question is never left out")
	}
}

func TestLiveStripIsReadWithoutColour(t *testing.T) {
	s := tell(t, reports.English, 80, "simulated")
	s.rollingBack()
	got := ansi.Strip(s.b.strip(78))
	assert.Equal(t, 78, ansi.StringWidth(got))
	assert.True(t, strings.HasSuffix(got, "█·"), "the second that runs has no sample yet: %s", got)
	s = tell(t, reports.English, 80, "simulated")
	s.broken()
	assert.Equal(t, "▁▁▁▁▁▁▁▁▁▄█████·", ansi.Strip(s.b.strip(78)))
	assert.NotEqual(t, ansi.Strip(s.b.strip(78)), s.b.strip(78), "on a terminal it has colours")
}

func TestLiveAnswerNeedsANumberAndEnter(t *testing.T) {
	key := func(code rune, text string) tea.KeyPressMsg { return tea.KeyPressMsg{Code: code, Text: text} }
	s := tell(t, reports.English, 80, "person")
	answer := make(chan drills.Answer, 1)
	s.b.Update(key('1', "1")) // before anybody asked
	s.b.Update(askMsg{&ask{q: drills.Question{Choices: drills.Outcomes()}, answer: answer, by: "ann"}})
	enter := key(tea.KeyEnter, "")
	for _, k := range []tea.KeyPressMsg{enter, key('9', "9"), key('0', "0"), key('x', "x"), enter} {
		s.b.Update(k)
		assert.Empty(t, answer)
	}
	s.b.Update(key('4', "4"))
	s.b.Update(key('2', "2"))
	assert.Empty(t, answer)
	s.b.Update(key(tea.KeyEnter, ""))
	require.Len(t, answer, 1)
	assert.Equal(t, drills.Answer{Outcome: "partial-rollback", By: "ann"}, <-answer)
	assert.Nil(t, s.b.asked)
}

func TestLiveInterruptIsPassedOn(t *testing.T) {
	n := 0
	b := newBoard(words{cat: reports.Messages(), lang: reports.English}, storyPlan("simulated"), func() { n++ })
	for range 2 {
		_, cmd := b.Update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
		require.NotNil(t, cmd)
		assert.Nil(t, cmd())
	}
	assert.Equal(t, 2, n)
	assert.Contains(t, b.render(), "Ctrl-C again")
}

// Everybody tells at once and nobody waits; -race watches.
func TestFeedTakesFromEverybody(t *testing.T) {
	f := &feed{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 1000 {
				f.event(record.Event{Kind: record.KindNote, Elapsed: second})
				f.sample(drills.Iteration{})
				f.restored(drills.Progress{Backup: "db", Bytes: int64(i)})
				fmt.Fprintln(f, "a line")
			}
		})
	}
	events, samples, lines := 0, 0, 0
	count := func() {
		b, log := f.take(time.Now())
		events, samples, lines = events+len(b.events), samples+len(b.samples), lines+len(log)
		assert.LessOrEqual(t, len(b.progress), 1)
	}
	for range 100 {
		count()
	}
	all.Wait()
	count()
	assert.Equal(t, []int{4000, 4000, 4000}, []int{events, samples, lines})
	for range 3 * maxSamples {
		f.sample(drills.Iteration{})
	}
	b, _ := f.take(time.Now())
	assert.LessOrEqual(t, len(b.samples), maxSamples)
}

// The clocks never promise more than is known.
func TestLiveClocks(t *testing.T) {
	find := func(s *story, name string) countdown {
		for _, c := range s.b.countdowns() {
			if c.name == name {
				return c
			}
		}
		t.Fatalf("no countdown %s", name)
		return countdown{}
	}
	t.Run("begin at the early bound of the first effect", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.broken()
		c := find(s, "restored")
		assert.Equal(t, countdownRunning, c.state)
		assert.Equal(t, 2*time.Minute-(25*second-19400*time.Millisecond), c.left)
	})
	t.Run("count below zero", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.rollingBack()
		assert.Negative(t, find(s, "restored").left)
		assert.Equal(t, countdownReached, find(s, "start_rollback").state)
		assert.Contains(t, s.b.render(), "over by 21 s")
	})
	t.Run("a red pulse before the incident is no effect", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.at(5*second, record.PulseEvent{State: "red", At: record.At(5 * second)})
		assert.Equal(t, countdownWaiting, find(s, "restored").state)
	})
	t.Run("an order is T0 whatever the pulse says", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.at(9*second, record.IncidentEvent{Trigger: record.TriggerOrder, At: record.At(9 * second)})
		s.at(10*second, record.PulseEvent{State: "red", At: record.At(8 * second)})
		assert.Equal(t, 2*time.Minute-second, find(s, "restored").left)
	})
	asked := func(status record.CheckStatus) record.CheckResult {
		return record.CheckResult{Name: "rows orders", Layer: record.LayerData, When: "after", Status: status,
			Started: 179 * second, Ended: 180 * second}
	}
	for name, c := range map[string]struct {
		last any
		want countdownState
	}{
		"all is well":         {asked(record.CheckPassed), countdownReached},
		"a check failed":      {asked(record.CheckFailed), countdownUnproved},
		"a check was skipped": {asked(record.CheckSkipped), countdownUnproved},
		"the pulse is red":    {record.PulseEvent{State: "red", At: record.At(180 * second)}, countdownUnproved},
		"the pulse broke":     {record.PulseEvent{State: "broken", At: record.At(180 * second)}, countdownUnproved},
	} {
		t.Run("are judged when "+name, func(t *testing.T) {
			s := tell(t, reports.English, 80, "")
			s.rollingBack()
			s.at(170*second, record.PulseEvent{State: "green", At: record.At(170 * second)}, begin("verify"), asked(record.CheckPassed))
			s.at(180*second, c.last, done("verify"), begin("cleanup"))
			assert.NotContains(t, s.b.render(), "checked after", "the pulse has not said its last word")
			s.at(181*second, record.PulseEvent{State: "stopped", Totals: record.PulseTotals{Good: 1}})
			assert.Equal(t, c.want, find(s, "restored").state)
			assert.Equal(t, c.want == countdownUnproved, strings.Contains(s.b.render(), "not proved"))
		})
	}
	t.Run("run from the upgrade where that is what breaks", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.b.journal = record.NewBuilder()
		s.at(0, record.Header{Version: record.Version, Trigger: record.TriggerUpgrade})
		s.at(8*second, record.PulseEvent{State: "started", At: record.At(8 * second)}, record.UpgradeEvent{State: "started"})
		s.at(9*second, record.PulseEvent{State: "red", At: record.At(9 * second)})
		s.b.now = 11 * second
		assert.Equal(t, 2*time.Minute-2*second, find(s, "restored").left)
		s.at(12*second, record.UpgradeEvent{State: "ended"}, record.IncidentEvent{Trigger: record.TriggerUpgrade})
		assert.Equal(t, 2*time.Minute-3*second, find(s, "restored").left)
	})
	t.Run("not reached when verification never came", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.rollingBack()
		s.at(175*second, record.Aborted{Why: "interrupt"}, begin("cleanup"))
		s.at(176*second, record.PulseEvent{State: "stopped"})
		assert.Equal(t, countdownUnproved, find(s, "restored").state)
	})
	t.Run("no rollback decided", func(t *testing.T) {
		s := tell(t, reports.English, 80, "")
		s.broken()
		s.at(30*second, record.Decision{Outcome: "pause", By: "ann"})
		assert.Equal(t, countdownNone, find(s, "restored").state)
	})
}
