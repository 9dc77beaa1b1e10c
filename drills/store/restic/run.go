package restic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
)

// visit is a room in which restic reads the repository, and what is seen of that meanwhile.
type visit struct {
	store.Room
	s      *Store
	of     files
	outer  context.Context
	ctx    context.Context // of the visit: ends once what was seen decides
	cancel context.CancelCauseFunc
	seen   *server
	before map[string]bool // names of indexes when it began
}

// enter makes a room. That there is no repository at all is said before.
func (s *Store) enter(ctx context.Context) (*visit, error) {
	v := &visit{s: s, of: s.of, outer: ctx}
	before, err := names(ctx, v.of, index)
	if err == nil && len(before) == 0 || errors.Is(err, fs.ErrNotExist) {
		err = s.empty(ctx, err)
	}
	if err != nil {
		return nil, s.unread(err)
	}
	v.before = before
	v.ctx, v.cancel = context.WithCancelCause(ctx)
	v.seen = newServer(v.of, v.cancel)
	if v.Room, err = s.run.Room(ctx, store.RoomRequest{Image: s.set.Image, Serve: v.seen}); err != nil {
		v.cancel(err)
		return nil, s.problem("", "run restic: %v", err)
	}
	return v, nil
}

// empty tells whether what has no index is a repository all the same: one whose indexes are gone, or in which nothing is yet.
func (s *Store) empty(ctx context.Context, none error) error {
	body, _, err := s.of.open(ctx, config, "", 0, 0)
	if err == nil {
		return body.Close()
	}
	if keys, e := names(ctx, s.of, keys); e == nil && len(keys) > 0 {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return s.problem("in it lie config, data, index, keys and snapshots: look at path: or in:", "there is no restic repository in %s", s.name)
	}
	return errors.Join(none, err)
}

// unread says that the repository could not be asked.
func (s *Store) unread(err error) error {
	if problem, ok := errors.AsType[*store.Problem](err); ok {
		return problem
	}
	return s.problem("", "%v", err)
}

// Close implements io.Closer.
func (v *visit) Close() error {
	v.cancel(context.Canceled)
	return v.Room.Close()
}

func names(ctx context.Context, of files, kind string) (map[string]bool, error) {
	all, err := of.list(ctx, kind)
	set := map[string]bool{}
	for _, f := range all {
		set[f.name] = true
	}
	return set, err
}

// restic runs one command of it. The password goes through its standard input: it stands in no list of processes and in no environment.
func (v *visit) restic(point string, out io.Writer, words ...string) error {
	said, err := v.run(out, words...)
	return v.judge(point, err, said)
}

// run is restic without a judgement of its end.
func (v *visit) run(out io.Writer, words ...string) (said string, ended error) {
	password, err := v.s.set.Password.Reveal()
	if err != nil {
		return "", v.s.problem("", "%v", err)
	}
	var tail repository.Tail
	args := append([]string{"restic", "--repo", "rest:" + store.RoomURL, "--no-lock", "--no-cache", "--quiet"}, words...)
	err = v.Run(v.ctx, store.Tool{Args: args, Env: map[string]string{"HOME": store.RoomVolume, "TMPDIR": "/tmp"},
		Stdin: strings.NewReader(password + "\n"), Stdout: out, Stderr: &tail})
	return tail.String(), err
}

// Words of restic that prove a repository bad, whatever its version: what it read is not what was written. The rest of them are its own affair.
var proofs = regexp.MustCompile(`(?m)^.*(ciphertext verification failed|not found in repository|invalid data returned|wrong hash|hash mismatch|` +
	`is damaged|unable to load (tree|blob)|decrypting blob|decompression failed).*$`)

// Codes that restic ends with since 0.17; before that 1 is all of them.
const (
	exitWrongPassword = 12
	codesSince        = 17
)

