package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/internal/tree"
)

var _ instance.TreeHolder = (*Machine)(nil)

// PutTree implements instance.TreeHolder: the content of files is kept as WriteFile does it, the rest beside.
func (m *Machine) PutTree(ctx context.Context, folder string, stream io.Reader) (made tree.Made, got []tree.Entry, err error) {
	if !m.onVolume(folder) {
		return made, nil, fmt.Errorf("put files into %s: folder %s lies on no volume", m.Name(), folder)
	}
	m.mu.Lock()
	held := m.holder(folder)
	for name := range held {
		if strings.HasPrefix(name, path.Clean(folder)+"/") {
			made.Removed++
			delete(held, name)
		}
	}
	m.mu.Unlock()
	t := tree.NewTar(stream, true)
	for {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return made, nil, err
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return made, nil, err
		}
		if e.Same != "" {
			if content, err = m.Get(ctx, path.Join(folder, e.Same)); err != nil {
				return made, nil, err
			}
		}
		if e.Type == tree.File {
			m.WriteFile(path.Join(folder, e.Path), content)
		}
	}
	m.d.mu.Lock()
	m.d.trees[m.Name()+" "+path.Clean(folder)] = t.Entries()
	m.d.mu.Unlock()
	got, err = m.Tree(ctx, folder)
	return made, got, err
}

// Tree implements instance.TreeHolder.
func (m *Machine) Tree(_ context.Context, folder string) ([]tree.Entry, error) {
	if !m.onVolume(folder) {
		return nil, fmt.Errorf("read the files of %s: folder %s lies on no volume", m.Name(), folder)
	}
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return slices.Clone(m.d.trees[m.Name()+" "+path.Clean(folder)]), nil
}

func (m *Machine) onVolume(folder string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := range m.volumes {
		if strings.HasPrefix(path.Clean(folder)+"/", at+"/") {
			return true
		}
	}
	return false
}
