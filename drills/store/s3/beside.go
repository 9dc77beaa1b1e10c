package s3

import (
	"context"

	"lifeboat/drills/store"
)

// Beside implements store.Beside. What is there is asked anew: it may have been uploaded since the backups were listed.
func (s *Store) Beside(ctx context.Context, p store.Point, suffix string) ([]byte, error) {
	there, err := s.objects(ctx, s.below())
	if err != nil {
		return nil, s.known(ctx, err)
	}
	file := p.ID + suffix
	about, err := s.about(ctx, []string{file}, there)
	if err != nil {
		return nil, s.known(ctx, err)
	}
	promised := about.sums.List[file]
	if _, ok := there[file]; !ok {
		return nil, store.NotBeside(file, promised)
	}
	text, err := s.text(ctx, file, store.MostBeside)
	if err != nil {
		return nil, s.known(ctx, err)
	}
	return store.Held(file, []byte(text), promised)
}
