package docker

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/sandbox"
)

const (
	trialLimit  = 2 * time.Minute // a busy host is slow
	trialPrefix = "trial-"        // no drill is called so
	trialFolder = "/data"
)

// Try implements instance.Trier: a machine of lifeboat's own program in a sealed sandbox, with a volume, a file put into
// it, a command run in it and a connection into its sandbox; then all of it is removed again.
func (d *Driver) Try(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, trialLimit)
	defer cancel()
	scope := ledger.Scope{Drill: trialPrefix + strings.ToLower(rand.Text()[:8]), Owner: ledger.Self(), Deadline: time.Now().Add(2 * trialLimit)}
	notes := &trialNotes{}
	t := on(d.engine, instance.Site{Scope: scope, Ledger: notes, Journal: notes, Program: d.site.Program, Log: slog.New(slog.DiscardHandler)})
	defer func() {
		t.hangUp()
		for _, o := range ledger.Unwind(ctx, ledger.UnwindRequest{Scope: scope, Entries: notes.entries, Undoers: Undoers(t.log), Within: trialLimit}) {
			if o.State == ledger.Failed {
				err = errors.Join(err, fmt.Errorf("remove the %s of a trial: %w", o.Entry.What, o.Err))
			}
		}
	}()
	err = d.engine.unlike(ctx)
	if err == nil {
		err = t.try(ctx)
	}
	if err != nil {
		return fmt.Errorf("the engine at %s cannot carry a drill: %w", d.engine.host, err)
	}
	return nil
}

// unlike says what an engine is that speaks Docker's language and is known to carry no drill. Podman takes a filter of system
// calls as the name of a file on its own host, where Docker takes its text (seen with 4.3.1): nothing would be sealed by lifeboat's own.
func (e *Engine) unlike(ctx context.Context) error {
	v, err := e.client.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return fmt.Errorf("ask for its version: %w", err)
	}
	for _, c := range v.Components {
		if c.Name == "Podman Engine" {
			return fmt.Errorf("it is Podman %s, which does not take lifeboat's filter of system calls; name a Docker engine with DOCKER_HOST", c.Version)
		}
	}
	return nil
}

// Tried implements instance.Trier. The engine itself remembers, by a tag of the sandboxes' image.
func (d *Driver) Tried(ctx context.Context) error {
	image, err := d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	i, err := d.engine.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return fmt.Errorf("ask the engine at %s what it is: %w", d.engine.host, err)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{i.Info.ID, i.Info.ServerVersion, i.Info.KernelVersion, i.Info.Driver}, "\n")))
	mark := image + "-carries-" + hex.EncodeToString(sum[:4])
	if _, err := d.engine.client.ImageInspect(ctx, mark); err == nil {
		return nil
	}
	if err := d.Try(ctx); err != nil {
		return err
	}
	_, err = d.engine.client.ImageTag(ctx, client.ImageTagOptions{Source: image, Target: mark})
	return err
}

func (d *Driver) try(ctx context.Context) error {
	image, err := d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	m, err := d.Boot(ctx, instance.Request{Name: "trial", Generation: 1, Image: image, Data: []string{trialFolder},
		Entrypoint: []string{programInside, sandbox.CommandWait}})
	if err != nil {
		return err
	}
	file := tarOf([]*tar.Header{{Name: "trial", Mode: 0o600}}, map[string][]byte{"trial": []byte(d.site.Scope.Drill)})
	if err := instance.Put(ctx, m, trialFolder, file); err != nil {
		return err
	}
	if b, err := m.Get(ctx, trialFolder+"/trial"); err != nil || string(b) != d.site.Scope.Drill {
		return fmt.Errorf("a file that was put into a machine is not what is read there: %q %w", b, err)
	}
	r, err := m.Exec(ctx, instance.Command{Args: []string{programInside, sandbox.CommandEcho, "trial"}})
	switch {
	case err != nil:
		return err
	case r.Exit != 0 || strings.TrimSpace(r.Stdout) != "trial":
		return fmt.Errorf("a command in a machine ended with exit code %d: %s%s", r.Exit, r.Stdout, r.Stderr)
	}
	c, err := m.Dial(ctx, sandbox.AnswerPort)
	if err != nil {
		return err
	}
	defer c.Close()
	want := answerOf(d.site.Scope.Drill, m.Name())
	if got, err := io.ReadAll(io.LimitReader(c, int64(len(want)))); string(got) != want {
		return fmt.Errorf("a sandbox answers %q instead of its name: %w", got, err)
	}
	return nil
}

// trialNotes are the ledger and the journal of a trial: if this process dies, what it made is found by its labels.
type trialNotes struct {
	mu      sync.Mutex
	entries []ledger.Entry
}

// Intend implements instance.Ledger.
func (n *trialNotes) Intend(e ledger.Entry) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.ID, e.State = len(n.entries)+1, ledger.Intended
	n.entries = append(n.entries, e)
	return e.ID, nil
}

// Append implements instance.Journal.
func (n *trialNotes) Append(record.Kind, record.Subject, any) error { return nil }
