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
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
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
	var all []finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all, context.Cause(ctx)
}
