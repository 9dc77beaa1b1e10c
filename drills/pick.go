package drills

import (
	"context"
	"fmt"

	"lifeboat/drills/store"
)

// pick chooses the restore point; the error is a sentence for the user.
func (b *BackupPlan) pick(ctx context.Context) error {
	points, err := b.Store.List(ctx)
	if err != nil {
		return fmt.Errorf("list backup %s: %w", b.Name, err)
	}
	pt, err := store.Pick(points, b.Spec.Pick)
	if err != nil {
		return fmt.Errorf("backup %s: %w", b.Name, err)
	}
	if b.Spec.Digest != "" {
		if pt.Digest != "" && pt.Digest != b.Spec.Digest {
			return fmt.Errorf("backup %s: the scenario promises %s for %s, its store %s; correct one of them",
				b.Name, b.Spec.Digest, pt.ID, pt.Digest)
		}
		pt.Digest, pt.Doubt = b.Spec.Digest, "" // this promise is enough
	}
	if b.Spec.ConsistentTo != nil {
		pt.ConsistentTo, pt.ConsistentBy = *b.Spec.ConsistentTo, "scenario"
	}
	b.Point = pt
	return nil
}
