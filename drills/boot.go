package drills

import (
	"context"
	"fmt"
	"maps"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// boot is how an instance comes up this time; the zero value is its own restore point.
type boot struct {
	image    string // of the engine, instead of the instance's own
	from     string // backup that holds the image, instead of the instance's own
	env      map[string]scenarios.Secret
	command  []string
	keepData bool
	dropData []string
	during   string      // restore | upgrade | rollback
	used     bool        // somebody may use it while its backup is loaded
	beside   func() bool // tells whether another instance was booted at any moment of this boot; nil: none is
}

// bootInstance restores and boots one instance and waits until it is ready.
func (d *drill) bootInstance(ctx context.Context, name string, b boot) error {
	spec := d.plan.Scenario.Instances[name]
	started := d.elapsed()
	req, err := d.request(name, spec, b)
	if err != nil {
		return err
	}
	req.Generation = d.room.Begin(name)
	from := b.from
	if from == "" && b.image == "" {
		from = spec.Boot
	}
	if bp := d.plan.Backups[from]; bp != nil {
		if req.Image, err = d.restores.image(ctx, name, bp, b.during); err != nil {
			return err
		}
	}
	for _, disk := range instance.DisksOf(d.plan.own[name]) {
		ref, err := d.restores.image(ctx, name, d.plan.Backups[disk.Backup], b.during)
		if err != nil {
			return err
		}
		req.Disks = append(req.Disks, ref)
	}
	loads := d.plan.Backups[spec.Load]
	if b.keepData {
		loads = nil
	}
	if bp := d.plan.Backups[spec.Load]; bp != nil {
		if err := bp.Loader.Prepare(&req); err != nil {
			return fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	booting := d.elapsed()
	m, err := d.room.Driver(spec.Kind).Boot(ctx, req)
	if err != nil {
		if m != nil {
			d.shows.show(ctx, m)
		}
		return d.badBoot(ctx, name, from, b, started, err)
	}
	d.room.Stands(m, imageOf(d.plan.Backups[from], req.Generation))
	if loads != nil {
		if err := loads.Loader.Ready(ctx, m); err != nil {
			return fmt.Errorf("wait for %s to take its backup: %w", name, err)
		}
		if err := d.restores.load(ctx, name, loads, m, b); err != nil {
			return err
		}
	}
	if err := d.cameUp(ctx, m, rise{started: started, booting: booting, image: req.Image, loaded: loads != nil, boot: b}); err != nil {
		return d.badBoot(ctx, name, from, b, started, err)
	}
	return nil
}

// imageOf a backup, or of none: nothing in it is younger than the time to which it is consistent, or else than its file.
func imageOf(bp *BackupPlan, generation int) *verifier.Image {
	if bp == nil {
		return nil
	}
	image := &verifier.Image{Backup: bp.Name, Generation: generation, Taken: bp.Point.Taken}
	if !bp.Point.ConsistentTo.IsZero() {
		image.Taken = bp.Point.ConsistentTo
	}
	return image
}

// request to boot an instance, with its kind's own keys in it.
func (d *drill) request(name string, spec scenarios.Instance, b boot) (instance.Request, error) {
	r := instance.Request{Name: name, Image: spec.Image, Env: map[string]string{}, Aliases: spec.Aliases,
		KeepData: b.keepData, DropData: b.dropData,
		Memory: int64(spec.Memory), CPUs: spec.CPUs, Allow: d.plan.Scenario.Egress.Allow}
	if err := d.plan.own[name].Fill(&r, d.secrets.reveal); err != nil {
		return r, err
	}
	env, err := d.revealEnv(name, b.env)
	if err != nil {
		return r, err
	}
	maps.Copy(r.Env, env)
	if b.image != "" {
		r.Image = b.image
	}
	if len(b.command) > 0 {
		r.Command = b.command
	}
	return r, nil
}
