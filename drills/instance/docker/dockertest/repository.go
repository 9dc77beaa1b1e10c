package dockertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/ledger"
	"lifeboat/drills/store"
)

// RepositoryImage holds the programs that make and read repositories.
const RepositoryImage = "lifeboat/kinds:12"

// Password of the repositories.
const Password = "correct horse 中"

// Tree is shell that makes /srv/files: hard and symbolic links, a pipe, modes, owners, names that are hard to bear.
const Tree = `mkdir -p /srv/files/sub; cd /srv/files
echo hello > a; ln a sub/hard; ln -s ../../x link; printf '\344\270\255' > "sub/zhong [w]*"; mkfifo pipe; chmod 640 a; chown 33:44 sub; chmod 2750 sub
`

// repositories are the folders of those that were made.
var repositories []string

// Repository runs a script that makes /made/repository, and returns where that is on this host. The variable has the password.
func Repository(variable, script string) (string, error) {
	at, err := os.MkdirTemp("", "lifeboat-repository-")
	if err != nil {
		return "", err
	}
	repositories = append(repositories, at)
	out, err := exec.Command("docker", "run", "--rm", "--network", "none", "-v", at+":/made", "-e", variable+"="+Password, "--entrypoint", "sh", RepositoryImage,
		"-c", "set -e\n"+Tree+script+"\nchmod -R a+rwX /made").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return filepath.Join(at, "repository"), err
}

// Main runs a package's tests, and removes the repositories that they made.
func Main(m *testing.M) {
	code := m.Run()
	if left := leftOfRooms(); left != "" {
		fmt.Fprintf(os.Stderr, "FAIL: of rooms of stores there are left:\n%s", left)
		code = 1
	}
	for _, at := range repositories {
		_ = os.RemoveAll(at)
	}
	os.Exit(code)
}

var roomed atomic.Bool // this process made rooms

// leftOfRooms are containers and volumes of this process, whose tests have all ended.
func leftOfRooms() string {
	if !roomed.Load() {
		return ""
	}
	of := fmt.Sprintf("label=%s=%s", ledger.LabelOwner, ledger.Self())
	var all []byte
	for _, list := range [][]string{{"ps", "-aq", "--filter", of}, {"volume", "ls", "-q", "--filter", of}} {
		out, err := exec.Command("docker", list...).CombinedOutput()
		if all = append(all, out...); err != nil {
			all = fmt.Appendf(all, "docker %s: %v\n", list[0], err)
		}
	}
	return string(all)
}

// Programs have rooms on the engine of this host.
func Programs(t *testing.T) *store.Programs {
	t.Helper()
	NeedImage(t, RepositoryImage, "ci/images/kinds.sh")
	inside := instancetest.Program(t)
	roomed.Store(true)
	return &store.Programs{Rooms: func(ctx context.Context, scope ledger.Scope, to store.Ledger, log *slog.Logger, r store.RoomRequest) (store.Room, error) {
		return docker.OpenRoom(ctx, instance.Site{Scope: scope, Ledger: to, Log: log, Program: inside}, r)
	}}
}

// Digest is of all that lies in a folder: names, modes, times and content.
func Digest(t *testing.T, at string) string {
	t.Helper()
	sum := sha256.New()
	require.NoError(t, filepath.WalkDir(at, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(sum, name, info.Mode(), info.ModTime().UnixNano())
		if d.IsDir() {
			return nil
		}
		raw, err := os.ReadFile(name)
		sum.Write(raw)
		return err
	}))
	return hex.EncodeToString(sum.Sum(nil))
}

// Fetched is all that a store gives of a restore point, and its digest.
func Fetched(ctx context.Context, s store.Store, p store.Point) (content, digest string, err error) {
	stream, err := s.Fetch(ctx, p)
	if err != nil {
		return "", "", err
	}
	raw, err := io.ReadAll(stream)
	return string(raw), stream.Digest(), errors.Join(err, stream.Close())
}
