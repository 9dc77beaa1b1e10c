package evidence_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
)

// BenchmarkYear says what sealing and logging a drill costs as the log grows, and what the export and the verification of all of it cost.
// LIFEBOAT_LONG=1 makes it ten thousand drills instead of one thousand.
func BenchmarkYear(b *testing.B) {
	drills := 1000
	if os.Getenv("LIFEBOAT_LONG") != "" {
		drills = 10_000
	}
	key := newKey(b)
	trust := &signing.Trust{Keys: []signing.Trusted{{Name: "ops", Verifier: key.Verifier()}}}
	for range b.N {
		home := b.TempDir()
		begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		tenth := time.Now()
		for i := range drills {
			d := replay.NewDrill("check-run", "nightly", i+1, begin.Add(time.Duration(i)*50*time.Minute))
			b.StopTimer()
			written := time.Now()
			if err := d.Write(vectors, home); err != nil {
				b.Fatal(err)
			}
			tenth = tenth.Add(time.Since(written))
			b.StartTimer()
			if err := evidence.LogDrill(home, d.ID, evidence.Sealing{Tool: "0.1.0", Build: build, Now: d.Started.Add(time.Hour)}); err != nil {
				b.Fatal(err)
			}
			if n := (i + 1) / (drills / 10); (i+1)%(drills/10) == 0 {
				if n == 1 || n == 10 {
					b.ReportMetric(float64(time.Since(tenth).Microseconds())/float64(drills/10), fmt.Sprintf("µs/seal-to-%d", i+1))
				}
				tenth = time.Now()
			}
		}
		began, to := time.Now(), filepath.Join(b.TempDir(), "bundle")
		if _, err := evidence.Export(evidence.ExportRequest{Home: home, Bundle: evidence.Bundle{From: begin, To: begin.AddDate(1, 0, 0)}, Signer: key}, to); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/export")
		began = time.Now()
		r, err := evidence.Verify(b.Context(), evidence.VerifyRequest{Folder: to, Trust: trust, Build: build})
		if err != nil || !r.Verified() || len(r.Drills) != drills {
			b.Fatal(err, r.Wrong)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/verify")
	}
}
