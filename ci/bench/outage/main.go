// Command outage measures what the pulse says of an outage whose length is known: a TCP proxy on the loopback is shut
// for a while, k6 asks through it as it does in a drill, and the bracket that lifeboat would report is printed beside
// the truth.
//
//	outage -k6 bin/lifeboat-k6 [-rates 10,20,50] [-durations 200ms,1s] [-repeat 4]
//
// Pulses of all rates run side by side, each through a proxy of its own. Nothing leaves 127.0.0.1. With RESULTS set
// the figures of the closing table are appended to that file, one "what|measured|target|held" a line.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// settings of one run.
type settings struct {
	k6        string
	rates     []float64
	durations []time.Duration
	repeat    int
	timeout   time.Duration // of one request of the pulse
}

func main() {
	var s settings
	var rates, durations string
	flag.StringVar(&s.k6, "k6", "bin/lifeboat-k6", "path of the k6 sidecar")
	flag.StringVar(&rates, "rates", "10,20,50", "iterations a second of the pulses")
	flag.StringVar(&durations, "durations", "200ms,500ms,1s,3s,10s", "how long the proxy is shut")
	flag.IntVar(&s.repeat, "repeat", 4, "how often each duration is measured")
	flag.DurationVar(&s.timeout, "timeout", time.Second, "of one request of the pulse")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := s.parse(rates, durations)
	if err == nil {
		err = run(ctx, s)
	}
	if err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "outage:", err)
		os.Exit(1)
	}
}

func (s *settings) parse(rates, durations string) error {
	for _, r := range strings.Split(rates, ",") {
		rate, err := strconv.ParseFloat(r, 64)
		if err != nil {
			return fmt.Errorf("read the rate %q: %w", r, err)
		}
		s.rates = append(s.rates, rate)
	}
	for _, d := range strings.Split(durations, ",") {
		length, err := time.ParseDuration(d)
		if err != nil {
			return fmt.Errorf("read the duration %q: %w", d, err)
		}
		s.durations = append(s.durations, length)
	}
	return nil
}

func run(ctx context.Context, s settings) error {
	began := time.Now()
	var all []finding
	for _, m := range []shutting{refuse, hang} {
		found, err := side(ctx, s, m)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	printAll(os.Stdout, all)
	sums := summarize(all, s)
	printSummary(os.Stdout, sums)
	fmt.Printf("\n%d outages in %.0f s\n", len(all), time.Since(began).Seconds())
	return appendResults(os.Getenv("RESULTS"), sums)
}

// side measures every rate side by side with the proxies shut in one way.
func side(ctx context.Context, s settings, how shutting) ([]finding, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	found := make([][]finding, len(s.rates))
	var wg sync.WaitGroup
	for i, rate := range s.rates {
		wg.Go(func() {
			var err error
			if found[i], err = measure(ctx, s, how, rate); err != nil {
				cancel(fmt.Errorf("measure at %g/s: %w", rate, err))
			}
		})
	}
	wg.Wait()
	return slices.Concat(found...), context.Cause(ctx)
}

// target is what the width of an outage's bracket is held against.
func target(rate float64) time.Duration {
	return time.Duration(float64(time.Second)/rate) + 25*time.Millisecond
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }

// printAll prints a line for every outage.
func printAll(out io.Writer, all []finding) {
	slices.SortStableFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.how, a.how), cmp.Compare(a.rate, b.rate), cmp.Compare(a.asked, b.asked))
	})
	fmt.Fprintln(out, "all times in ms; truth ± is how exactly the truth itself is known; edge is the wider edge's bracket;")
	fmt.Fprintln(out, "stray: the outage may be in the bracket while one of its edges is outside its own")
	fmt.Fprintf(out, "%-8s %6s %19s %9s %9s %9s %8s %12s %8s %5s %4s\n", "port is", "pulse", "truth", "lower", "upper",
		"contained", "width", "1/rate+25", "edge", "reds", "drop")
	for _, f := range all {
		contained := "yes"
		if !f.contained() {
			contained = "NO"
		}
		stray := ""
		if f.stray {
			stray = " stray"
		}
		middle, exact := (f.truth.least()+f.truth.most())/2, (f.truth.most()-f.truth.least())/2
		fmt.Fprintf(out, "%-8s %4.4g/s %11.2f ± %5.2f %9.1f %9.1f %9s %8.1f %12.1f %8.1f %5d %4d%s\n", f.how, f.rate,
			milliseconds(middle), milliseconds(exact), milliseconds(f.said.Lower), milliseconds(f.said.Upper), contained,
			milliseconds(f.width()), milliseconds(target(f.rate)), milliseconds(f.edge), f.stretches, f.dropped, stray)
	}
}

// figure is one line of a summary.
type figure struct{ what, measured, target, held string }

// summarize makes the lines of the closing table.
func summarize(all []finding, s settings) []figure {
	var sums []figure
	for _, how := range []shutting{refuse, hang} {
		n, in, stray := 0, 0, 0
		for _, f := range all {
			if f.how != how {
				continue
			}
			n++
			if f.contained() {
				in++
			}
			if f.stray {
				stray++
			}
		}
		sums = append(sums, figure{fmt.Sprintf("outage brackets that hold the truth, port %s", how),
			fmt.Sprintf("%d of %d (%d with an edge outside its own)", in, n, stray), "100 %", held(in == n && n > 0)})
	}
	for _, rate := range s.rates {
		var widths []time.Duration
		for _, f := range all {
			if f.how == refuse && f.rate == rate {
				widths = append(widths, f.width())
			}
		}
		if len(widths) == 0 {
			continue
		}
		slices.Sort(widths)
		middle, widest := widths[len(widths)/2], widths[len(widths)-1]
		line := figure{fmt.Sprintf("width of the outage's bracket at %g/s", rate),
			fmt.Sprintf("median %.1f ms, widest %.1f ms", milliseconds(middle), milliseconds(widest)),
			"none", "-"}
		if rate == 50 {
			n, _ := slices.BinarySearch(widths, target(rate)+1)
			line.measured += fmt.Sprintf(", %d of %d held", n, len(widths))
			line.target = fmt.Sprintf("<= %.0f ms", milliseconds(target(rate)))
			line.held = held(widest <= target(rate))
		}
		sums = append(sums, line)
	}
	return sums
}

func held(ok bool) string {
	if ok {
		return "yes"
	}
	return "NO"
}

func printSummary(out io.Writer, sums []figure) {
	fmt.Fprintln(out)
	for _, f := range sums {
		fmt.Fprintf(out, "%-52s %-44s target %-12s %s\n", f.what, f.measured, f.target, f.held)
	}
}

// appendResults hands the figures to run.sh.
func appendResults(path string, sums []figure) error {
	if path == "" {
		return nil
	}
	out, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for _, f := range sums {
		if _, err := fmt.Fprintf(out, "%s|%s|%s|%s\n", f.what, f.measured, f.target, f.held); err != nil {
			return err
		}
	}
	return out.Close()
}
