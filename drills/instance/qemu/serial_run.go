package qemu

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
)

// upload makes a file of the session's folder.
func (l *serialLine) upload(ctx context.Context, name string, content []byte) error {
	all := base64.StdEncoding.EncodeToString(content)
	if err := l.send(": >$D/b\n"); err != nil {
		return err
	}
	for i := 0; len(all) > 0; i++ {
		n := min(len(all), serialPiece)
		if err := l.send("printf %s " + all[:n] + " >>$D/b\n"); err != nil {
			return err
		}
		if all = all[n:]; i%serialAhead == serialAhead-1 {
			if err := l.confirm(ctx); err != nil {
				return err
			}
		}
	}
	sum := sha256.Sum256(content)
	if err := l.send("base64 -d <$D/b >$D/" + name + "; tell sum $(sha256sum <$D/" + name + ")\n"); err != nil {
		return err
	}
	_, got, err := l.told(ctx, serialSilent, "sum")
	if err == nil && (len(got) == 0 || got[0] != hex.EncodeToString(sum[:])) {
		return &lineError{errors.New("what was sent arrived otherwise")}
	}
	return silent(err)
}

// confirm waits until the shell has read everything.
func (l *serialLine) confirm(ctx context.Context) error {
	l.n++
	if err := l.send(fmt.Sprintf("tell here %d.\n", l.n)); err != nil {
		return err
	}
	_, _, err := l.told(ctx, serialSilent, "here "+strconv.Itoa(l.n)+".")
	return silent(err)
}

// silent: a shell that does not answer at once is lost.
func silent(err error) error {
	if err == nil || errors.As(err, new(*lineError)) {
		return err
	}
	return &lineError{err}
}

// run runs a line of shell in a session of its own, so that the shell goes on listening.
func (l *serialLine) run(ctx context.Context, command string, input []byte) (instance.Result, error) {
	if err := errors.Join(l.upload(ctx, "c", []byte(command+"\n")), l.upload(ctx, "i", input)); err != nil {
		return instance.Result{}, err
	}
	l.n++
	id := strconv.Itoa(l.n) + "."
	if err := l.send(`rm -f $D/p; ( $S /bin/sh -c 'echo $$ >"$0/p"; . "$0/c"' $D <$D/i >$D/o 2>$D/e; ` +
		`tell end ` + id + ` $? $(wc -c <$D/o) $(wc -c <$D/e) $(cat $D/o $D/e | sha256sum) ) & ` + "\n"); err != nil {
		return instance.Result{}, err
	}
	words, err := l.ended(ctx, id)
	if err != nil {
		return instance.Result{}, err
	}
	const wanted = 4
	var numbers [wanted - 1]int
	for i := range numbers {
		if len(words) < wanted {
			return instance.Result{}, &lineError{fmt.Errorf("it says %q of a command", words)}
		}
		if numbers[i], err = strconv.Atoi(words[i]); err != nil {
			return instance.Result{}, &lineError{err}
		}
	}
	if numbers[1]+numbers[2] > serialMost {
		return instance.Result{}, fmt.Errorf("its output has %d bytes; the serial console carries %d",
			numbers[1]+numbers[2], serialMost)
	}
	out, err := l.fetch(ctx, words[3])
	if err != nil {
		return instance.Result{}, err
	}
	if len(out) != numbers[1]+numbers[2] {
		return instance.Result{}, &lineError{errors.New("the lengths of its outputs do not fit")}
	}
	return instance.Result{Exit: numbers[0], Stdout: string(out[:numbers[1]]), Stderr: string(out[numbers[1]:])}, nil
}

// ended waits for the end of a command, and asks now and then whether the shell is still there. A command whose caller
// went away is killed.
func (l *serialLine) ended(ctx context.Context, id string) ([]string, error) {
	wait, beat := []string{"end " + id}, serialSilent
	for {
		which, words, err := l.told(ctx, beat, wait...)
		switch {
		case err == nil && which == 0:
			return words, nil
		case err == nil: // it is there
			wait = wait[:1]
		case ctx.Err() != nil:
			return nil, l.kill(ctx, id)
		case errors.Is(err, errSilent) && len(wait) == 1:
			l.n++
			here := strconv.Itoa(l.n) + "."
			if err := l.send("tell here " + here + "\n"); err != nil {
				return nil, err
			}
			wait = append(wait, "here "+here)
		default:
			return nil, silent(err)
		}
	}
}

// kill ends a command whose caller went away: half a command must not go on.
func (l *serialLine) kill(gone context.Context, id string) error {
	if err := l.send("P=$(cat $D/p); kill -KILL -$P 2>/dev/null || kill -KILL $P\n"); err != nil {
		return err
	}
	if _, _, err := l.told(context.WithoutCancel(gone), serialSilent, "end "+id); err != nil {
		return silent(err)
	}
	return context.Cause(gone)
}

// fetch gets the outputs of the latest command; sum is their SHA-256. What kernel messages damaged is asked for again.
func (l *serialLine) fetch(ctx context.Context, sum string) ([]byte, error) {
	const tries = 3
	for range tries {
		l.n++
		id := strconv.Itoa(l.n) + "."
		if err := l.send("tell out " + id + "; cat $D/o $D/e | base64; tell done " + id + "\n"); err != nil {
			return nil, err
		}
		if _, _, err := l.told(ctx, serialSilent, "out "+id); err != nil {
			return nil, silent(err)
		}
		end := l.mark + " done " + id
		got, err := l.await(ctx, serialCarry, func(text string) ([]string, int) {
			at := strings.Index(text, end)
			if at < 0 {
				return nil, 0
			}
			return []string{text[:at]}, at + len(end)
		})
		if err != nil {
			return nil, silent(err)
		}
		all := strings.Join(strings.Fields(got[0]), "")
		b, err := base64.StdEncoding.DecodeString(all)
		if is := sha256.Sum256(b); err == nil && hex.EncodeToString(is[:]) == sum {
			return b, nil
		}
	}
	return nil, &lineError{fmt.Errorf("its output did not arrive whole in %d tries", tries)}
}

// detach starts a line of shell and does not wait for its end.
func (l *serialLine) detach(ctx context.Context, command string) error {
	if err := l.upload(ctx, "c", []byte(command+"\n")); err != nil {
		return err
	}
	if err := l.send("c=$(cat $D/c); $S /bin/sh -c \"$c\" >/dev/null 2>&1 </dev/null & \n"); err != nil {
		return err
	}
	return l.confirm(ctx)
}

// leave logs out.
func (l *serialLine) leave() {
	if l.send("rm -rf $D; exit\n") == nil {
		_, _ = l.prompt(context.Background(), serialLeave, promptLogin) // the session ends with the guest at the latest
	}
}
