package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

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
