package evidence_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
)

// BenchmarkYear says what sealing and logging a drill costs as the log grows, and what the export and the verification of all of it cost: per
// drill, so that what grows faster than the log shows. LIFEBOAT_LONG=1 goes on to ten thousand drills.
func BenchmarkYear(b *testing.B) {
	sizes := []int{1000}
	if os.Getenv("LIFEBOAT_LONG") != "" {
		sizes = []int{1000, 3000, 10_000}
	}
	for _, drills := range sizes {
		b.Run(fmt.Sprint(drills), func(b *testing.B) {
			for range b.N {
				year(b, drills)
			}
		})
	}
}

// cost is what something took, by the clock and of the processors: others may be at work beside it, and the disk is waited for.
type cost struct{ wall, cpu time.Duration }

func spent(do func()) cost {
	cpu := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	began, was := time.Now(), cpu()
	do()
	return cost{time.Since(began), cpu() - was}
}

func (c cost) report(b *testing.B, what string, drills int) {
	b.ReportMetric(c.wall.Seconds(), "s/"+what)
	b.ReportMetric(float64(c.cpu.Microseconds())/float64(drills), "cpu-µs/drill/"+what)
}

func year(b *testing.B, drills int) {
	key := newKey(b)
	home, begin := b.TempDir(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var sealing cost
	for i := range drills {
		d := replay.NewDrill("check-run", "nightly", i+1, begin.Add(time.Duration(i)*50*time.Minute))
		if err := d.Write(vectors, home); err != nil {
			b.Fatal(err)
		}
		one := spent(func() {
			if err := evidence.LogDrill(home, d.ID, evidence.Sealing{Tool: "0.1.0", Build: build, Now: d.Started.Add(time.Hour)}); err != nil {
				b.Fatal(err)
			}
		})
		sealing = cost{sealing.wall + one.wall, sealing.cpu + one.cpu}
		if tenth := drills / 10; (i+1)%tenth == 0 {
			switch i + 1 {
			case tenth:
				sealing.report(b, "seal-first-tenth", tenth)
			case drills:
				sealing.report(b, "seal-last-tenth", tenth)
			}
			sealing = cost{}
		}
	}
	to := filepath.Join(b.TempDir(), "bundle")
	spent(func() {
		r := evidence.ExportRequest{Home: home, Bundle: evidence.Bundle{From: begin, To: begin.AddDate(1, 0, 0)}, Signer: key}
		if _, err := evidence.Export(r, to); err != nil {
			b.Fatal(err)
		}
	}).report(b, "export", drills)
	spent(func() {
		r := evidence.ExportRequest{Home: home, Bundle: evidence.Bundle{From: begin, To: begin.AddDate(1, 0, 0)}, Signer: key}
		f, err := os.Create(to + ".tar.gz")
		if err == nil {
			_, err = evidence.ExportArchive(r, f)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			b.Fatal(err)
		}
	}).report(b, "archive", drills)
	spent(func() {
		r, err := evidence.Verify(b.Context(), evidence.VerifyRequest{Folder: to, Build: build,
			Trust: &signing.Trust{Keys: []signing.Trusted{{Name: "ops", Verifier: key.Verifier()}}}})
		if err != nil || !r.Verified() || len(r.Drills) != drills {
			b.Fatal(err, r.Wrong)
		}
	}).report(b, "verify", drills)
}
