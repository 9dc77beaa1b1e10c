package borg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
)

// visit is a room in which borg reads the repository.
type visit struct {
	store.Room
	s       *Store
	ctx     context.Context
	stop    context.CancelFunc
	state   []string  // names at the repository's top, which every transaction changes
	written time.Time // of the newest of them
	shadow  string    // folder in which borg finds the repository, where it must write to it; "": not needed so far
}

// enter makes a room. That there is no repository at all is said before.
func (s *Store) enter(ctx context.Context) (*visit, error) {
	v := &visit{s: s}
	info, err := os.Stat(filepath.Join(s.path, "data"))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return nil, s.problem("path is the folder in which config and data lie", "there is no borg repository in %s", s.path)
	case err == nil:
		v.state, v.written, err = s.names()
	}
	if err != nil {
		return nil, s.problem("", "%v", err)
	}
	v.ctx, v.stop = context.WithCancel(ctx)
	if v.Room, err = s.run.Room(ctx, store.RoomRequest{Image: s.set.Image, Mount: s.path}); err != nil {
		v.stop()
		return nil, s.problem("", "run borg: %v", err)
	}
	return v, nil
}

// Close implements io.Closer.
func (v *visit) Close() error {
	v.stop()
	return v.Room.Close()
}

func (s *Store) names() (all []string, newest time.Time, err error) {
	found, err := os.ReadDir(s.path)
	for _, d := range found {
		if strings.HasPrefix(d.Name(), "lock.") {
			continue
		}
		all = append(all, d.Name())
		if info, err := d.Info(); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return all, newest, err
}

// borg runs one command of it. The passphrase goes through its standard input: it stands in no list of processes and in no environment.
func (v *visit) borg(point string, out io.Writer, command string, words ...string) error {
	said, err := v.run(out, command, words...)
	if err != nil && v.shadow == "" && strings.Contains(said, writes) { // before it has given anything
		if err := v.cast(); err != nil {
			return err
		}
		said, err = v.run(out, command, words...)
	}
	return v.judge(point, err, said)
}

// writes is what borg says where it makes an index or hints again that are missing or damaged, and cannot keep them.
const writes = "Read-only file system: '" + store.RoomMount

// run is borg without a judgement of its end.
func (v *visit) run(out io.Writer, command string, words ...string) (said string, ended error) {
	// What it asks of people otherwise: this host has not seen the repository before, wherever it lies now. Exit codes are those of all versions.
	env := map[string]string{"BORG_BASE_DIR": "/tmp/borg", "TMPDIR": "/tmp", "TZ": "UTC", "LC_ALL": "C.UTF-8", "BORG_EXIT_CODES": "legacy",
		"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
	var in io.Reader
	if !v.s.set.Password.IsZero() {
		password, err := v.s.set.Password.Reveal()
		if err != nil {
			return "", v.s.problem("", "%v", err)
		}
		env["BORG_PASSPHRASE_FD"], in = "0", strings.NewReader(password+"\n")
	}
	words = slices.Clone(words)
	for i, w := range words {
		if rest, is := strings.CutPrefix(w, store.RoomMount); is && v.shadow != "" {
			words[i] = v.shadow + rest
		}
	}
	tail := &repository.Tail{}
	err := v.Run(v.ctx, store.Tool{Args: append([]string{"borg", command, "--bypass-lock"}, words...), Env: env, Dir: store.RoomVolume,
		Stdin: in, Stdout: out, Stderr: tail})
	return tail.String(), err
}

// Words of borg that prove a repository bad: what it read is not what was written.
var proofs = regexp.MustCompile(`(?m)^.*(Data integrity error|Inconsistency detected|Integrity check|integrity check|checksum mismatch|` +
	`does not have a valid configuration|No key entry found in the config|` +
	`ObjectNotFound|Object with key .* not found|[Cc]hunk .* (missing|not found)|Corrupted|is not a valid repository|IntegrityError).*$`)

// missing is a file of the repository that borg looked for.
var missing = regexp.MustCompile(`No such file or directory: '/[^']*/(data/\d+/\d+|config)'`)

// exceptions are what a borg says that did not know what to say.
var exceptions = regexp.MustCompile(`(?m)^[\w.]+(Error|Exception)\b.*$`)

// exitError is a borg that could not do what it was asked; 1 is a warning, as of a file that was not restored as it was.
const exitError = 2

// judge says what the end of a run means. Anything but a proof is no word on the backup.
func (v *visit) judge(point string, ended error, said string) error {
	var exit *store.ExitError
	switch {
	case ended == nil:
		return nil
	case errors.As(ended, new(*store.Problem)):
		return ended
	case !errors.As(ended, &exit):
		return v.s.problem("", "run borg: %v", ended)
	case strings.Contains(said, "passphrase supplied in"):
		return v.s.problem("give the repository's passphrase under password: {env: NAME}", "borg says that this passphrase does not open it")
	case strings.Contains(said, "does not exist") && strings.Contains(said, "Archive "):
		return fmt.Errorf("fetch %s: %w", point, store.ErrNoPoint)
	}
	if exit.Code == exitError {
		if m := missing.FindStringSubmatch(said); m != nil {
			if _, err := os.Stat(filepath.Join(v.s.path, m[1])); errors.Is(err, fs.ErrNotExist) {
				return v.unlessChanged(&store.Mismatch{Point: point, What: fmt.Sprintf("%s of its repository is missing", m[1])})
			}
		}
		if line := proofs.FindString(said); line != "" {
			return v.unlessChanged(&store.Mismatch{Point: point, What: fmt.Sprintf("borg cannot read it: %s", strings.TrimSpace(line))})
		}
	}
	why := cmp.Or(exceptions.FindString(said), repository.First(said))
	return v.s.problem("run the same borg by hand", "borg ended with exit code %d: %s", exit.Code, why)
}

// unlessChanged is what was found, unless somebody wrote to the repository meanwhile: then what is missing may have been moved.
func (v *visit) unlessChanged(bad error) error {
	now, _, err := v.s.names()
	switch {
	case err != nil:
		return v.s.problem("", "%v", err)
	case !slices.Equal(now, v.state):
		return v.s.problem("drill it when nobody writes to it", "it was changed while it was read")
	}
	return bad
}
