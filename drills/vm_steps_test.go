package drills

import (
	"context"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/instance/qemu"
	"lifeboat/drills/record"
)

func TestRefusedDisk(t *testing.T) {
	w := vmWorld(t, &guest{refused: "its backing file is /etc/shadow"})
	res := w.run(oneIncident("[{reboot: app}]"))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "backup.bad")
	require.Len(t, res.Record.Restores, 2, "it was read and verified, and then it was not booted")
	assert.Equal(t, "its backing file is /etc/shadow", res.Record.Restores[1].BackupBad)
}

// What the scenario does not give says nothing of the backup, at the boot from it; after the upgrade it is the incident.
func TestScenarioThatLacksSomething(t *testing.T) {
	for name, tc := range map[string]struct {
		guest guest
		what  string
		in    time.Duration
	}{
		"the disk is not booted": {guest{refused: "asks", lack: record.LackPassphrase}, "asks", time.Minute},
		"it hangs":               {guest{hangs: kernelA, lack: record.LackDisk}, "/dev/vdb1", 70 * time.Second},
		"it shows that it is stuck": {guest{hangs: kernelA, lack: record.LackDisk, stuck: func() bool { return true }}, "/dev/vdb1",
			20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			res := vmWorld(t, &tc.guest).run(oneIncident("[{reboot: app}]"))
			assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.True(t, strings.HasPrefix(reasons(res.Verdict), "backup.lack"), reasons(res.Verdict))
			require.Len(t, res.Record.Restores, 2)
			x := res.Record.Restores[1]
			require.NotNil(t, x.Lack)
			assert.Equal(t, tc.guest.lack, x.Lack.Kind)
			assert.Contains(t, x.Lack.What, tc.what)
			assert.Empty(t, x.BackupBad)
			assert.LessOrEqual(t, x.Ended-x.Started, tc.in)
		})
	}
	g := &guest{hangs: kernelB, lack: record.LackDisk, stuck: func() bool { return false }}
	res := vmWorld(t, g).run(oneIncident("[{revert: {on: app, name: before}}]"))
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
}

// Every disk of a machine is restored before it boots; one that is bad is blamed by its own name.
func TestMachineWithTwoDisks(t *testing.T) {
	two := []string{"  app: {store", "  data: {store: {kind: fake}, restore: {kind: disk}}\n  app: {store",
		"kind: qemu, boot: app,", "kind: qemu, boot: app, vm: {disks: [{backup: data, serial: SN1}]},"}
	res := vmWorld(t, &guest{}).run(oneIncident("[{revert: {on: app, name: before}}]", two...))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	var restored []string
	for _, x := range res.Record.Restores {
		restored = append(restored, x.Backup)
	}
	assert.Equal(t, []string{"app", "data"}, restored)

	res = vmWorld(t, &guest{refused: "is damaged", blames: "data"}).run(oneIncident("[{reboot: app}]", two...))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	last := res.Record.Restores[len(res.Record.Restores)-1]
	assert.Equal(t, "data", last.Backup)
	assert.Equal(t, "is damaged", last.BackupBad)
}

// A rollback to an image that was taken before a file was written: the file is missing, and the diff says why.
func TestImageTakenBeforeAFileWasWritten(t *testing.T) {
	g, old := &guest{conf: "tills=3"}, &guest{}
	w := vmWorld(t, g)
	w.machine.Images["disk-of-old"] = old.script()
	res := w.run(oneIncident("[{destroy: app}, {boot: {instance: app, from: old}}]",
		"  app: {store", "  old: {store: {kind: fake}, restore: {kind: disk}}\n  app: {store",
		"on: app, kernel: true", "on: app, kernel: true, paths: [/etc/app/app.conf]"))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	var diff []string
	for _, c := range res.Record.Checks {
		if c.When == "after" && c.Name == "state" {
			diff = c.Diff
		}
	}
	assert.Equal(t, []string{"/etc/app/app.conf is missing after the rollback: the image was taken before it was written"},
		diff)
}

