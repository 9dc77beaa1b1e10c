package fake

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"slices"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/internal/tree"
)

// Request is what the machine was booted with.
func (m *Machine) Request() instance.Request { return m.request }

// Serve opens a port; handle is called for each connection and closes it.
func (m *Machine) Serve(port int, handle func(net.Conn)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ports[port] = handle
}

// Shut closes a port: connections to it are refused.
func (m *Machine) Shut(port int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.ports, port)
}

// Print writes to the console.
func (m *Machine) Print(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.console.WriteString(text)
}

// WriteFile stores a file.
func (m *Machine) WriteFile(name string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holder(name)[path.Clean(name)] = content
}

// RemoveFile removes a file, if there is one.
func (m *Machine) RemoveFile(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.holder(name), path.Clean(name))
}

// holder is the volume or the root that a path belongs to.
func (m *Machine) holder(name string) volume {
	for p, v := range m.volumes {
		if strings.HasPrefix(path.Clean(name)+"/", p+"/") {
			return v
		}
	}
	return m.files
}

// Put implements instance.Machine: regular files only.
func (m *Machine) Put(_ context.Context, dir string, stream io.Reader) error {
	t := tar.NewReader(stream)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("put files into %s: %w", m.Name(), err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return fmt.Errorf("put files into %s: %w", m.Name(), err)
		}
		m.WriteFile(path.Join(dir, h.Name), b)
	}
}

// Get implements instance.Machine.
func (m *Machine) Get(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.holder(name)[path.Clean(name)]
	if !ok {
		return nil, fmt.Errorf("read %s of %s: %w", name, m.Name(), fs.ErrNotExist)
	}
	return bytes.Clone(b), nil
}

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
