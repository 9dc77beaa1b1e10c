package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/tree"
)

// Ready waits for nothing: the instance need not even run.
func (l *Loader) Ready(context.Context, instance.Machine) error { return nil }

// Load empties the folder and unpacks the tree into it, while the backup is read and judged here; then the folder is read there, and must hold
// what the backup held.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	holder, err := instance.Trees(m)
	if err != nil {
		return restore.Outcome{}, err
	}
	if err := l.vacant(ctx, s, holder, m); err != nil {
		return restore.Outcome{}, err
	}
	r, err := l.open(ctx, s)
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	made, got, err := r.pour(ctx, holder, l.set.Path)
	if err != nil {
		err = r.failed(ctx, s, err)
	}
	if e := r.in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", s.Backup, e)
	}
	if err != nil {
		return restore.Outcome{Told: r.Told}, err
	}
	out := r.outcome()
	out.Verifying = made.Reading
	want := r.only.Of(r.tar.Entries())
	if c := tree.Compare(want, got, tree.Options{Lost: made.Lost, Most: 1}); len(c.First) > 0 {
		d := c.First[0]
		return out, fmt.Errorf("restore %s: what is in %s is not what was put there: %s: %s is %q and was %q, and %d differences in all", s.Backup,
			l.set.Path, d.Path, d.What, d.Now, d.Was, sum(c.Counts))
	}
	out.Told, out.Part = r.Told, r.part
	out.Tree = &tree.Restored{Folder: l.set.Path, Entries: got, Lost: made.Lost, Lists: r.lists, Only: r.only, Nameless: r.tar.Nameless.Count,
		Relabelled: r.tar.Relabelled.Count, Rootless: !slices.ContainsFunc(want, func(e tree.Entry) bool { return e.Path == tree.Root })}
	return out, nil
}

func sum(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// pour reads the backup here and has it unpacked there. What is wrong with the backup comes first: there it is only seen by half.
func (r *reading) pour(ctx context.Context, to instance.TreeHolder, folder string) (made tree.Made, got []tree.Entry, err error) {
	pr, pw := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		var failed error
		made, got, failed = to.PutTree(ctx, folder, pr)
		pr.CloseWithError(errGivenUp)
		ended <- failed
	}()
	buffered := bufio.NewWriterSize(pw, dump.PieceSize)
	out := &outlet{to: buffered}
	err = r.whole(out)
	if err == nil && !out.failed {
		out.failed = buffered.Flush() != nil
	}
	pw.CloseWithError(err) // nil is the end; else half a tree must not look whole
	failed := <-ended
	if err == nil && failed != nil { // what this side found whole was broken on the way
		err = fmt.Errorf("unpack it: %s", failed.Error())
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	if err == nil && out.failed {
		err = errors.New("its tree was not taken to its end")
	}
	if made.Removed > 0 {
		r.Note("%d names that were in %s before are gone", made.Removed, folder)
	}
	for _, what := range sorted(made.Lost) {
		if what != tree.LostDevice { // the tar has said it
			r.Note("this host did not take %s of %d paths, %s first", what, len(made.Lost[what]), strconv.Quote(made.Lost[what][0]))
		}
	}
	return made, got, err
}

func sorted(lost map[string][]string) []string {
	var all []string
	for what := range lost {
		all = append(all, what)
	}
	slices.Sort(all)
	return all
}

var errGivenUp = errors.New("nobody reads on")

// outlet passes bytes on until nobody takes them: the backup is read to its end all the same.
type outlet struct {
	to     io.Writer
	failed bool
}

func (o *outlet) Write(p []byte) (int, error) {
	if !o.failed {
		if _, err := o.to.Write(p); err != nil {
			o.failed = true
		}
	}
	return len(p), nil
}
