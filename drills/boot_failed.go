package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// badBoot decides whose fault it is that a machine does not come up: its backup's when the machine is the backup, could be
// read, and met nobody who could be to blame; the scenario's when it lacks what the machine needs. Whose it is after it met
// others nobody knows. A failed boot of an upgrade is written down with its step.
func (s *boots) badBoot(ctx context.Context, name, from string, b boot, started time.Duration, err error) error {
	var bad *instance.BootError
	if !errors.As(err, &bad) || b.during == record.PhaseUpgrade || ctx.Err() != nil { // an abort proves nothing
		return err
	}
	if bad.Lack == "" { // which nobody beside it could have taken away
		if e := s.again(name, b, bad.Reason); e != nil {
			return e
		}
	}
	if from == "" {
		return s.failed(ctx, name, b.during, started, err)
	}
	from = cmp.Or(bad.Backup, from)
	for _, backup := range append([]string{from}, s.plan.MadeOf(name)...) {
		if unread := s.disks.unreadable(backup); unread != nil {
			return fmt.Errorf("%w: %w", err, unread)
		}
	}
	fact := record.Restored{Backup: from, Point: s.plan.Backups[from].Point.ID, Started: started, Ended: s.elapsed(),
		During: b.during}
	if bad.Lack != "" && !b.keepData { // else the guest came up from that disk before, and has changed it itself since
		fact.Lack = &record.Lack{Kind: bad.Lack, What: s.Hide(bad.Reason)}
		return asFact(err, s.Append(record.KindRestored, s.subject(name), fact))
	}
	if f := s.met(ctx, name, started); len(f.Met) > 0 || len(f.Sought) > 0 || f.NotAsked != "" {
		return s.failed(ctx, name, b.during, started, err)
	}
	why := bad.Reason
	if lines := strings.TrimSpace(lastLines(s.Hide(bad.Console), 3)); lines != "" {
		why += "; it printed last: " + lines
	}
	fact.BackupBad, fact.Overdue = s.Hide(why), bad.Overdue
	return asFact(err, s.Append(record.KindRestored, s.subject(name), fact))
}

// failed writes a failed boot down, with the machine's last words and whom it met. Other errors, and those that
// are facts already, are returned as they are.
func (s *boots) failed(ctx context.Context, name, during string, started time.Duration, err error) error {
	var bad *instance.BootError
	if !errors.As(err, &bad) || isFact(err) || ctx.Err() != nil {
		return err
	}
	spec := s.plan.Scenario.Instances[name]
	f := s.met(ctx, name, started)
	f.During, f.Started, f.Ended, f.Why = during, started, s.elapsed(), s.Hide(bad.Reason)
	if f.Backup = spec.Boot; f.Backup != "" {
		f.Point = s.plan.Backups[f.Backup].Point.ID
	} else {
		f.Image = spec.Image
	}
	if text := strings.TrimSpace(lastLines(s.Hide(bad.Console), mostLines)); text != "" {
		f.Lines = strings.Split(text, "\n")
	}
	return asFact(err, s.Append(record.KindBootFailed, s.subject(name), f))
}

// toldWithin is how long a sandbox may take to tell what it saw: five times a second it does.
const toldWithin = time.Second

// met is whom a machine spoke to, and what it looked for in vain since a moment. A virtual machine always looks for something: for
// the time, for updates.
func (s *boots) met(ctx context.Context, name string, since time.Duration) record.BootFailure {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseWithin)
	defer cancel()
	_ = instance.Pause(ctx, toldWithin)
	var f record.BootFailure
	alone := !slices.ContainsFunc(s.room.Booted(), func(other string) bool { return other != name })
	for _, base := range s.room.Bases() {
		if r, ok := instance.As[instance.ReachReporter](base); ok && !alone {
			links, err := r.Reached(ctx)
			if err != nil {
				f.NotAsked = s.Hide(err.Error())
			}
			for _, l := range links {
				if l.From == name && l.To != name {
					f.Met = append(f.Met, s.titled(l.To))
				}
			}
		}
		r, ok := instance.As[instance.EgressReporter](base)
		if !ok || s.plan.kindOf(name).OwnKernel {
			continue
		}
		tried, err := r.Egress(ctx)
		if err != nil {
			s.log.Warn("ask what an instance looked for", "instance", name, "error", err)
		}
		for _, e := range tried {
			reverse := strings.HasSuffix(strings.Trim(e.Target, "."), ".arpa") // what an address is called: many a library asks
			if e.Subject.Instance == name && e.Last >= since && !reverse && !expected(s.plan.Scenario.Egress.Expected, e.Egress) {
				f.Sought = append(f.Sought, sought(e.Egress))
			}
		}
	}
	slices.Sort(f.Met)
	slices.Sort(f.Sought)
	f.Met, f.Sought = slices.Compact(f.Met), slices.Compact(f.Sought)
	return f
}

// sought is the name by which something was looked for, or else its address.
func sought(e record.Egress) string {
	switch {
	case e.Host == "":
		return e.Target
	case e.Protocol == "dns":
		return e.Host
	}
	return hostOf(e.Target, e.Host)
}

// titled is an instance with the backup that is in it.
func (s *boots) titled(name string) string {
	spec := s.plan.Scenario.Instances[name]
	if backup := cmp.Or(spec.Boot, spec.Load.String()); backup != "" {
		return fmt.Sprintf("%s (%s)", name, backup)
	}
	return name
}
