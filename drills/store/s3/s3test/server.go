// Package s3test starts a real S3 server for tests: versitygw, a program of its own that `make s3-server` builds. It
// verifies signatures.
package s3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

// Access and Secret open a server; Secret must never stand in an error.
const (
	Access = "AKIDLIFEBOAT"
	Secret = "s3cr3t-of-the-bucket"
	Region = "eu-test-1"
	Domain = "s3.test" // a bucket is also bucket.s3.test
)

// Server is a running one, on loopback.
type Server struct {
	URL     string
	Program string // that it runs
	Folder  string // a folder in it is a bucket
	Admin   *minio.Client
	home    string
	cmd     *exec.Cmd
	ended   chan struct{}
}

// Program is where the newest build of the server is; the test is skipped where there is none, and fails in CI.
func Program(t testing.TB) string {
	t.Helper()
	root, err := os.Getwd() // a test runs in its package's folder
	require.NoError(t, err)
	for ; !isModule(root) && root != filepath.Dir(root); root = filepath.Dir(root) {
	}
	built, err := filepath.Glob(filepath.Join(root, "build", "tools", "versitygw@*"))
	require.NoError(t, err)
	if len(built) == 0 {
		needs.Skip(t, "no S3 server to test with: make s3-server builds it")
	}
	return slices.Max(built)
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// Start a server and wait until it answers. It ends with Stop, at the latest with this process.
func Start(program string) (*Server, error) {
	home, err := os.MkdirTemp("", "lifeboat-s3-*")
	if err != nil {
		return nil, err
	}
	s := &Server{Program: program, Folder: filepath.Join(home, "data"), home: home, ended: make(chan struct{})}
	for _, sub := range []string{"data", "meta", "iam"} {
		if err := os.Mkdir(filepath.Join(home, sub), 0o755); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	_ = l.Close()
	said := &bytes.Buffer{}
	s.URL = "http://" + address
	s.cmd = exec.Command(program, "--quiet", "--port", address, "--access", Access, "--secret", Secret, "--region", Region,
		"--iam-dir", filepath.Join(home, "iam"), "--virtual-domain", Domain,
		"posix", "--sidecar", filepath.Join(home, "meta"), s.Folder)
	s.cmd.Stdout, s.cmd.Stderr = said, said
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if s.Admin, err = minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(Access, Secret, ""), Region: Region}); err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	for range 200 {
		if _, err = s.Admin.ListBuckets(context.Background()); err == nil {
			return s, nil
		}
		select {
		case <-s.ended:
			s.Stop()
			return nil, errors.New("versitygw ended: " + said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.Stop()
	return nil, fmt.Errorf("versitygw does not answer: %w; it said %s", err, said.String())
}

// Stop ends the server and removes what it kept.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.ended
	_ = os.RemoveAll(s.home)
}

// Put writes an object, as if at that time where it is not zero.
func (s *Server) Put(t testing.TB, bucket, key string, content []byte, written time.Time) {
	t.Helper()
	_, err := s.Admin.PutObject(t.Context(), bucket, key, bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{DisableContentSha256: true})
	require.NoError(t, err)
	if !written.IsZero() {
		require.NoError(t, os.Chtimes(filepath.Join(s.Folder, bucket, key), written, written))
	}
}
