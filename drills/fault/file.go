package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// fileMissing: a file is not there after the upgrade, and the machine is
// restarted without it. Key: path (absolute).
type fileMissing struct{ path string }

func newFileMissing(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Path string `yaml:"path"` // of the file, absolute; needed
	}
	problems := s.Decode(&keys)
	if !strings.HasPrefix(keys.Path, "/") && len(problems) == 0 {
		problems = append(problems, s.Problem("path", "path: /etc/app/app.conf", "file-missing needs an absolute path"))
	}
	return &fileMissing{path: keys.Path}, problems
}

// Available implements Fault.
func (f *fileMissing) Available(ctx context.Context, t Target) error {
	if _, err := t.Machine.Get(ctx, f.path); err != nil {
		return fmt.Errorf("read %s on %s: %w", f.path, t.Machine.Name(), err)
	}
	if _, err := sh(ctx, t.Machine, "root", "mv --help >/dev/null 2>&1 || :"); err != nil {
		return fmt.Errorf("%s has no shell to move a file with: %w", t.Machine.Name(), err)
	}
	return nil
}

// Prepare implements Fault: the file is moved aside within its own folder, so moving it back is the undo.
func (f *fileMissing) Prepare(_ context.Context, t Target) (ledger.Undo, error) {
	return instance.UndoCommand(t.Machine, shell("root", `if test -e "$1.lifeboat"; then mv "$1.lifeboat" "$1"; fi`, f.path))
}

// Inject implements Fault.
func (f *fileMissing) Inject(ctx context.Context, t Target) error {
	if _, err := sh(ctx, t.Machine, "root", `mv "$1" "$1.lifeboat"`, f.path); err != nil {
		return fmt.Errorf("move %s aside: %w", f.path, err)
	}
	return restart(ctx, t.Machine)
}

// Effective implements Fault.
func (f *fileMissing) Effective(ctx context.Context, t Target) error {
	_, err := t.Machine.Get(ctx, f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return instance.NotInForce("%s is there", f.path)
}

// Lasts implements Lasting. Where what was moved aside is not there either, the machine is another one, which never had
// the file or lost it in another way.
func (f *fileMissing) Lasts(ctx context.Context, t Target) error {
	if err := f.Effective(ctx, t); err != nil {
		return err
	}
	_, err := t.Machine.Get(ctx, f.path+".lifeboat")
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s is missing, and so is what the fault moved aside: another image may lack it", f.path)
	}
	return err
}
