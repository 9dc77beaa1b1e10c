package etcd

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/store"
	"lifeboat/internal/etcdgate"
	"lifeboat/internal/lazy"
)

// file of the folder in the machine.
type file struct {
	name string
	size int64
	from io.Reader
}

// put writes files into the machine's folder, which any server may write.
func (l *load) put(ctx context.Context, files ...file) error {
	pr, pw := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		w := tar.NewWriter(pw)
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o777})
		for _, f := range files {
			if err == nil {
				err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o666})
			}
			if err == nil {
				_, err = io.Copy(w, f.from)
			}
		}
		if err == nil {
			err = w.Close()
		}
		pw.CloseWithError(err)
		ended <- err
	}()
	err := instance.Put(ctx, l.machine, l.set.Folder, pr)
	pr.CloseWithError(io.ErrClosedPipe)
	if e := <-ended; err == nil && e != nil && !errors.Is(e, io.ErrClosedPipe) {
		err = e
	}
	if err != nil {
		return fmt.Errorf("put files into %s: %w", l.machine.Name(), err)
	}
	return nil
}

func text(name, content string) file {
	return file{name, int64(len(content)), strings.NewReader(content)}
}

// restore has etcd's own program make a data folder of the snapshot, and starts the server on it.
func (l *load) restore(ctx context.Context, kept store.Random) error {
	name := l.machine.Name()
	if err := l.put(ctx, text(confFile, l.conf(name, emptyData)), file{snapshotFile, kept.Size(), io.NewSectionReader(kept, 0, kept.Size())}); err != nil {
		return err
	}
	if err := l.machine.Start(ctx); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	program, version, err := l.program(ctx)
	if err != nil {
		return err
	}
	if laterThan(l.snapshot.version, version) {
		return &restore.MisfitError{What: restore.MisfitSnapshot, Has: "etcd " + l.snapshot.version, Wants: "etcd " + version}
	}
	r, err := l.restored(ctx, program, snapshotFile, restoredData, !l.snapshot.hashed)
	if err != nil {
		return err
	}
	if r.Exit != 0 {
		return l.blame(ctx, program, r)
	}
	if err := l.machine.Stop(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	if err := l.put(ctx, text(confFile, l.conf(name, restoredData)), text(snapshotFile, "")); err != nil { // it takes no room any more
		return err
	}
	if err := l.machine.Start(ctx); err != nil {
		return fmt.Errorf("start %s on its backup: %w", name, err)
	}
	return nil
}

var versionLine = lazy.Regexp(`(?m)^etcd(?:ctl|utl) version: (\d+\.\d+\.\d+)`)

// program finds the one of the image that restores snapshots: from 3.5 on etcdutl, before that etcdctl.
func (l *load) program(ctx context.Context) (name, version string, err error) {
	said := ""
	for _, name := range []string{"etcdutl", "etcdctl"} {
		r, err := l.exec(ctx, name, "version")
		if errors.As(err, new(*instance.UnaskedError)) {
			return "", "", err
		}
		if err != nil {
			said = err.Error() // an engine may say so that there is none
			continue
		}
		if m := versionLine().FindStringSubmatch(r.Stdout); m != nil && r.Exit == 0 {
			return name, m[1], nil
		}
		said = dump.FirstError(r)
	}
	if s, err := l.machine.State(ctx); err == nil && !s.Running {
		console, _ := instance.Console(ctx, l.machine) // empty tells nothing
		return "", "", fmt.Errorf("the server %s by its new settings before anything was restored: %s (its command must take arguments: "+
			"command: [etcd])", s.Ended(), instance.LastLines(console, 3))
	}
	return "", "", &restore.ImageError{Reason: "it has neither etcdutl nor etcdctl, which restore a snapshot: " + said}
}

func (l *load) exec(ctx context.Context, args ...string) (instance.Result, error) {
	return l.machine.Exec(ctx, instance.Command{Args: args, Env: map[string]string{"ETCDCTL_API": "3"}})
}

// restored runs it.
func (l *load) restored(ctx context.Context, program, from, to string, unhashed bool) (instance.Result, error) {
	at := func(name string) string { return path.Join(l.set.Folder, name) }
	args := []string{program, "snapshot", "restore", at(from), "--data-dir", at(to), "--name", memberName, "--initial-cluster", memberName + "=" + peerURL,
		"--initial-cluster-token", memberName, "--initial-advertise-peer-urls", peerURL}
	if unhashed {
		args = append(args, "--skip-hash-check")
	}
	r, err := l.exec(ctx, args...)
	if err != nil {
		return r, fmt.Errorf("run %s on %s: %w", program, l.machine.Name(), err)
	}
	return r, nil
}

// noRoom are words of a sandbox that is too small, or a folder that cannot be written.
var noRoom = []string{"no space left on device", "cannot allocate memory", "permission denied", "read-only file system"}

// blame tells whose fault it is that a snapshot was not restored: it is the backup's where the same program restores a snapshot of the
// empty server in the same machine.
func (l *load) blame(ctx context.Context, program string, r instance.Result) error {
	words := dump.FirstError(r)
	for _, w := range noRoom {
		if r.Exit > 128 || strings.Contains(strings.ToLower(words), w) {
			return fmt.Errorf("%s was ended by the sandbox, exit code %d: %s (give the instance more memory or disk)", program, r.Exit, words)
		}
	}
	const known, knownData = "known.db", "known"
	saved, err := l.exec(ctx, "etcdctl", "--endpoints", "http://127.0.0.1:"+strconv.Itoa(l.set.Port), "snapshot", "save", path.Join(l.set.Folder, known))
	if err == nil && saved.Exit == 0 {
		if good, err := l.restored(ctx, program, known, knownData, false); err == nil && good.Exit == 0 {
			return &dump.Damage{Reason: fmt.Sprintf("%s does not restore it, and restores another one here: %s", program, words)}
		}
	}
	return fmt.Errorf("%s failed with exit code %d, which may be the fault of the backup, the image or the host: %s", program, r.Exit, words)
}

// answer waits until the restored server counts its keys.
func (l *load) answer(ctx context.Context) (keys, revision int64, err error) {
	password, err := l.set.Password.Reveal()
	if err != nil {
		return 0, 0, fmt.Errorf("read restore.password: %w", err)
	}
	server := etcdgate.New(func(ctx context.Context) (net.Conn, error) { return l.machine.Dial(ctx, l.set.Port) })
	for began := time.Now(); ; {
		if l.snapshot.guarded {
			err = server.Login(ctx, l.set.User, password)
		}
		if err == nil {
			if keys, revision, err = server.Count(ctx, ""); err == nil {
				return keys, revision, nil
			}
		}
		if own, ok := errors.AsType[*etcdgate.Error](err); ok && own.Login() {
			return 0, 0, &restore.LackError{Lack: record.LackLogin, What: own.Text}
		}
		if ctx.Err() != nil {
			return 0, 0, fmt.Errorf("wait for the server on %s: %w (the last attempt: %w)", l.machine.Name(), context.Cause(ctx), err)
		}
		if s, e := l.machine.State(ctx); e == nil && !s.Running {
			console, _ := instance.Console(ctx, l.machine) // empty tells nothing
			return 0, 0, fmt.Errorf("the server %s on what was restored, which may be the fault of the backup, the image or the host: %s", s.Ended(),
				instance.LastLines(console, 3))
		}
		if time.Since(began) > l.set.Stall.Std() {
			return 0, 0, fmt.Errorf("for %s the server on %s did not count its keys: %w (raise restore.stall if it takes long)", l.set.Stall, l.machine.Name(), err)
		}
		if err = instance.Pause(ctx, pollPause); err != nil {
			return 0, 0, err
		}
	}
}
