package drills

import (
	"context"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// sealAhead has the sandboxes of all that will be booted, and of the flow that will ask it, sealed from now on: while the
// backups are looked at and the flow meets decoys, engines start what would be waited for later. end is called with how the
// phases ended, before the clean-up: nothing may be in the making then.
func (d *drill) sealAhead(ctx context.Context) (end func(failed error)) {
	if d.opt.UpTo == record.UpToRead { // nothing is booted
		return func(error) {}
	}
	s := d.plan.Scenario
	var places []instance.Place
	for _, name := range d.plan.Order {
		places = append(places, instance.Place{Instance: name, Aliases: s.Instances[name].Aliases, Allow: s.Egress.Allow})
	}
	for _, a := range askersOf(s.Flow) {
		places = append(places, instance.Place{Flow: a.script})
	}
	ctx, cancel := context.WithCancel(ctx)
	wait := d.room.SealAhead(ctx, places, func(name string) string { return s.Instances[name].Kind })
	return func(failed error) {
		if failed != nil { // else whatever an engine was asked for is answered: the clean-up counts on that
			cancel()
		}
		wait()
		cancel()
	}
}
