package objective

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// pressed adds what was measured of the host between two moments: cpu of every second in which something waited.
func pressed(s *story, from, to time.Duration, cpu time.Duration, ours float64) {
	for at := from; at < to; at += 5 * sec {
		s.add(at+5*sec, record.KindHostLoad, record.Subject{}, record.HostLoad{From: at, To: at + 5*sec, CPU: 5 * cpu, Ours: ours})
	}
}

// lateRestore has the restore of the rollback end by a limit of 20 s, given up after 30 s.
func lateRestore(s *story, why *record.Overdue) {
	edit(s, func(r *record.Restored) {
		if r.During == "rollback" {
			r.BackupBad, r.Overdue = "not ready within 20s: refused", why
		}
	})
}

func overdue(from, to, limit time.Duration) *record.Overdue {
	return &record.Overdue{From: from, To: to, Limit: limit}
}

// What the host held up is excused, and nothing else: each case with the same host, busy and quiet.
func TestBusyHost(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	late := func(s *story) { lateRestore(s, overdue(39*sec, 69*sec, 20*sec)) } // over by 10 s of 30 s
	slow := func(s *story) { s.limit("business_back", 25*time.Second) }        // took 30.9 s at most, over by 5.9 s
	check := func(o *record.Overdue) func(*story) {
		return func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.Name == "port" && c.When == "after" {
					c.Status, c.Overdue = record.CheckFailed, o
				}
			})
		}
	}
	load := func(l record.HostLoad) func(*story) {
		return func(s *story) { s.add(l.To, record.KindHostLoad, record.Subject{}, l) }
	}
	for _, c := range []struct {
		name   string
		bend   []func(*story)
		status record.Status
		reason string
	}{
		{"not ready in time on a quiet host", []func(*story){late}, failed, "backup.bad"},
		{"not ready in time, held up for as long as it took too long",
			[]func(*story){late, func(s *story) { pressed(s, 39*sec, 69*sec, 334*ms, 0) }}, unknown, "host.slow_boot"},
		{"not ready in time, held up for less",
			[]func(*story){late, func(s *story) { pressed(s, 39*sec, 69*sec, 333*ms, 0) }}, failed, "backup.bad"},
		{"not ready in time, and the pressure was the drill's own",
			[]func(*story){late, func(s *story) { pressed(s, 39*sec, 69*sec, sec, 0.7) }}, failed, "backup.bad"},
		{"not ready in time, and the pressure came after it",
			[]func(*story){late, func(s *story) { pressed(s, 69*sec, 120*sec, sec, 0) }}, failed, "backup.bad"},
		{"not ready, and it said why", []func(*story){func(s *story) { lateRestore(s, nil) },
			func(s *story) { pressed(s, 0, 120*sec, sec, 0) }}, failed, "backup.bad"},
		{"a limit that had not passed", []func(*story){func(s *story) { lateRestore(s, overdue(39*sec, 45*sec, 20*sec)) },
			func(s *story) { pressed(s, 0, 120*sec, sec, 0) }}, failed, "backup.bad"},
		{"an objective missed on a quiet host", []func(*story){slow}, failed, "objective.missed"},
		{"an objective missed on a busy host",
			[]func(*story){slow, func(s *story) { pressed(s, 30*sec, 65*sec, sec/2, 0) }}, unknown, "host.slow_objective"},
		{"an objective missed while the drill's own restore kept the disks busy", []func(*story){slow,
			load(record.HostLoad{From: 39 * sec, To: 58 * sec, IO: 19 * sec, Memory: 19 * sec})}, failed, "objective.missed"},
		{"an objective missed while others kept the disks busy", []func(*story){slow,
			load(record.HostLoad{From: 30 * sec, To: 39 * sec, IO: 9 * sec})}, unknown, "host.slow_objective"},
		{"an objective missed, and lifeboat's own timers stood still", []func(*story){slow,
			load(record.HostLoad{From: 40 * sec, To: 50 * sec, Late: 6 * sec})}, unknown, "host.slow_objective"},
		{"an objective missed, and k6 began late", []func(*story){slow, func(s *story) {
			edit(s, func(p *record.PulseEvent) {
				if p.State == "stopped" {
					p.Late = []record.LateStart{{From: 58 * sec, To: 60 * sec, By: 6 * sec}}
				}
			})
		}}, unknown, "host.slow_objective"},
		{"an objective missed by more than k6 was late", []func(*story){slow, func(s *story) {
			edit(s, func(p *record.PulseEvent) {
				if p.State == "stopped" {
					p.Late = []record.LateStart{{From: 58 * sec, To: 60 * sec, By: 5 * sec}}
				}
			})
		}}, failed, "objective.missed"},
		{"data lost on a busy host", []func(*story){func(s *story) { s.limit("data_loss", time.Minute) },
			func(s *story) { pressed(s, 0, 170*sec, sec, 0) }}, failed, "objective.missed"},
		{"a check without an answer on a busy host", []func(*story){check(overdue(120*sec, 131*sec, 10*sec)),
			func(s *story) { pressed(s, 120*sec, 135*sec, sec/2, 0) }}, unknown, "host.slow_check"},
		{"a check with an answer on a busy host", []func(*story){check(nil),
			func(s *story) { pressed(s, 0, 170*sec, sec, 0) }}, failed, "check.failed"},
		{"a truncated backup on a busy host", []func(*story){
			func(s *story) { edit(s, func(r *record.Restored) { r.BackupBad = "the dump is cut off" }) },
			func(s *story) { pressed(s, 0, 170*sec, sec, 0) }}, failed, "backup.bad"},
		{"a good one on a busy host", []func(*story){func(s *story) { pressed(s, 0, 170*sec, sec, 0) }}, passed, "passed.all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good("fault")
			for _, bend := range c.bend {
				bend(s)
			}
			v := s.judge(t)
			spoken(t, v)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), c.reason)
		})
	}
}

