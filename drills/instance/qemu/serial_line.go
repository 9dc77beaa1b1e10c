package qemu

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"lifeboat/internal/lazy"
)

// serialLine is a shell on the other end of a serial console. It reads lines and evaluates them; what it says to us
// begins with a mark that nobody else knows.
type serialLine struct {
	c    net.Conn
	text []byte // received and not yet understood
	mark string
	n    int // of the latest command
}

// lineError: the session cannot be used any more.
type lineError struct{ err error }

func (e *lineError) Error() string { return "serial console: " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

var (
	// kernelLines fall between anything, also within a line; nothing else on the line has such a stamp.
	kernelLines = lazy.Regexp(`\[ *\d+\.\d+\] [^\n]*\n`)
	promptLogin = regexp.MustCompile(`(?:^|\s)login: ?$`)
	promptWord  = regexp.MustCompile(`(?i)password: ?$`)
	promptShell = regexp.MustCompile(`[#$%>] ?$`)
	promptNo    = regexp.MustCompile(`(?i)login incorrect|authentication failure|permission denied|` +
		`account .*(?:locked|expired)`)
)

func newSerialLine(c net.Conn) *serialLine {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails (Go 1.24)
	return &serialLine{c: c, mark: "lb" + hex.EncodeToString(random)}
}

// await reads until want finds something, and returns what it found. Everything up to it is forgotten.
func (l *serialLine) await(ctx context.Context, limit time.Duration, want func(text string) (found []string, end int)) (
	[]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSilent)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = l.c.SetReadDeadline(time.Time{})
	part := make([]byte, 8<<10)
	for {
		if found, end := want(string(l.text)); end > 0 {
			l.text = l.text[end:]
			return found, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n, err := l.c.Read(part)
		l.text = kernelLines().ReplaceAll(append(l.text, part[:n]...), nil)
		if err != nil && ctx.Err() == nil {
			return nil, &lineError{err}
		}
		const most = 16 * serialMost
		l.text = l.text[max(0, len(l.text)-most):]
	}
}

var errSilent = errors.New("nobody answers on it")

func (l *serialLine) send(s string) error {
	_ = l.c.SetWriteDeadline(time.Now().Add(serialSilent))
	if _, err := l.c.Write([]byte(s)); err != nil {
		return &lineError{err}
	}
	return nil
}

// prompt waits until the last thing on the console is one of the prompts, and tells which.
func (l *serialLine) prompt(ctx context.Context, limit time.Duration, prompts ...*regexp.Regexp) (int, error) {
	which := -1
	_, err := l.await(ctx, limit, func(text string) ([]string, int) {
		lines := plainLines(text)
		if len(lines) == 0 {
			return nil, 0
		}
		for i, p := range prompts {
			if p == promptNo && p.MatchString(strings.Join(lines, "\n")) || p.MatchString(lines[len(lines)-1]) {
				which = i
				return nil, len(text)
			}
		}
		return nil, 0
	})
	return which, err
}

// logIn leads from a prompt for a login to a shell that obeys.
func (l *serialLine) logIn(ctx context.Context, user, password string) error {
	const endOfFile = "\x04" // ends a shell that somebody left there
	for _, key := range []string{"\r", endOfFile, "\r"} {
		if err := l.send(key); err != nil {
			return err
		}
		_, err := l.prompt(ctx, serialSilent/2, promptLogin)
		if err == nil {
			break
		}
		if !errors.Is(err, errSilent) {
			return err
		}
	}
	if err := l.send(user + "\r"); err != nil {
		return err
	}
	which, err := l.prompt(ctx, serialSilent, promptWord, promptShell)
	if err == nil && which == 0 {
		if err = l.send(password + "\r"); err == nil {
			which, err = l.prompt(ctx, serialLogin, promptNo, promptLogin, promptShell)
			if err == nil && which < 2 {
				return fmt.Errorf("it does not let %s in with this password", user)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("log in as %s: %w", user, err)
	}
	return l.obey(ctx)
}

// obey makes the login shell one that evaluates lines in silence. The mark is sent in two halves: an echo of this is
// no answer.
func (l *serialLine) obey(ctx context.Context) error {
	const half = 16
	first := fmt.Sprintf(` stty -echo; exec /bin/sh -c 'while IFS= read -r l; do eval "$l"; done'`+"\r"+
		`tell() { printf '\n%%s%%s %%s\n' %s %s "$*"; }; M=; for p in base64 sha256sum mktemp; do `+
		`command -v $p >/dev/null || M=$p; done; S=; command -v setsid >/dev/null && S=setsid; umask 077; `+
		`for d in /dev/shm /run /tmp; do D=$(mktemp -d $d/lifeboat.XXXXXX 2>/dev/null) && break; done; tell ready $M`+"\n",
		l.mark[:half], l.mark[half:])
	if err := l.send(first); err != nil {
		return err
	}
	_, missing, err := l.told(ctx, serialSilent, "ready")
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("the guest has no %s", missing[0])
	}
	if err != nil {
		return fmt.Errorf("use its shell: %w", err)
	}
	return nil
}

// told waits for a line of the shell to us that begins with one of these, and returns which and its other words.
func (l *serialLine) told(ctx context.Context, limit time.Duration, begins ...string) (which int, words []string,
	err error) {
	words, err = l.await(ctx, limit, func(text string) ([]string, int) {
		at := -1
		for i, begin := range begins {
			if n := strings.Index(text, l.mark+" "+begin); n >= 0 && (at < 0 || n < at) {
				at, which = n, i
			}
		}
		if at < 0 {
			return nil, 0
		}
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return nil, 0
		}
		return strings.Fields(text[at+len(l.mark+" "+begins[which]) : at+end]), at + end + 1
	})
	return which, words, err
}
