package fake

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"

	"lifeboat/drills/instance"
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
