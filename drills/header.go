package drills

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// header fixes, before anything happens, everything by which the drill will be judged.
func (d *drill) header(number int) record.Header {
	s := d.plan.Scenario
	h := record.Header{
		Version: record.Version, Drill: d.id, Number: number, Series: s.Series,
		Scenario: s.Name, ScenarioDigest: s.Digest, Title: s.Title, Service: s.Service, Customer: s.Customer, Retest: d.opt.Retest,
		Risk: s.Risk, Trigger: s.Trigger, StableFor: s.StableFor.Std(), Decision: "simulated",
		ExpectedEgress: s.Egress.Expected, AllowedEgress: s.Egress.Allow,
		People: s.People, Production: s.Production,
		Prepare:      describeAll(s.Prepare),
		NotRehearsed: []string{"not.production", "not.traffic_switch", "not.cloud_quota"},
		Host:         host(), Tool: d.opt.Tool, Started: d.base, BoottimeNS: record.Boottime() - int64(d.elapsed()), BootID: d.scope.Owner.BootID,
		ClockState: clockState(), Deadline: s.Deadline.Std(),
	}
	h.Reference = s.Reference
	for name, limit := range s.Objectives {
		h.Objectives = append(h.Objectives, record.Objective{Name: name, Limit: limit.Std()})
	}
	h.MaxSkew = s.MaxSkew.Std()
	h.Limits = limitsOf(s, d.opt.Sizes)
	slices.SortFunc(h.Objectives, func(a, b record.Objective) int { return strings.Compare(a.Name, b.Name) })
	if f := s.Flow; f != nil {
		h.Flow, h.FlowEnv = filepath.Base(f.Script), d.ShownEnv(f.Env)
		if f.AfterUpgrade != nil {
			h.FlowAfter = filepath.Base(f.AfterUpgrade.Script)
		}
		h.PulseRate, h.PulseTimeout = usualRate, f.Timeout.Std() // until it is known
		if f.Pulse.Given() {
			h.PulseRate = float64(time.Second) / float64(f.Pulse.Period())
		}
		h.LatencyLimit, h.Tolerate = f.Latency.Std(), f.Tolerate.Share()
	}
	if h.UpTo = d.opt.UpTo; h.UpTo == record.UpToRead { // nothing is booted, and nobody asked
		h.Objectives = slices.DeleteFunc(h.Objectives, func(o record.Objective) bool { return o.Name != "age" })
		return h
	}
	for _, name := range d.plan.Order {
		i := s.Instances[name]
		p := record.InstancePlan{Name: name, Kind: i.Kind, Needs: i.Needs, Basis: record.BasisMeasured}
		if of := i.Backups(); len(of) > 0 {
			p.Backup, p.With = of[0], of[1:]
		}
		h.Instances = append(h.Instances, p)
	}
	for i, in := range s.Incidents {
		p := record.IncidentPlan{ID: i + 1, Name: in.Name, Upgrade: describeAll(in.Upgrade),
			Rollback: describeAll(in.Rollback)}
		for _, f := range in.Faults {
			p.Faults = append(p.Faults, f.Kind+" on "+f.On)
		}
		if s.Trigger != record.TriggerOrder {
			p.Rule, p.Within = in.Detect.When, in.Detect.Within.Std()
		}
		if in.Decide.By == "person" {
			h.Decision = "person"
		} else {
			h.NotRehearsed = append(h.NotRehearsed, "not.people")
		}
		h.Incidents = append(h.Incidents, p)
	}
	slices.Sort(h.NotRehearsed)
	h.NotRehearsed = slices.Compact(h.NotRehearsed)
	for _, c := range d.plan.Checks {
		p := record.CheckPlan{Name: c.Spec.Name, Layer: c.Spec.Layer}
		if c.Spec.Title.Others() {
			p.Title = c.Spec.Title
		}
		h.Checks = append(h.Checks, p)
	}
	for layer, why := range s.Checks.Excluded {
		if h.Excluded == nil {
			h.Excluded, h.ExcludedIn = map[record.Layer]string{}, map[record.Layer]record.Text{}
		}
		h.Excluded[layer] = why.Any()
		if why.Others() {
			h.ExcludedIn[layer] = why
		}
	}
	return h
}

// begun is the header with what is known of this run besides its plan.
func (d *drill) begun(number int) record.Header {
	h := d.header(number)
	h.Planned, h.Program = d.opt.Planned, d.opt.Program
	if d.kit.K6 != nil && h.AsksK6() {
		k6 := d.kit.K6()
		h.K6 = &k6
	}
	return h
}

// host describes this machine; what cannot be read stays empty.
func host() record.Host {
	h := record.Host{OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	h.Name, _ = os.Hostname() // a host without a name is still a host
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		h.Memory = int64(si.Totalram) * int64(si.Unit)
	}
	return h
}

// clockState asks the kernel whether its wall clock is disciplined.
func clockState() string {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	switch {
	case err != nil:
		return "unknown"
	case state == unix.TIME_ERROR:
		return "not synchronised"
	}
	return "synchronised, estimated error " + (time.Duration(tx.Esterror) * time.Microsecond).String()
}

// limitsOf the backups of a scenario; before are the sizes of the restore points of each that passed last.
func limitsOf(s *scenarios.Scenario, before map[string][]int64) (all []record.BackupLimit) {
	for _, name := range slices.Sorted(maps.Keys(s.Backups)) {
		b := s.Backups[name]
		if b.MinSize == 0 && b.Shrink == 0 && b.Retention == (scenarios.Retention{}) {
			continue
		}
		l := record.BackupLimit{Backup: name, MinSize: int64(b.MinSize), Shrink: float64(b.Shrink), Keep: b.Retention.Keep,
			Oldest: b.Retention.Oldest.Std()}
		if l.Shrink > 0 {
			l.Before = before[name]
		}
		all = append(all, l)
	}
	return all
}
