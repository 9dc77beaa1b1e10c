package machines_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/machines"
)

// trip is one run of SideBySide in virtual time.
type trip struct {
	took map[string]time.Duration // of each boot; default 1s
	fail map[string][]error       // of the first tries of each

	mu    sync.Mutex
	begun time.Time
	lines []string // "name from-to"
}

func (p *trip) boot(ctx context.Context, name string, _ func() bool) error {
	from := time.Since(p.begun)
	took, ok := p.took[name]
	if !ok {
		took = time.Second
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, fmt.Sprintf("%s %v-%v", name, from.Seconds(), time.Since(p.begun).Seconds()))
	if errs := p.fail[name]; len(errs) > 0 {
		p.fail[name] = errs[1:]
		return errs[0]
	}
	return nil
}

func (p *trip) run(t *testing.T, most int, jobs ...machines.Job) (err error) {
	synctest.Test(t, func(t *testing.T) {
		p.begun = time.Now()
		err = machines.SideBySide(t.Context(), jobs, most, p.boot)
	})
	return err
}

func TestSideBySide(t *testing.T) {
	needs := func(name string, after ...string) machines.Job { return machines.Job{Name: name, After: after} }
	alone := fmt.Errorf("%w: it did not come up", machines.ErrAlone)
	shop := []machines.Job{needs("db"), needs("files"), needs("app", "db"), needs("web", "db", "files")}
	for name, tc := range map[string]struct {
		trip *trip // nil: all goes well
		most int
		jobs []machines.Job
		want string
	}{
		"each as soon as its needs are there": {trip: &trip{took: map[string]time.Duration{"db": 5 * time.Second}}, most: 9, jobs: shop,
			want: "files 0-1; db 0-5; app 5-6; web 5-6"},
		"one after the other": {most: 1, jobs: shop, want: "db 0-1; files 1-2; app 2-3; web 3-4"},
		"no bound is one":     {most: 0, jobs: shop[:2], want: "db 0-1; files 1-2"},
		"two at once":         {most: 2, jobs: []machines.Job{needs("a"), needs("b"), needs("c")}, want: "a 0-1; b 0-1; c 1-2"},
		"those that share a backup stand apart": {most: 9, jobs: []machines.Job{
			{Name: "a", Apart: []string{"nightly"}}, {Name: "b", Apart: []string{"nightly", "roles"}}, {Name: "c", Apart: []string{"roles"}}},
			want: "a 0-1; c 0-1; b 1-2"},
		"what others may have spoilt is tried alone, and what needs it waits": {most: 9,
			trip: &trip{fail: map[string][]error{"files": {alone}}, took: map[string]time.Duration{"db": 3 * time.Second}}, jobs: shop,
			want: "files 0-1; db 0-3; app 3-4; files 4-5; web 5-6"},
		"two of them, one after the other": {most: 9,
			trip: &trip{fail: map[string][]error{"db": {alone}, "files": {alone}}}, jobs: shop[:2],
			want: "db 0-1; files 0-1; db 1-2; files 2-3"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.trip == nil {
				tc.trip = &trip{}
			}
			require.NoError(t, tc.trip.run(t, tc.most, tc.jobs...))
			assert.Equal(t, tc.want, strings.Join(sorted(tc.trip.lines), "; "))
		})
	}
}

// sorted puts those that end at one moment in the order of their names.
func sorted(lines []string) []string {
	end := func(s string) string { return s[strings.LastIndex(s, "-")+1:] }
	for i := 1; i < len(lines); i++ {
		for j := i; j > 0 && end(lines[j]) == end(lines[j-1]) && lines[j] < lines[j-1]; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
	return lines
}

func TestTheFirstErrorEndsTheOthers(t *testing.T) {
	bad := errors.New("the backup is bad")
	p := trip{took: map[string]time.Duration{"db": time.Hour}, fail: map[string][]error{"files": {bad}}}
	err := p.run(t, 9, machines.Job{Name: "db"}, machines.Job{Name: "files"}, machines.Job{Name: "app", After: []string{"files"}})
	require.Equal(t, bad, err)
	assert.Equal(t, []string{"files 0-1"}, p.lines, "db was cut off, app never begun")
}

// What asks to be tried alone and was alone has failed.
func TestAloneIsTheEnd(t *testing.T) {
	alone := fmt.Errorf("%w: it did not come up", machines.ErrAlone)
	p := trip{fail: map[string][]error{"db": {alone, alone}}}
	require.Equal(t, alone, p.run(t, 9, machines.Job{Name: "db"}, machines.Job{Name: "files"}))
	assert.Len(t, p.lines, 3)
}

func TestNothingBeginsAfterAnAbort(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("somebody wants it to end")
	cancel(gone)
	err := machines.SideBySide(ctx, []machines.Job{{Name: "db"}}, 2, func(context.Context, string, func() bool) error {
		t.Error("it began")
		return nil
	})
	require.Equal(t, gone, err)
}

func TestACircleIsAnError(t *testing.T) {
	p := trip{}
	err := p.run(t, 2, machines.Job{Name: "a", After: []string{"b"}}, machines.Job{Name: "b", After: []string{"a"}})
	require.EqualError(t, err, "boot [a b]: each waits for another")
}
