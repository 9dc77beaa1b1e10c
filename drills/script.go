package drills

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
)

// scriptStep runs the user's own script, unchanged, in a sealed control container.
func (d *drill) scriptStep(ctx context.Context, phase string, s *scenarios.ScriptStep) (string, error) {
	companion, err := d.companion()
	if err != nil {
		return "", err
	}
	file := s.File
	content, err := userfile.Read(file, mostScript)
	if err != nil {
		return "", fmt.Errorf("read the script: %w", err)
	}
	inside := "/script/" + filepath.Base(file)
	env := map[string]string{"LIFEBOAT_PHASE": phase, "LIFEBOAT_DRILL": d.id}
	for k, v := range s.Env {
		if env[k], err = d.secrets.reveal(v); err != nil {
			return "", fmt.Errorf("set %s of the script: %w", k, err)
		}
	}
	trees, closeTrees, err := d.backupTrees(ctx, s.Backups)
	if err != nil {
		return "", err
	}
	defer closeTrees()
	out := &ending{}
	p, err := companion.Run(ctx, instance.Program{
		Name: fmt.Sprintf("script-%s-%d", phase, d.elapsed().Milliseconds()), Image: s.Image,
		Args: append([]string{inside}, s.Args...), Env: env, Dir: "/script",
		Files: map[string][]byte{inside: content}, Trees: trees, Stdout: out, Stderr: out,
	})
	if err != nil {
		return "", err
	}
	exit, err := p.Wait(ctx)
	if err != nil {
		return d.secrets.hideEnd(out.String()), errors.Join(err, p.Stop(context.WithoutCancel(ctx), time.Second))
	}
	if exit != 0 && !s.AllowFailure {
		return d.secrets.hideEnd(out.String()), &stepFailed{what: s.File, why: fmt.Sprintf("exit code %d", exit)}
	}
	return d.secrets.hideEnd(out.String()), nil
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

// backupTrees streams backups into a control container, each as one file under /backups/<name>/.
func (d *drill) backupTrees(ctx context.Context, names []string) ([]instance.Tree, func(), error) {
	var trees []instance.Tree
	var closers []func() error
	closeAll := func() {
		for _, c := range closers {
			if err := c(); err != nil {
				d.opt.Log.Warn("close a backup", "error", err)
			}
		}
	}
	for _, name := range names {
		bp := d.plan.Backups[name]
		st, err := d.opener(bp)(ctx)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("open backup %s: %w", name, err)
		}
		closers = append(closers, st.Close)
		dir := "/backups/" + name
		if bp.Point.Dir { // the store streams a folder as a tar already
			trees = append(trees, instance.Tree{Dir: dir, Tar: st})
			continue
		}
		pr, pw := io.Pipe()
		closers = append(closers, pr.Close)
		go func() {
			tw := tar.NewWriter(pw)
			err := tw.WriteHeader(&tar.Header{Name: filepath.Base(bp.Point.ID), Mode: 0o644, Size: bp.Point.Size, ModTime: d.base})
			if err == nil {
				_, err = io.Copy(tw, st)
			}
			pw.CloseWithError(errors.Join(err, tw.Close()))
		}()
		trees = append(trees, instance.Tree{Dir: dir, Tar: pr})
	}
	return trees, closeAll, nil
}
