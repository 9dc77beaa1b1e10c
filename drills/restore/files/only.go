package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/internal/tarend"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
)

// paths says what is wrong with the names of parts of a tree.
func paths(s scenarios.Settings, only scenarios.Only) (all []scenarios.Problem) {
	for _, name := range only {
		if path.IsAbs(name) || path.Clean(name) != name || name == tree.Root || strings.HasPrefix(name, "..") {
			all = append(all, s.Problem("only", "write it as it stands in the tree: images or conf/app.ini", "%q is no path within a tree", scenarios.Clip(name)))
		}
	}
	return all
}

// gate passes on the members of a tar that are wanted. It has to be told where one ends and the next is decided on.
type gate struct {
	to     io.Writer
	n      int64        // bytes that came
	until  int64        // up to which they are of the member that was decided on
	passes bool         // it is wanted
	held   bytes.Buffer // of the next one's header
}

// Write implements io.Writer.
func (g *gate) Write(p []byte) (int, error) {
	old := min(int64(len(p)), max(0, g.until-g.n))
	g.n += int64(len(p))
	if g.passes {
		if _, err := g.to.Write(p[:old]); err != nil {
			return 0, err
		}
	}
	if g.held.Len() < mostHeader {
		g.held.Write(p[old:])
	}
	return len(p), nil
}

// mostHeader bounds what is held: more are the zeros of a file that was never filled, which is bad anyway. bytes
const mostHeader = 16 << 20

// ends is called when all of a member's content was read: what stands behind it in its last block goes with it.
func (g *gate) ends() { g.until = (g.n + tarend.Block - 1) / tarend.Block * tarend.Block }

// decides is called when the next member's header was read.
func (g *gate) decides(passes bool) error {
	if g.passes = passes; passes {
		if _, err := g.held.WriteTo(g.to); err != nil {
			return err
		}
	}
	g.held.Reset()
	g.until = 1<<63 - 1
	return nil
}

// chosen reads the next member and decides whether it is passed on.
func (r *reading) chosen() (tree.Entry, error) {
	if r.gate == nil {
		return r.tar.Next()
	}
	if r.tar.Members() > 0 {
		if _, err := io.Copy(io.Discard, onlyReader{r.tar}); err != nil {
			return tree.Entry{}, err
		}
	}
	r.gate.ends()
	e, err := r.tar.Next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return e, errors.Join(r.gate.decides(true), err)
		}
		return e, err
	}
	keeps := r.only.Keeps(e)
	if keeps && e.Same != "" && !r.only.Takes(e.Same) {
		return e, r.lacks("%q is another name of %q, which restore.only leaves out: name that, too", e.Path, e.Same)
	}
	return e, r.gate.decides(keeps)
}

type onlyReader struct{ io.Reader }

func (r *reading) lacks(format string, args ...any) error {
	return &restore.LackError{Backup: r.backup, Lack: record.LackPart, What: fmt.Sprintf(format, args...)}
}

// partly judges what was taken out of a tree that was read to its end, and says what was left out.
func (r *reading) partly(all []tree.Entry) error {
	if len(r.only) == 0 {
		return nil
	}
	for _, name := range r.only {
		if slices.ContainsFunc(all, func(e tree.Entry) bool { return tree.Pick{name}.Takes(e.Path) }) {
			continue
		}
		var beside []string
		for _, e := range all {
			if path.Dir(e.Path) == path.Dir(name) && e.Path != tree.Root {
				beside = append(beside, e.Path)
			}
		}
		hint := scenarios.Nearest(name, beside, "beside it are ")
		if hint != "" {
			hint = " (" + scenarios.Clip(hint) + ")"
		}
		return r.lacks("it does not hold %s, which restore.only names%s", name, hint)
	}
	if why := tree.Sum(r.only.Of(all)).Empty(); why != "" {
		return r.lacks("what restore.only names of it proves nothing: %s", why)
	}
	left := r.only.Left(all)
	if len(left) == 0 {
		return nil
	}
	r.part = &record.Part{Only: strings.Join(r.only, ", "), Left: few(left)}
	r.Note("only %s of its tree was restored: nothing is known of %s", r.part.Only, r.part.Left)
	return nil
}

func few(names []string) string {
	const most = 5
	var all []string
	for _, name := range names[:min(most, len(names))] {
		if !strconv.CanBackquote(name) {
			name = strconv.Quote(name)
		}
		all = append(all, name)
	}
	if len(names) > most {
		return strings.Join(all, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(all, ", ")
}

// vacant proves that nothing lies where a part is restored to, but what this backup brought there before.
func (l *Loader) vacant(ctx context.Context, s restore.Source, holder instance.TreeHolder, m instance.Machine) error {
	if len(l.set.Only) == 0 {
		return nil
	}
	on := m.Name()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.filled[on] {
		return nil
	}
	there, err := holder.Tree(ctx, l.set.Path)
	if err != nil {
		return fmt.Errorf("restore %s: look whether its place is empty: %w", s.Backup, err)
	}
	for _, e := range there {
		if tree.Pick(l.set.Only).Takes(e.Path) {
			return &restore.LackError{Backup: s.Backup, Lack: record.LackOccupied, What: fmt.Sprintf("%s is there already on %s, and restore.only would put a part of "+
				"the backup in its place", path.Join(l.set.Path, e.Path), on)}
		}
	}
	if l.filled == nil {
		l.filled = map[string]bool{}
	}
	l.filled[on] = true
	return nil
}
