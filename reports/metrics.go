package reports

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// NightMetrics writes a night as a file for the textfile collector of node_exporter: whole, or not at all. Names and labels are an
// interface: alarms are written on them.
func NightMetrics(path string, n *night.Night) error {
	all := prometheus.NewRegistry()
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "lifeboat", Name: name, Help: help}, append([]string{"catalogue"}, labels...))
		all.MustRegister(g)
		return g
	}
	of := []string{"backup", "point"}
	status := gauge("proof_status", "1 for what came of the check run: passed, failed, inconclusive, aborted, not-run, read, or part: proved in part.",
		append(of, "status")...)
	rung := gauge("proof_rung", "The highest rung of the ladder that was reached, 0 to 6; -1: none.", of...)
	took := gauge("proof_duration_seconds", "How long the check run took.", of...)
	began := gauge("proof_timestamp_seconds", "When the check run began, in seconds since 1970; of what is unchanged, the one that proved it.", of...)
	size := gauge("backup_size_bytes", "The size of the restore point, as stored.", of...)
	ended := gauge("night_end_timestamp_seconds", "When the night came to its end, in seconds since 1970; 0: it did not.")
	passed := gauge("night_passed", "1 where every backup of the catalogue is proved.")
	out := gauge("night_left_out", "How many proofs were left out, by --only or for another shard.")

	for _, p := range n.Proofs {
		if p.LeftOut() {
			continue
		}
		at := []string{n.Catalogue, p.Backup, named(p.Point)}
		states := []record.Status{record.StatusPassed, record.StatusFailed, record.StatusInconclusive, record.StatusAborted, record.StatusNotRun}
		for _, s := range states {
			status.WithLabelValues(slices.Concat(at, []string{string(s)})...).Set(truth(p.Status == s && !p.Read && !p.InPart()))
		}
		if p.Part != nil {
			status.WithLabelValues(slices.Concat(at, []string{"part"})...).Set(truth(p.InPart()))
		}
		if p.UpTo != "" {
			status.WithLabelValues(slices.Concat(at, []string{"read"})...).Set(truth(p.Read))
		}
		rung.WithLabelValues(at...).Set(float64(objective.Highest(p.Rungs)))
		if p.Drill != "" {
			took.WithLabelValues(at...).Set(p.Took.Seconds())
			began.WithLabelValues(at...).Set(float64(p.Started.Unix()))
		}
		for _, x := range p.Points {
			if x.Point == "" {
				continue // its store gave none
			}
			size.WithLabelValues(at...).Set(float64(x.Size))
		}
	}
	if n.Sealed() {
		ended.WithLabelValues(n.Catalogue).Set(float64(n.Ended.Unix()))
	} else {
		ended.WithLabelValues(n.Catalogue).Set(0)
	}
	passed.WithLabelValues(n.Catalogue).Set(truth(n.Status() == record.StatusPassed && !n.Partial()))
	left := 0
	for _, p := range n.Proofs {
		if p.LeftOut() {
			left++
		}
	}
	out.WithLabelValues(n.Catalogue).Set(float64(left))
	if err := prometheus.WriteToTextfile(path, all); err != nil {
		return fmt.Errorf("write the night's metrics: %w", err)
	}
	return nil
}

// named is a text that may hold anything, such as a file's name; what is not printable is written as Go does, so that two stay two.
func named(text string) string {
	if printable(text) == text {
		return text
	}
	return strconv.Quote(text)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