// Whatever is said of the host, it takes no failure away that it does not replace by a question, and gives no pass.
func TestHostNeverPasses(t *testing.T) {
	t.Parallel()
	for _, c := range append(casesOfTheRun(), casesOfEvidence()...) {
		s := good(c.trigger)
		if c.bend != nil {
			c.bend(s)
		}
		before := s.judge(t).Status
		pressed(s, 0, s.lines[0].at+170*sec, sec, 0)
		after := s.judge(t).Status
		if after != before {
			assert.Equal(t, failed, before, c.name)
			assert.Equal(t, unknown, after, c.name)
		}
	}
}

// A red stretch is the host's only where nothing but time was wrong in it, and the host held up all that was too much.
func TestRedOnABusyHost(t *testing.T) {
	t.Parallel()
	again := func(facts *record.RedFacts) *story {
		s := good("fault")
		s.h.PulseTimeout = sec
		s.edge("red", 125*sec, 126*sec).edge("green", 134*sec, 135*sec)
		edit(s, func(p *record.PulseEvent) {
			if p.State == "green" && p.At.Late == 135*sec {
				p.Red = facts
			}
		})
		s.shift(140*sec, time.Hour)
		return s
	}
	late := record.RedFacts{From: 125 * sec, To: 134 * sec, Bad: 80, Late: 80} // 9 s, one iteration may take 1 s
	answered, refused := late, late
	answered.Late, answered.Answer = 79, 130*sec
	refused.Late = 70
	for _, c := range []struct {
		name   string
		facts  *record.RedFacts
		cpu    time.Duration // of every second
		status record.Status
	}{
		{"late, on a quiet host", &late, 0, failed},
		{"late, held up for all that was too much", &late, 900 * time.Millisecond, unknown},
		{"late, held up for less", &late, 880 * time.Millisecond, failed},
		{"one answer among them", &answered, sec, failed},
		{"nobody there for a while", &refused, sec, failed},
		{"an old journal", nil, sec, failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := again(c.facts)
			if c.cpu > 0 {
				pressed(s, 125*sec, 135*sec, c.cpu, 0)
			}
			v := s.judge(t)
			spoken(t, v)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Equal(t, c.status == failed, slices.Contains(ids(v), "business.red_again"))
		})
	}
}

// Waited for in vain after the rollback: the host's where it gave no wrong answer since, and the host outweighs it.
func TestNeverBackOnABusyHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer time.Duration // the last wrong one
		cpu    time.Duration
		status record.Status
		reason string
	}{
		{"nobody answers on a quiet host", 0, 0, failed, "business.red_at_end"},
		{"nobody answers on a busy host", 0, 900 * time.Millisecond, unknown, "host.slow_business"},
		{"it answered wrongly while it was broken", 50 * sec, 900 * time.Millisecond, unknown, "host.slow_business"},
		{"it answers wrongly on a busy host", 100 * sec, 900 * time.Millisecond, failed, "business.red_at_end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good("fault")
			neverBack(s)
			s.add(115*sec, record.KindWaited, in(1), record.Overdue{Limit: 30 * sec, From: 60 * sec, To: 115 * sec})
			edit(s, func(p *record.PulseEvent) {
				if p.State == "stopped" {
					p.Red = &record.RedFacts{From: 30 * sec, To: 180 * sec, Bad: 1000, Answer: c.answer}
				}
			})
			if c.cpu > 0 {
				pressed(s, 30*sec, 150*sec, c.cpu, 0)
			}
			v := s.judge(t)
			spoken(t, v)
			assert.Equal(t, c.status, v.Status, "%v", v.Reasons)
			assert.Contains(t, ids(v), c.reason)
		})
	}
}
