package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/ci/replay"
	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
	"lifeboat/reports"
)

// BenchmarkYearRendered says what the processes take that export a year of drills, with their reports, and that verify it and render every report
// again: by the clock, of the processors, and of memory at its highest. LIFEBOAT_LONG=1 goes on to ten thousand drills.
func BenchmarkYearRendered(b *testing.B) {
	sizes := []int{100}
	if os.Getenv("LIFEBOAT_LONG") != "" {
		sizes = []int{400, 1000, 3000, 10_000}
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			y := aYear{b, b.TempDir(), n}
			y.make()
			for b.Loop() {
				y.run("export", "export", "--from", "2026-01-01", "--to", "2026-12-31", "--key", "ops", "--out", "year.tar.gz")
				info, err := os.Stat(filepath.Join(y.dir, "year.tar.gz"))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(info.Size())/1e6, "MB")
				page := y.run("verify", "verify", "year.tar.gz", "--trust", "ops.pub", "--format", "html")
				if !strings.Contains(page, fmt.Sprintf("of %d of %d drills rendered again", n, n)) {
					b.Fatal("not every report was rendered again")
				}
				if err := os.Remove(filepath.Join(y.dir, "year.tar.gz")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// aYear is a home with so many drills of a year, and a key beside it.
type aYear struct {
	*testing.B
	dir    string
	drills int
}

// make writes drills of kinds that differ, each with its reports in one of both languages.
func (y aYear) make() {
	y.Helper()
	if _, err := signing.Write(filepath.Join(y.dir, "ops"), "ops", nil); err != nil {
		y.Fatal(err)
	}
	home, begin := filepath.Join(y.dir, "home"), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	vectors := []string{"everything-held", "check-run", "rollback-failed", "all-objectives", "two-incidents", "check-run", "never-recovered", "egress"}
	a := &app{stdout: io.Discard, stderr: io.Discard}
	for i := range y.drills {
		d := replay.NewDrill(vectors[i%len(vectors)], "shop", i+1, begin.Add(time.Duration(i)*50*time.Minute))
		d.Iterations = 600 // a minute of the pulse
		if err := d.Write("../../ci/vectors", home); err != nil {
			y.Fatal(err)
		}
		at := filepath.Join(home, "drills", d.ID)
		r, v, err := drills.Judge(at)
		if err == nil {
			_, err = a.report(&drills.Result{Dir: at, Record: r, Verdict: v}, reports.Languages()[i/4%2])
		}
		if err == nil {
			err = evidence.LogDrill(home, d.ID, evidence.Sealing{Tool: version, Build: buildID(), Now: d.Started.Add(time.Hour)})
		}
		if err != nil {
			y.Fatal(err)
		}
	}
}

// run runs lifeboat audit in a process of its own, as an auditor does, and says what that took.
func (y aYear) run(what string, args ...string) (printed string) {
	y.Helper()
	self, err := os.Executable()
	if err != nil {
		y.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"audit"}, args...)...)
	var out strings.Builder
	cmd.Args[0], cmd.Dir, cmd.Stdout, cmd.Stderr = "lifeboat", y.dir, &out, os.Stderr
	cmd.Env = append(os.Environ(), "LIFEBOAT_LANG=en", "TZ=UTC", "LIFEBOAT_HOME=home")
	began := time.Now()
	if err := cmd.Start(); err != nil {
		y.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	most := 0.0
	for running := true; running; {
		select {
		case err := <-ended:
			if running = false; err != nil {
				y.Fatal(err)
			}
		case <-time.After(10 * time.Millisecond):
			most = max(most, highest(cmd.Process.Pid))
		}
	}
	y.ReportMetric(time.Since(began).Seconds(), what+"-s")
	y.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), what+"-cpu-s")
	y.ReportMetric(most, what+"-MiB")
	return out.String()
}

// highest is the most memory that a process has had so far, MiB. What the kernel says when it has ended is that of who started it, too.
func highest(pid int) (mib float64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(line, &mib)
	return mib / 1024
}