func TestPut(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to string
		files    map[string]string // in the machine
		says     string
	}{
		"a folder": {"kernel-b", "/run/kernel-b",
			map[string]string{"/run/kernel-b/a.deb": "A", "/run/kernel-b/sub/b.deb": "BB"}, "2 files, 3 bytes"},
		"a folder under another name": {"kernel-b", "/srv/next/",
			map[string]string{"/srv/next/a.deb": "A"}, "2 files, 3 bytes"},
		"a file": {"kernel-b/sub/b.deb", "/opt/x.deb",
			map[string]string{"/opt/x.deb": "BB"}, "1 files, 2 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := vmWorld(t, &guest{})
			w.files = map[string]string{"kernel-b/a.deb": "A", "kernel-b/sub/b.deb": "BB"}
			got := map[string]string{}
			w.machine.Torn = func() error { // asked while the machine still stands
				for p := range tc.files {
					got[p] = content(w.driver.Machine("app"), p)
				}
				return nil
			}
			res := w.run(oneIncident("[{reboot: app}]", "upgrade:\n",
				"upgrade:\n  - put: {on: app, from: "+tc.from+", to: "+tc.to+"}\n"))
			put := res.Record.Steps[0]
			assert.Equal(t, record.OutcomeDone, put.Outcome, put.Error)
			assert.Equal(t, tc.says, put.Output)
			assert.Equal(t, tc.files, got)
			assert.Equal(t, "put "+path.Base(tc.from)+" into app at "+tc.to, put.What)
		})
	}
}

// facts of the module forecast, of a machine whose vendor built nothing for the next kernel, or did.
const (
	foretoldHead = "running\t" + kernelA + "\ntarget\t" + kernelB + "\t/x.ko\t\t" + kernelB + " SMP\t0x2\n"
	foretoldBad  = foretoldHead + "module\tvendordev\t/v.ko\tloaded\t" + kernelA + " SMP\t0x1\nend\n"
	foretoldGood = foretoldHead + "module\tvendordev\t/v.ko\tloaded\t" + kernelA + " SMP\t0x1\n" +
		"build\tvendordev\t/w.ko\t\t" + kernelB + " SMP\t0x2\nend\n"
	foretoldOpen = foretoldHead + "module\tvendordev\t/v.ko\tloaded\t" + kernelA + " SMP\t0x1\n" +
		"headers\ndkms\tvendordev\nend\n"
)

func TestPredict(t *testing.T) {
	const words = "vendordev: no build for " + kernelB + ", and the one for " + kernelA +
		" does not fit (module_layout 0x1 against 0x2)"
	for name, tc := range map[string]struct {
		forecast, on string
		status       record.Status
		reason       string
		observed     string // id; "": none
		incidents    int
	}{
		"no conflict":         {foretoldGood, "stop", record.StatusPassed, "passed.all", "", 1},
		"DKMS is to build it": {foretoldOpen, "stop", record.StatusPassed, "passed.all", "upgrade.unpredicted", 1},
		"a conflict, go on":   {foretoldBad, "go-on", record.StatusPassed, "passed.all", "upgrade.conflict", 1},
		"a conflict, stop": {foretoldBad, "stop", record.StatusInconclusive, "upgrade.stopped",
			"upgrade.conflict", 0},
		"it is not known, go on": {"noise", "go-on", record.StatusPassed, "passed.all", "upgrade.unpredicted", 1},
		"it is not known, but stop": {"noise", "stop", record.StatusInconclusive, "upgrade.stopped",
			"upgrade.unpredicted", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := vmWorld(t, &guest{forecast: tc.forecast})
			res := w.run(oneIncident("[{revert: {on: app, name: before}}]", "  - exec: {on: app, run: [upgrade]}\n",
				"  - predict: {on: app, packages: /run/kernel-b, on_conflict: "+tc.on+"}\n  - exec: {on: app, run: [upgrade]}\n"))
			assert.Equal(t, tc.status, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Equal(t, tc.reason, res.Verdict.Reasons[0].ID)
			assert.Len(t, res.Record.Incidents, tc.incidents)
			assert.Equal(t, record.OutcomeDone, res.Record.Steps[1].Outcome, "to have asked is done")
			assert.Equal(t, "flow.controlled", res.Record.Observations[0].ID)
			assert.Equal(t, "flow.controlled_errors", res.Record.Observations[1].ID)
			assert.Equal(t, "flow.company", res.Record.Observations[2].ID)
			observed := res.Record.Observations[3:]
			if tc.observed == "" {
				assert.Empty(t, observed)
				return
			}
			require.Len(t, observed, 1)
			seen := observed[0]
			assert.Equal(t, tc.observed, seen.ID)
			if tc.forecast == foretoldOpen {
				assert.Equal(t, "vendordev: no build for "+kernelB+" yet: DKMS will compile it, if it compiles", seen.Args["why"])
				assert.Equal(t, kernelB, seen.Args["next"])
			}
			if tc.forecast == foretoldBad {
				assert.Equal(t, words, seen.Args["why"])
				assert.Equal(t, "vendordev", seen.Args["modules"])
				assert.Contains(t, res.Record.Steps[1].Output, words[len("vendordev: "):])
			}
			if tc.incidents == 0 {
				assert.Len(t, res.Verdict.Reasons, 1, "what was not asked needs no reason of its own: %+v", res.Verdict.Reasons)
				assert.Equal(t, record.OutcomeNotReached, res.Record.Steps[2].Outcome)
			}
		})
	}
}

