package dump

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
)

// machine runs commands as it is told.
type machine struct {
	instance.Machine
	run func(ctx context.Context, c instance.Command) (instance.Result, error)
}

func (machine) Name() string { return "db" }

func (m machine) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	return m.run(ctx, c)
}

// runner of a loader that takes every exit code but 0 for the backup's fault.
func runner(run func(ctx context.Context, c instance.Command) (instance.Result, error)) *Runner {
	return &Runner{Machine: machine{run: run}, Stall: 30 * time.Minute, Stop: func() {}, Abandon: func(context.Context) {},
		Activity: func(context.Context) (Activity, error) { return Activity{}, errors.New("nobody there") },
		Result: func(_ instance.Command, r instance.Result) error {
			if r.Exit != 0 {
				return &restore.BackupError{Backup: "shop", Reason: FirstError(r)}
			}
			return nil
		},
		Explained: func(err error) bool { return err != nil }}
}

func TestLoadThatStandsStill(t *testing.T) {
	for name, test := range map[string]struct {
		feed func(out io.Writer) error
		took time.Duration
	}{
		"from the beginning": {func(io.Writer) error { return nil }, 30 * time.Minute},
		"after an hour of slow bytes": {func(out io.Writer) error {
			for range 60 {
				time.Sleep(time.Minute)
				if _, err := out.Write(make([]byte, 2*PieceSize)); err != nil {
					return err
				}
			}
			return nil
		}, 90 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopped, abandoned := false, false
				r := runner(func(ctx context.Context, c instance.Command) (instance.Result, error) {
					go func() { _, _ = io.Copy(io.Discard, c.Stdin) }() // it takes what it gets, and does nothing more
					<-ctx.Done()
					return instance.Result{}, ctx.Err()
				})
				r.Stop, r.Abandon = func() { stopped = true }, func(context.Context) { abandoned = true }
				began := time.Now()
				err := r.Pour(t.Context(), instance.Command{Args: []string{"mysql"}}, test.feed)
				var bad *restore.BackupError
				require.ErrorContains(t, err, "the load stands still: for 30m0s mysql took no byte of the backup")
				assert.NotErrorAs(t, err, &bad, "it cannot be known to be the backup's fault")
				assert.NotErrorIs(t, err, context.Canceled, "it was no interruption")
				assert.InDelta(t, test.took.Seconds(), time.Since(began).Seconds(), 60)
				assert.True(t, stopped && abandoned)
			})
		})
	}
}

// A server that works on while it takes nothing does not stand still.
func TestLoadThatIndexes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner(func(context.Context, instance.Command) (instance.Result, error) {
			time.Sleep(5 * time.Hour)
			return instance.Result{}, nil
		})
		r.Activity = func(context.Context) (Activity, error) { return Activity{Mark: time.Now().String()}, nil }
		assert.NoError(t, r.Exec(t.Context(), instance.Command{Args: []string{"mysql"}}))
	})
}

// What is wrong with the backup's bytes comes before what the program made of them; a program that has ended well is no
// reason to leave the rest unread.
func TestPour(t *testing.T) {
	damage := &Damage{Reason: "it is cut off"}
	for name, test := range map[string]struct {
		exit int
		take int64
		read error
		want string
	}{
		"good":                          {want: ""},
		"the program wants no more":     {take: 1},
		"damage":                        {read: damage, want: "it is cut off"},
		"damage, and the program fails": {exit: 1, read: damage, want: "it is cut off"},
		"the program fails":             {exit: 1, want: "restore shop: mysql: ERROR 1064"},
	} {
		t.Run(name, func(t *testing.T) {
			read := 0
			err := runner(func(_ context.Context, c instance.Command) (instance.Result, error) {
				in := c.Stdin
				if test.take > 0 {
					in = io.LimitReader(in, test.take)
				}
				_, _ = io.Copy(io.Discard, in)
				return instance.Result{Exit: test.exit, Stderr: "mysql: ERROR 1064\n"}, nil
			}).Pour(t.Context(), instance.Command{Args: []string{"mysql"}}, func(out io.Writer) error {
				for range 4 {
					n, err := out.Write(make([]byte, PieceSize))
					if read += n; err != nil {
						return err
					}
				}
				return test.read
			})
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.want)
			}
			assert.Equal(t, 4*PieceSize, read)
		})
	}
}

func TestStaged(t *testing.T) {
	var ran []string
	full := errors.New("no room")
	err := runner(func(_ context.Context, c instance.Command) (instance.Result, error) {
		ran = append(ran, strings.Join(c.Args, " "))
		return instance.Result{}, nil
	}).Staged(t.Context(), "/srv", func(folder string) error {
		ran = append(ran, "in "+folder)
		return full
	})
	assert.ErrorIs(t, err, full)
	assert.Equal(t, []string{"rm -rf /srv/restore", "mkdir -p -m 0755 /srv/restore", "in /srv/restore", "rm -rf /srv/restore"}, ran)
}

func TestFailureTellsWhoseFault(t *testing.T) {
	words := Words{Backups: []string{"ERROR 1064"}, Images: []string{"Unknown collation"}, Hosts: []string{"gone away"}}
	for name, test := range map[string]struct {
		exit   int
		stderr string
		want   Owner
	}{
		"its statements":        {1, "ERROR 1064 at line 1", Backups},
		"an older server":       {1, "ERROR 1273: Unknown collation", Images},
		"no such program":       {exitNotFound, "", Images},
		"killed":                {exitSignal + 9, "ERROR 1064 at line 1", Hosts},
		"no room":               {1, "No space left on device", Hosts},
		"a server that went":    {1, "MySQL server has gone away", Hosts},
		"nothing that is known": {1, "the moon is full", Nobodys},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := words.Failure("shop", "mysql", instance.Result{Exit: test.exit, Stderr: test.stderr})
			assert.Equal(t, test.want, got)
			var bad *restore.BackupError
			var image *restore.ImageError
			assert.Equal(t, got == Backups, errors.As(err, &bad))
			assert.Equal(t, got == Images, errors.As(err, &image))
			assert.True(t, slices.Contains([]Owner{Backups, Images, Hosts}, got) || strings.Contains(err.Error(), "may be the fault of"))
		})
	}
}
