package dir

import (
	"context"
	"errors"
	"io/fs"

	"lifeboat/drills/store"
	"lifeboat/internal/userfile"
)

// Beside implements store.Beside: of a folder, too, it lies beside it.
func (s *Store) Beside(_ context.Context, p store.Point, suffix string) ([]byte, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file := p.ID + suffix
	promised := s.sums(root, []string{file}).List[file]
	raw, err := userfile.ReadIn(root, file, store.MostBeside)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, store.NotBeside(file, promised)
	case err != nil:
		return nil, s.problem("", "%s: %v", file, cause(err))
	}
	return store.Held(file, raw, promised)
}
