package main

import (
	"slices"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// board is the model of the live view: what is known of the drill, changed by
// Update alone. It shows facts and judges nothing.
type board struct {
	words     words
	scenario  *scenarios.Scenario
	title     string
	interrupt func() // what Ctrl-C does

	width, height int
	now           time.Duration // since the drill's base
	ending, ended bool          // somebody wants it to end; it has ended
	begun         bool          // something has happened
	phases        []phaseRow
	journal       *record.Builder
	incident      *record.Incident // that goes on, or went on last
	pulse         pulseRow
	backups       []backupRow
	instances     []instanceRow
	steps         stepsDone
	restoring     func(ready func(name string) bool) []string // the instances that are booted in the restore
	log           []loggedLine
	asked         *ask
}

// phaseRow is one phase; with several incidents, its latest run.
type phaseRow struct {
	name         string
	begun, ended time.Duration
	state        phaseState
	error        string
}

type phaseState int

const (
	phaseWaiting phaseState = iota
	phaseRunning
	phaseDone
	phaseFailed
	phaseSkipped
)

// backupRow is the latest restore of one backup.
type backupRow struct {
	name         string
	bytes, total int64
	begun, last  time.Duration
	seen         bool // something was read
	done         bool
	bad          bool
	took         time.Duration
}

// instanceRow is one instance; state is a name of the catalogue's live.instance.
type instanceRow struct{ name, state string }

// stepsDone counts the steps of the phase that runs.
type stepsDone struct {
	phase    string
	incident int
	done     int
}

type loggedLine struct {
	line
	at time.Duration
}

const keptLog = 100

// ask is a question that waits for the commander.
type ask struct {
	q      drills.Question
	answer chan<- drills.Answer // holds one
	by     string
	chosen int // 0: none yet
}

// messages to the board beside batch
type (
	askMsg     struct{ ask *ask }
	askOverMsg struct{ ask *ask }
	endMsg     struct{}
)

func newBoard(w words, p *drills.Plan, interrupt func()) *board {
	s := p.Scenario
	b := &board{words: w, scenario: s, title: title(s, w), interrupt: interrupt, width: 80, height: 24,
		journal: record.NewBuilder(), restoring: p.Booting}
	for _, name := range plannedPhases(s) {
		b.phases = append(b.phases, phaseRow{name: name})
	}
	for _, name := range p.Order {
		b.instances = append(b.instances, instanceRow{name: name, state: "waiting"})
		for _, backup := range p.MadeOf(name) {
			if bp := p.Backups[backup]; bp != nil && b.backup(backup) == nil {
				b.backups = append(b.backups, backupRow{name: backup, total: bp.Point.Size})
			}
		}
	}
	b.pulse.cells = map[int64]cell{}
	return b
}

func title(s *scenarios.Scenario, w words) string {
	for _, l := range []string{string(w.lang), "en"} {
		if t := s.Title[l]; t != "" {
			return t
		}
	}
	return s.Name
}

func plannedPhases(s *scenarios.Scenario) []string {
	names := []string{record.PhasePrecheck, record.PhaseRestore}
	if len(s.Prepare) > 0 {
		names = append(names, record.PhasePrepare)
	}
	names = append(names, record.PhaseBaseline)
	if len(s.Upgrade) > 0 {
		names = append(names, record.PhaseUpgrade)
	}
	if len(s.Incidents) > 0 {
		if slices.ContainsFunc(s.Incidents, func(i scenarios.Incident) bool { return len(i.Faults) > 0 }) {
			names = append(names, record.PhaseFault)
		}
		if s.Trigger != record.TriggerOrder {
			names = append(names, record.PhaseDetect)
		}
		names = append(names, record.PhaseDecide, record.PhaseRollback)
	}
	return append(names, record.PhaseVerify, record.PhaseCleanup)
}

// Init implements tea.Model.
func (b *board) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (b *board) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case batch:
		b.take(msg)
	case tea.WindowSizeMsg:
		b.width, b.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return b, b.key(msg.String())
	case askMsg:
		b.asked = msg.ask
	case askOverMsg:
		if b.asked == msg.ask {
			b.asked = nil
		}
	case endMsg:
		b.ended, b.asked = true, nil
		return b, tea.Quit
	}
	return b, nil
}

// key takes a number and then Enter for an answer: one key alone may have been
// typed for something else before the question came.
func (b *board) key(key string) tea.Cmd {
	if key == "ctrl+c" {
		b.ending = true
		return func() tea.Msg { b.interrupt(); return nil }
	}
	if b.asked == nil {
		return nil
	}
	if n, err := strconv.Atoi(key); err == nil && n >= 1 && n <= len(b.asked.q.Choices) {
		b.asked.chosen = n
	}
	switch {
	case key == "esc":
		b.asked.chosen = 0
	case key == "enter" && b.asked.chosen > 0:
		b.asked.answer <- drills.Answer{Outcome: b.asked.q.Choices[b.asked.chosen-1], By: b.asked.by}
		b.asked = nil
	}
	return nil
}

func (b *board) take(m batch) {
	b.now = max(b.now, m.now)
	for _, p := range m.progress {
		b.progress(p)
	}
	for _, e := range m.events {
		b.event(e)
	}
	for _, s := range m.samples {
		b.pulse.add(s)
	}
}

func (b *board) progress(p drills.Progress) {
	r := b.backup(p.Backup)
	if r == nil {
		b.backups = append(b.backups, backupRow{name: p.Backup})
		r = &b.backups[len(b.backups)-1]
	}
	if !r.seen || r.done || p.Bytes < r.bytes { // a restore begins, or begins again
		*r = backupRow{name: p.Backup, seen: true, begun: b.now}
	}
	r.bytes, r.total, r.last = p.Bytes, p.Total, b.now
}

func (b *board) backup(name string) *backupRow {
	if i := slices.IndexFunc(b.backups, func(r backupRow) bool { return r.name == name }); i >= 0 {
		return &b.backups[i]
	}
	return nil
}

func (b *board) instance(name, state string) {
	for i := range b.instances {
		if b.instances[i].name == name {
			b.instances[i].state = state
		}
	}
}

// pulseRow is the pulse as it is seen: good and bad iterations of each second.
type pulseRow struct {
	state   record.PulseState // empty before anything is known
	since   time.Duration
	begun   time.Duration
	started bool
	cells   map[int64]cell // by second of the drill
	last    int64
	totals  record.PulseTotals
	final   bool // totals are those of the pulse's own end
}

type cell struct{ good, bad int }

// keptSeconds of the strip: wider than any terminal.
const keptSeconds = 600

func (p *pulseRow) add(s drills.Iteration) {
	if p.final {
		return
	}
	if s.Dropped > 0 {
		p.totals.Dropped += s.Dropped
		return
	}
	second := int64(s.End / time.Second)
	c := p.cells[second]
	if s.Bad {
		c.bad++
		p.totals.Bad++
	} else {
		c.good++
		p.totals.Good++
	}
	p.cells[second] = c
	p.last = max(p.last, second)
	delete(p.cells, second-keptSeconds)
}