// That a hypervisor runs says nothing of its guest: where nobody is asked, no boot is measured and no machine was back.
func TestMachineThatNobodyAsks(t *testing.T) {
	w := vmWorld(t, &guest{})
	res := w.run(oneIncident("[{revert: {on: app, name: before}}]", ", ready: {exec: [up], within: 1m}", "",
		"objectives: {", "objectives: {boot: 10m, "))
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Equal(t, "objective.not_measured", reasons(res.Verdict))
	for _, b := range res.Record.Boots {
		assert.True(t, b.Unseen)
	}
	require.Len(t, res.Record.Incidents, 1)
	assert.Nil(t, res.Record.Incidents[0].T4)
}

// layered is a driver whose machines stand in another's sandboxes.
type layered struct {
	fake.Virtual
	base instance.Driver
}

func (g layered) Base() instance.Driver { return g.base }

// Run and Egress of the upper driver must not be asked.
func (g layered) Run(context.Context, instance.Program) (instance.Process, error) {
	panic("the base runs programs")
}

func (g layered) Egress(context.Context) ([]record.EgressFact, error) {
	panic("the base reports egress")
}

func TestGroundIsAskedOnce(t *testing.T) {
	w := vmWorld(t, &guest{})
	w.machine.Attempts = []record.EgressFact{{Subject: record.Subject{Instance: "app"},
		Egress: record.Egress{Protocol: "tcp", Target: "198.51.100.7:443", Count: 3}}}
	asked := 0
	w.machine.Torn = func() error { asked++; return nil }
	w.machine.Program = func(_ context.Context, p instance.Program) (int, error) {
		_, err := io.WriteString(p.Stdout, "ran")
		return 0, err
	}
	w.change = func(k *Kit) {
		below := k.Instances["fake"].New
		var base instance.Driver
		k.Instances["fake"] = docker.Kind(func(s instance.Site) (d instance.Driver, err error) {
			base, err = below(s)
			return base, err
		})
		k.Instances["qemu"] = qemu.Kind(func(s instance.Site) (instance.Driver, error) {
			return &layered{Virtual: fake.Virtual{Driver: base.(*fake.Driver)}, base: base}, nil
		})
	}
	w.files = map[string]string{"x.sh": "#!/bin/sh\n"}
	res := w.run(oneIncident("[{revert: {on: app, name: before}}, {script: {file: x.sh}}]",
		"  app: {kind: qemu", "  side: {kind: fake, image: disk-of-old, ready: {exec: [up]}}\n  app: {kind: qemu"))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Len(t, res.Record.Egress, 1)
	assert.Equal(t, 2, asked, "before and after the wait of one verification")
	assert.Equal(t, "ran", res.Record.Steps[5].Output)
}

