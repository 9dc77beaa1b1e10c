package drills

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
)

// script runs the user's own script, unchanged, in a sealed control container.
func (op *operator) script(ctx context.Context, phase string, s *scenarios.ScriptStep) (string, error) {
	companion, err := op.room.Companion()
	if err != nil {
		return "", err
	}
	file := s.File
	content, err := userfile.Read(file, mostScript)
	if err != nil {
		return "", fmt.Errorf("read the script: %w", err)
	}
	inside := "/script/" + filepath.Base(file)
	env := map[string]string{"LIFEBOAT_PHASE": phase, "LIFEBOAT_DRILL": op.id}
	if variable, err := op.RevealEnv(env, s.Env); err != nil {
		return "", fmt.Errorf("set %s of the script: %w", variable, err)
	}
	given, trees, err := op.backupTrees(ctx, s.Backups)
	defer given.close(op.log)
	if err != nil {
		return "", err
	}
	out := &ending{}
	exit, err := runScript(ctx, companion, instance.Program{
		Name: fmt.Sprintf("script-%s-%d", phase, op.elapsed().Milliseconds()), Image: s.Image,
		Args: append([]string{inside}, s.Args...), Env: env, Dir: "/script",
		Files: map[string][]byte{inside: content}, Trees: trees, Stdout: out, Stderr: out,
	})
	if ctx.Err() == nil {
		err = op.given(phase, given, err)
	}
	if err == nil && exit != 0 && !s.AllowFailure {
		err = &stepFailed{what: s.File, why: fmt.Sprintf("exit code %d", exit)}
	}
	return op.HideEnd(out.String()), err
}

func runScript(ctx context.Context, c instance.Companion, p instance.Program) (int, error) {
	process, err := c.Run(ctx, p)
	if err != nil {
		return 0, err
	}
	exit, err := process.Wait(ctx)
	if err != nil {
		err = errors.Join(err, process.Stop(context.WithoutCancel(ctx), time.Second))
	}
	return exit, err
}

// given writes down which of a script's backups is not what was promised: that is found at its end, on its way into the
// container, and is the backup's fault whatever the engine or the script made of it.
func (op *operator) given(phase string, streams given, err error) error {
	for _, s := range streams {
		if mismatch, ok := errors.AsType[*store.Mismatch](s.ended()); ok {
			fact := record.Restored{Backup: s.backup, Point: mismatch.Point, Digest: mismatch.Got, Bytes: s.Bytes(),
				Started: s.started, Ended: op.elapsed(), During: phase, BackupBad: mismatch.Error()}
			return asFact(fmt.Errorf("give backup %s to the script: %w", s.backup, mismatch),
				op.Append(record.KindRestored, op.subject(""), fact))
		}
	}
	return err
}

// given are the backups on their way to a script.
type given []*givenStream

// givenStream remembers what its backup ended with.
type givenStream struct {
	store.Stream
	backup  string
	started time.Duration
	mu      sync.Mutex
	err     error
}

// Read implements io.Reader.
func (s *givenStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if err != nil {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return n, err
}

func (s *givenStream) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (g given) close(log *slog.Logger) {
	for _, s := range g {
		if err := s.Close(); err != nil {
			log.Warn("close a backup", "error", err)
		}
	}
}

// mostScript bounds a script, bytes: validate allows less.
const mostScript = 1 << 20

// outputKept is how much of a script's output is kept, bytes: it repeats what restored systems send it.
const outputKept = 64 << 10

// ending keeps the end of what is written to it.
type ending struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (e *ending) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.b = append(e.b, p...)
	if len(e.b) > 2*outputKept {
		e.b = append([]byte(nil), e.b[len(e.b)-outputKept:]...)
	}
	return len(p), nil
}

func (e *ending) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.ToValidUTF8(string(e.b[max(0, len(e.b)-outputKept):]), "")
}

// backupTrees streams backups into a control container, each as one file under /backups/<name>/. What was opened must
// be closed, after an error too.
func (op *operator) backupTrees(ctx context.Context, names []string) (given, []instance.Tree, error) {
	var opened given
	var trees []instance.Tree
	for _, name := range names {
		bp := op.plan.Backups[name]
		stream, err := op.restores.opener(bp)(ctx)
		if err != nil {
			return opened, nil, fmt.Errorf("open backup %s: %w", name, err)
		}
		st := &givenStream{Stream: stream, backup: name, started: op.elapsed()}
		opened = append(opened, st)
		dir := "/backups/" + name
		if bp.Point.Dir { // the store streams a folder as a tar already
			trees = append(trees, instance.Tree{Dir: dir, Tar: st})
			continue
		}
		pr, pw := io.Pipe()
		context.AfterFunc(ctx, func() { pr.CloseWithError(context.Cause(ctx)) }) // nobody may read it to its end
		go func() {
			tw := tar.NewWriter(pw)
			err := tw.WriteHeader(&tar.Header{Name: filepath.Base(bp.Point.ID), Mode: 0o644, Size: bp.Point.Size, ModTime: op.base})
			if err == nil {
				_, err = io.Copy(tw, st)
			}
			pw.CloseWithError(errors.Join(err, tw.Close()))
		}()
		trees = append(trees, instance.Tree{Dir: dir, Tar: pr})
	}
	return opened, trees, nil
}
