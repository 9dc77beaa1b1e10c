package drills

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// boot is how an instance comes up this time; the zero value is its own restore point.
type boot struct {
	image    string // of the engine, instead of the instance's own
	from     string // backup that holds the image, instead of the instance's own
	env      map[string]scenarios.Secret
	command  []string
	load     []string // backups that are loaded, instead of the instance's own
	keepData bool
	dropData []string
	during   string      // restore | upgrade | rollback
	used     bool        // somebody may use it while its backup is loaded
	beside   func() bool // tells whether another instance was booted at any moment of this boot; nil: none is
}

// boots bring instances up, and write down how that went.
type boots struct {
	site
	host     *hostWatch
	restores *restores
	disks    *disks
	shows    *diagnoses
	served   func(since time.Duration) bool // the business was red since a moment, and works again
}

// one restores and boots one instance and waits until it is ready.
func (s *boots) one(ctx context.Context, name string, b boot) error {
	spec := s.plan.Scenario.Instances[name]
	switch {
	case b.keepData:
		spec = s.standing(name)
	case len(b.load) > 0:
		spec.Load = b.load
	}
	started := s.elapsed()
	req, err := s.request(name, spec, b)
	if err != nil {
		return err
	}
	req.Generation = s.room.Begin(name)
	from := b.from
	if from == "" && b.image == "" {
		from = spec.Boot
	}
	var facts *instance.ImageFacts
	if bp := s.plan.Backups[from]; bp != nil {
		out, err := s.restores.image(ctx, name, bp, b.during)
		if err != nil {
			return err
		}
		req.Image, facts = out.Image, out.Facts.With(req.Command)
	}
	for _, disk := range instance.DisksOf(s.plan.own[name]) {
		out, err := s.restores.image(ctx, name, s.plan.Backups[disk.Backup], b.during)
		if err != nil {
			return err
		}
		req.Disks = append(req.Disks, out.Image)
	}
	early, later := s.loads(spec)
	for _, bp := range append(early, later...) {
		if err := bp.Loader.Prepare(&req); err != nil {
			return fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	held := req.Hold // by a loader that starts its machine itself, when it has loaded
	if b.keepData {
		early, later = nil, nil
	}
	req.Hold = held || len(early) > 0
	booting := s.elapsed()
	m, err := s.room.Driver(spec.Kind).Boot(ctx, req)
	if err != nil {
		if m != nil {
			s.shows.show(ctx, m)
		}
		return s.badBoot(ctx, name, from, b, started, explained(err, facts))
	}
	up := rise{started: started, booting: booting, image: req.Image, loaded: len(early)+len(later) > 0, boot: b}
	if w, ok := instance.As[instance.Awaiting](m); ok {
		up.waited = w.SealWait()
	}
	s.room.Stands(m, imageOf(s.plan.Backups[from], req.Generation, facts))
	s.room.Load(name, spec.Load)
	for _, bp := range early {
		if err := s.restores.take(ctx, name, bp, m, b); err != nil {
			return err
		}
	}
	if len(early) > 0 && !held {
		up.booting = s.elapsed()
		if err := m.Start(ctx); err != nil {
			s.shows.show(ctx, m)
			return s.badBoot(ctx, name, from, b, started, explained(err, facts))
		}
	}
	for _, bp := range later {
		if err := s.restores.take(ctx, name, bp, m, b); err != nil {
			return err
		}
	}
	if err := s.cameUp(ctx, m, up); err != nil {
		return s.badBoot(ctx, name, from, b, started, explained(err, facts))
	}
	return nil
}

// loads are the backups that are loaded into an instance: before it is started, and then.
func (s *boots) loads(spec scenarios.Instance) (early, later []*BackupPlan) {
	for _, load := range spec.Load {
		bp := s.plan.Backups[load]
		if _, is := beforehand(bp); is {
			early = append(early, bp)
		} else {
			later = append(later, bp)
		}
	}
	return early, later
}

// beforehand tells whether a backup is loaded before its instance is started, and where; nil is none.
func beforehand(bp *BackupPlan) (folder string, is bool) {
	if bp == nil {
		return "", false
	}
	early, is := bp.Loader.(restore.Beforehand)
	if !is {
		return "", false
	}
	return early.Beforehand(), true
}

// explained adds to an error of a boot what the image's archive explains of it.
func explained(err error, facts *instance.ImageFacts) error {
	bad, ok := errors.AsType[*instance.BootError](err)
	if !ok || facts == nil || len(facts.Broken) == 0 {
		return err
	}
	more := *bad
	more.Reason = strings.Join(facts.Broken, "; ") + ": " + bad.Reason
	return &more
}

// imageOf a backup, or of none: nothing in it is younger than the time to which it is consistent, or else than its file.
func imageOf(bp *BackupPlan, generation int, facts *instance.ImageFacts) *verifier.Image {
	if bp == nil {
		return nil
	}
	image := &verifier.Image{Backup: bp.Name, Generation: generation, Taken: bp.Point.Taken, Says: facts}
	if !bp.Point.ConsistentTo.IsZero() {
		image.Taken = bp.Point.ConsistentTo
	}
	return image
}

// request to boot an instance, with its kind's own keys in it.
func (s *boots) request(name string, spec scenarios.Instance, b boot) (instance.Request, error) {
	r := instance.Request{Name: name, Image: spec.Image, Env: map[string]string{}, Aliases: spec.Aliases,
		KeepData: b.keepData, DropData: b.dropData,
		Memory: int64(spec.Memory), CPUs: spec.CPUs, Allow: s.plan.Scenario.Egress.Allow}
	if err := s.plan.own[name].Fill(&r, s.Reveal); err != nil {
		return r, err
	}
	if variable, err := s.RevealEnv(r.Env, b.env); err != nil {
		return r, fmt.Errorf("set %s of %s: %w", variable, name, err)
	}
	if b.image != "" {
		r.Image = b.image
	}
	if len(b.command) > 0 {
		r.Command = b.command
	}
	return r, nil
}
