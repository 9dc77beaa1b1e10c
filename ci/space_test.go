package ci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"lifeboat/internal/needs"
)

// spaceMargin is what the rest of the machine may write or free meanwhile, in bytes; the filler is twice as large.
const spaceMargin = 3 << 30

// A drill is refused where free_disk does not hold from the start, and ends in words, cleaned up and inconclusive, when it
// no longer does: a file that takes no time to make stands for what a restored system writes.
func TestDrillEndsBeforeTheHostIsFull(t *testing.T) {
	t.Parallel()
	room := func(t *testing.T) (*bench, int64) {
		b := onBench(t, "demo")
		var s unix.Statfs_t
		require.NoError(t, unix.Statfs(b.home, &s))
		free := int64(s.Bavail) * s.Bsize
		if free < 4*spaceMargin {
			needs.Skip(t, "it takes 12 GiB of free disk")
		}
		return b, free
	}
	keeping := func(b *bench, bytes int64) string {
		return b.variant("backup-with-config", "trigger: none\n", fmt.Sprintf("trigger: none\nfree_disk: %dMiB\n", bytes>>20))
	}
	t.Run("from the start", func(t *testing.T) {
		b, free := room(t)
		exit, d := b.drill(keeping(b, free+spaceMargin))
		assert.Equal(t, 2, exit)
		assert.Contains(t, d.raw, "MiB that free_disk keeps; free some")
		assert.NoDirExists(t, filepath.Join(b.home, "drills"), "nothing was begun")
	})
	t.Run("in the middle", func(t *testing.T) {
		b, free := room(t)
		running, ended := context.WithCancel(t.Context())
		filled := make(chan error, 1)
		go func() { filled <- b.fillOnceBegun(running) }()
		exit, d := b.drill(keeping(b, free-spaceMargin))
		ended()
		require.NoError(t, <-filled)
		assert.Equal(t, 3, exit)
		assert.Equal(t, "inconclusive", d.Verdict, d.raw)
		assert.Contains(t, d.Why, "the drill was ended before the host is full")
	})
}

// fillOnceBegun takes twice the margin from the home's file system as soon as a drill has a journal, until the test ends.
func (b *bench) fillOnceBegun(ctx context.Context) error {
	path := filepath.Join(b.home, "filler")
	for {
		if begun, err := filepath.Glob(filepath.Join(b.home, "drills", "*", "journal.ndjson")); err != nil || len(begun) > 0 {
			break
		}
		if ctx.Err() != nil {
			return errors.New("the drill has ended and nothing was begun")
		}
		time.Sleep(50 * time.Millisecond)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Fallocate(int(f.Fd()), 0, 0, 2*spaceMargin)
}