// faultWorld is one of a machine that a fault breaks until it is booted again, and its scenario.
func faultWorld(t *testing.T, g *guest) (*world, string) {
	w := vmWorld(t, g)
	up := w.business
	w.business = func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return up() && !w.broken["app"]
	}
	g.booted = func() { w.set("app", false) }
	return w, strings.NewReplacer("trigger: upgrade", "trigger: fault",
		"    detect:", "    faults: [{kind: break, on: app, removed_by: rollback}]\n    detect:", "  - exec: {on: app, run: [upgrade]}\n", "").Replace(vmScenario)
}

// A machine that does not answer after a fault may be on its way up: nothing is decided until its console tells, or
// twice the time of its last boot has passed.
func TestSilentMachineIsWaitedFor(t *testing.T) {
	for _, tells := range []bool{false, true} {
		g := &guest{}
		w, text := faultWorld(t, g)
		w.silent = time.Hour
		g.stuck = func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return tells && w.broken["app"]
		}
		res := w.run(text)
		require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
		for _, in := range res.Record.Incidents {
			boot := 5 * time.Second
			waited := in.T2.Late - in.T1.Late
			assert.Equal(t, !tells, waited > 2*boot, "incident %d waited %s", in.ID, waited)
			assert.Less(t, waited, 4*boot)
		}
	}
}

// Under trigger: fault the steps that lead to an incident are planned downtime; its rule waits for the fault.
func TestFaultAfterStepsOfItsOwn(t *testing.T) {
	w, text := faultWorld(t, &guest{})
	res := w.run(text)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	planned := map[int]int{}
	for _, s := range res.Record.Pulse.Reds {
		if s.Planned {
			planned[s.Incident]++
		}
	}
	delete(planned, 0) // the upgrade's own reboot may outlast the upgrade by a moment
	assert.Equal(t, map[int]int{2: 1, 3: 1}, planned, "a revert before each later fault")
	for _, in := range res.Record.Incidents {
		require.NotNil(t, in.T0)
		assert.GreaterOrEqual(t, in.T0.Late, in.Faults[0].Injected.Early, "T0 is the fault's")
	}
}

func TestOutlineOfVirtualMachines(t *testing.T) {
	w := vmWorld(t, &guest{})
	w.outline = func(p *Plan) {
		text := p.Outline().String()
		for _, line := range []string{
			"  app (qemu): boot app, firmware uefi, ports 8080, controlled by ssh, changed by a cloud-init seed\n",
			"incident 2 (old kernel): begin with\n  revert app to upgraded\n",
			"  select kernel before on app\n", "  snapshot app as before\n",
		} {
			assert.Contains(t, text, line)
		}
		assert.Equal(t, int64(1<<30), p.Needs.Disk, "an overlay, whatever the size of the backup")
	}
	w.run(strings.Replace(vmScenario, "{kind: qemu, boot: app,",
		`{kind: qemu, boot: app, vm: {firmware: uefi, ports: [8080], control: [ssh], seed: "#cloud-config"},`, 1))
	vm := w.driver.Machine("app")
	require.NotNil(t, vm)
	assert.Equal(t, &qemu.VM{Firmware: "uefi", Ports: []int{8080}, Control: []string{"ssh"}, Seed: "#cloud-config"},
		vm.Request().Own)
}

// A check that slows an emulated business down for a moment neither ends the comparison nor hides what was restored.
func TestCheckThatSlowsTheBusinessDown(t *testing.T) {
	g := &guest{}
	w := vmWorld(t, g)
	script := g.script()
	script.Basis = record.BasisEmulated
	w.machine.Images["disk-of-app"] = script
	up := w.business
	w.business = func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return up() && !w.broken["slow"]
	}
	asked := 0
	w.answer = func(name string) record.CheckStatus {
		if name == "business" {
			asked++
		}
		if name == "business" && asked == 2 { // before the upgrade, after the first rollback
			w.set("slow", true)
			time.AfterFunc(2*time.Second, func() { w.set("slow", false) })
			time.Sleep(3 * time.Second)
		}
		return record.CheckPassed
	}
	res := w.run(vmScenario)
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Equal(t, "business.red_again", reasons(res.Verdict), "nothing else is unknown")
	require.Len(t, res.Record.Incidents, 3)
	for _, in := range res.Record.Incidents {
		assert.NotNil(t, in.T7, "incident %d", in.ID)
	}
}
