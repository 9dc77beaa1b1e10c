package drills

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// BenchmarkStart is what a drill's start costs in homes of different sizes: the sweep, and its number, ledger and
// journal. make bench holds the last against the first.
func BenchmarkStart(b *testing.B) {
	for _, drills := range []int{0, 100, 10_000} {
		home := b.TempDir()
		begin := func() *drill {
			p := &Plan{Scenario: &scenarios.Scenario{Deadline: scenarios.Duration(time.Hour)}}
			d, err := open(Kit{}, p, Options{Home: home, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			return d
		}
		sweep := func() {
			if _, err := SweepAll(b.Context(), SweepRequest{Home: home}); err != nil {
				b.Fatal(err)
			}
		}
		end := func(d *drill) {
			d.note(record.KindCleanup, record.CleanupEvent{State: "proved"})
			d.clean = true
			if _, err := d.seal(nil); err != nil {
				b.Fatal(err)
			}
		}
		first := begin()
		end(first)
		for n := range drills {
			dir := filepath.Join(home, "drills", fmt.Sprintf("20250101-000000000-%06d", n))
			if err := os.Mkdir(dir, 0o700); err != nil {
				b.Fatal(err)
			}
			for _, name := range []string{journalName, ledger.FileName, cleanMark} {
				if err := os.Link(filepath.Join(first.dir, name), filepath.Join(dir, name)); err != nil {
					b.Fatal(err)
				}
			}
		}
		sweep()
		b.Run(fmt.Sprintf("drills=%d", drills), func(b *testing.B) {
			for b.Loop() {
				sweep()
				d := begin()
				b.StopTimer()
				end(d)
				b.StartTimer()
			}
		})
	}
}