// judge says what the end of a run means: what the server saw comes first, then words that prove something. Anything else is no word on the
// backup.
func (v *visit) judge(point string, ended error, said string) error {
	refused, trouble := v.seen.otherwise()
	if trouble != nil {
		return v.s.unread(trouble)
	}
	if bad := v.seen.bad(point); bad != nil && (ended != nil || v.ctx.Err() != nil) {
		return v.unlessChanged(bad)
	}
	var exit *store.ExitError
	switch {
	case ended == nil:
		return nil
	case errors.As(ended, new(*store.Problem)):
		return ended
	case !errors.As(ended, &exit):
		return v.s.problem("", "run restic: %v", ended)
	case refused != "":
		return v.s.problem("", "%s wanted to write (%s), and was not allowed to", v.s.Version(), refused)
	case strings.Contains(said, "wrong password or no key found"), exit.Code == exitWrongPassword && v.s.codes():
		return v.s.problem("give the repository's password under password: {env: NAME}", "%s says that this password opens none of its keys", v.s.Version())
	case strings.Contains(said, "no matching ID found"), strings.Contains(said, "no snapshot found"):
		return fmt.Errorf("fetch %s: %w", point, store.ErrNoPoint)
	}
	if bad := v.damaged(point); bad != nil {
		return v.unlessChanged(bad)
	}
	if line := strings.TrimSpace(proofs.FindString(said)); line != "" {
		return v.unlessChanged(&store.Mismatch{Point: point, What: fmt.Sprintf("%s cannot read it: %s", v.s.Version(), line)})
	}
	return v.s.problem("run the same restic by hand", "%s ended with exit code %d: %s", v.s.Version(), exit.Code, last(said))
}

// damaged finds a pack that is not what its name promises among those that restic read, whatever its words for that are.
func (v *visit) damaged(point string) error {
	for _, name := range slices.Sorted(maps.Keys(v.seen.given)) {
		if is, err := whole(v.outer, v.of, name); err == nil && !is {
			return &store.Mismatch{Point: point, What: fmt.Sprintf("%s/%s of its repository is damaged: its content is not what its name promises", packs, name)}
		}
	}
	return nil
}

// unlessChanged is what was found, unless somebody removed indexes meanwhile: then the repository was being pruned, and what is missing may
// have been moved.
func (v *visit) unlessChanged(bad error) error {
	now, err := names(v.outer, v.of, index)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v.s.unread(err)
	}
	for name := range v.before {
		if !now[name] {
			return v.s.problem("drill it when nobody prunes it", "it was changed while it was read: index/%s is gone", name)
		}
	}
	return bad
}

// last line of what a program said, or the one in which it says why it gave up.
func last(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "Fatal: ") || strings.HasPrefix(line, "panic: ") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// Version is what restic says that it is; "restic" before it was asked.
func (s *Store) Version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version == "" {
		return "restic"
	}
	return s.version
}

var versionWords = regexp.MustCompile(`^restic (\d+)\.(\d+)\S*`)

// codes tells whether exit codes above 1 mean what restic's manual says.
func (s *Store) codes() bool { return s.since(0, codesSince) }

// since tells whether it is that version or a later one.
func (s *Store) since(major, minor int) bool {
	m := versionWords.FindStringSubmatch(s.Version())
	if m == nil {
		return false
	}
	first, _ := strconv.Atoi(m[1]) // both are digits
	second, _ := strconv.Atoi(m[2])
	return first > major || first == major && second >= minor
}

// ask restic what it is, once.
func (v *visit) askVersion() error {
	if v.s.Version() != "restic" {
		return nil
	}
	var out, said bytes.Buffer
	if err := v.Run(v.ctx, store.Tool{Args: []string{"restic", "version"}, Stdout: &out, Stderr: &said}); err != nil {
		return v.s.problem("name an image that holds restic", "run restic of image %s: %v %s", v.s.set.Image, err, last(said.String()))
	}
	m := versionWords.FindString(out.String())
	if m == "" {
		return v.s.problem("name an image that holds restic", "what is restic in image %s does not say its version", v.s.set.Image)
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.version = m
	return nil
}

// overhead is what restic adds to all that it encrypts, bytes: its "Design", Crypto. A file of no more holds nothing.
const overhead = 32

// config looks at the length of the repository's config, which no name promises.
func (s *server) config(kind string, is file) {
	if kind == config && is.size >= 0 && is.size <= overhead {
		s.note(func() { s.damaged[config] = append(s.damaged[config], is) })
		s.stop(errSeen)
	}
}
