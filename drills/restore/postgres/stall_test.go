package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
)

// hung is a machine in which a program takes what it gets, and then does nothing until it is ended.
type hung struct{ machine }

func (h *hung) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	go func() { _, _ = io.Copy(io.Discard, c.Stdin) }()
	<-ctx.Done()
	return instance.Result{}, ctx.Err()
}

func (h *hung) Dial(context.Context, int) (net.Conn, error) { return nil, errors.New("nobody there") }

func TestLoadThatStandsStill(t *testing.T) {
	for name, test := range map[string]struct {
		feed func(out io.Writer) error
		took time.Duration
	}{
		"from the beginning": {func(io.Writer) error { return nil }, 30 * time.Minute},
		"after an hour of slow bytes": {func(out io.Writer) error {
			for range 60 {
				time.Sleep(time.Minute)
				if _, err := out.Write(make([]byte, 2*pieceSize)); err != nil {
					return err
				}
			}
			return nil
		}, 90 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				job := &load{Loader: loader(t, settings), machine: &hung{machine{name: "db"}}, server: &server{}, stop: func() {},
					source: restore.Source{Backup: "shop-db"}}
				began := time.Now()
				c, err := job.client("psql")
				require.NoError(t, err)
				err = classify("shop-db", job.pour(t.Context(), c, test.feed))
				var bad *restore.BackupError
				require.ErrorContains(t, err, "the load stands still: for 30m0s psql took no byte of the backup")
				assert.NotErrorAs(t, err, &bad, "it cannot be known to be the backup's fault")
				assert.NotErrorIs(t, err, context.Canceled, "it was no interruption")
				assert.InDelta(t, test.took.Seconds(), time.Since(began).Seconds(), 60)
			})
		})
	}
}
