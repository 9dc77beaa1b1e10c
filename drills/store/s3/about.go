package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/drills/store/remote"
	"lifeboat/drills/store/sidecars"
)

const mostText = 4 << 20 // bytes of a list of digests, or of a manifest

// about is what the objects beside backups say of them.
type about struct {
	sums      checksums.Lists
	manifests map[string]manifest // by the backup's name
}

type manifest struct {
	to    time.Time
	by    string
	wrong error // why it says nothing; it costs its own backup only
}

// about reads every list of digests and every manifest that is about the given names, as the store of kind dir does.
// The list of the bucket told which there are, so none is asked for in vain.
func (s *Store) about(ctx context.Context, names []string, there map[string]remote.Facts) (about, error) {
	wanted := map[string]bool{}
	for _, n := range names {
		for _, list := range checksums.About(n) {
			wanted[list] = true
		}
		if !sidecars.Is(n) {
			wanted[n+sidecars.Manifest] = true
		}
	}
	var files []string
	for name := range wanted {
		if _, ok := there[name]; ok {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	found := about{manifests: map[string]manifest{}}
	texts, unread, err := s.texts(ctx, files)
	if err != nil {
		return found, err
	}
	for i, file := range files {
		name, is := strings.CutSuffix(file, sidecars.Manifest)
		switch {
		case is && unread[i] != nil:
			found.manifests[name] = manifest{wrong: unread[i]}
		case is:
			m := manifest{}
			if m.to, m.by, err = sidecars.Consistency(file, texts[i]); err != nil {
				m.wrong = s.problem(sidecars.ManifestHint, "%v", err)
			}
			found.manifests[name] = m
		case unread[i] != nil:
			found.sums.Unopened(file, unread[i].Reason)
		default:
			found.sums.Add(file, texts[i])
		}
	}
	found.sums.Settle(func(name string) bool {
		_, ok := there[name]
		return ok
	})
	return found, nil
}

// texts reads small objects, several at once, and says of each why it cannot be read.
func (s *Store) texts(ctx context.Context, names []string) ([]string, []*store.Problem, error) {
	texts, unread := make([]string, len(names)), make([]*store.Problem, len(names))
	err := remote.Each(ctx, len(names), connections, func(ctx context.Context, i int) (err error) {
		texts[i], err = s.text(ctx, names[i], mostText)
		if ctx.Err() == nil && errors.As(err, &unread[i]) {
			return nil
		}
		return err
	})
	return texts, unread, err
}

func (s *Store) text(ctx context.Context, name string, most int) (string, error) {
	var raw []byte
	err := remote.Retry(ctx, func() error {
		object, err := s.get(ctx, name, anyOf)
		if err != nil {
			return err
		}
		defer object.body.Close()
		raw, err = remote.ReadText(object.body, most, s.timeout)
		switch {
		case errors.Is(err, remote.ErrLong):
			return s.problem("", "%s is larger than %d MiB", name, most>>20)
		case err != nil:
			return s.explain(ctx, name, err)
		}
		return nil
	})
	if errors.Is(err, store.ErrNoPoint) { // it was listed a moment ago
		return "", s.problem("try again once the upload is done", "%s went away while the backups were listed", name)
	}
	return string(raw), err
}
