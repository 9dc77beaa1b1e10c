package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// gateAnswer is what a pipeline is told of one digest.
type gateAnswer struct {
	Digest  string        `json:"digest"`
	Verdict record.Status `json:"verdict"` // not-run: no drill within that time
	Drill   string        `json:"drill,omitempty"`
	Started time.Time     `json:"started,omitzero"`
}

func (a *app) gateCommand() *cobra.Command {
	var digest, younger string
	c := &cobra.Command{
		Use: "gate", Short: "Answer a pipeline by exit code: was this very backup proved lately?",
		Long: "Looks for the latest drill or check run that restored the restore point with this digest and that passed or failed, and judges its\n" +
			"journal again. 0: it passed; 1: it failed; 3: there is none that is young enough. Restored in part, it\n" +
			"was not proved.\n" + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			limit, err := scenarios.ParseDuration(younger)
			if err != nil {
				return fmt.Errorf("--younger %q: %w", younger, err)
			}
			d, ok := record.ParseDigest(digest)
			if !ok || d.Algorithm != record.SHA256 {
				return fmt.Errorf("--digest %q: write sha256: and 64 hexadecimal digits, as sha256sum prints them", digest)
			}
			got, err := a.gate(d.String(), time.Now().Add(-limit.Std()))
			if err != nil {
				return err
			}
			return a.answer(got)
		},
	}
	f := c.Flags()
	f.StringVar(&digest, "digest", "", "of the restore point: sha256:…")
	f.StringVar(&younger, "younger", "26h", "how old its proof may be, such as 7d")
	_ = c.MarkFlagRequired("digest")
	return c
}

// gate finds the latest drill of a restore point that says something of it.
func (a *app) gate(digest string, since time.Time) (gateAnswer, error) {
	past, err := drills.History(a.home, buildID())
	if err != nil {
		return gateAnswer{}, err
	}
	got, unread, err := gateOf(digest, past, since, time.Now(), func(drill string) (*record.Record, record.Verdict, error) {
		return drills.Judge(filepath.Join(a.home, "drills", drill))
	})
	if len(unread) > 0 {
		a.log().Error("drills after the one that passed cannot be judged, and one may be of this restore point; lifeboat report DRILL says why",
			"drills", unread, "passed", got.Drill)
		got = gateAnswer{Digest: digest, Verdict: record.StatusNotRun}
	}
	return got, err
}

// gateOf looks through drills, the oldest first. What passed in the future is no proof: some clock was wrong. The unread ones are those
// after a drill that passed whose journals cannot be judged.
func gateOf(digest string, past []drills.Past, since, now time.Time, judge func(drill string) (*record.Record, record.Verdict, error)) (
	got gateAnswer, unread []string, err error) {
	for _, p := range slices.Backward(past) {
		if p.Error != "" {
			unread = append(unread, p.Drill)
			continue
		}
		if p.Started.Before(since) || p.Verdict != record.StatusPassed && p.Verdict != record.StatusFailed {
			continue
		}
		r, v, err := judge(p.Drill)
		if err != nil {
			return gateAnswer{}, nil, fmt.Errorf("judge drill %s: %w", p.Drill, err)
		}
		of := slices.ContainsFunc(r.RestorePoints, func(x record.RestorePoint) bool { return x.Digest == digest })
		switch {
		case of && v.Status == record.StatusFailed && !blames(r, v, digest): // another backup of the same drill
		case of && v.Status == record.StatusFailed:
			return gateAnswer{digest, v.Status, p.Drill, r.Header.Started}, nil, nil
		case of && v.Status == record.StatusPassed && !r.Header.Started.After(now) && !partly(r, digest):
			return gateAnswer{digest, v.Status, p.Drill, r.Header.Started}, unread, nil
		}
	}
	return gateAnswer{Digest: digest, Verdict: record.StatusNotRun}, nil, nil
}

// partly tells whether a part of a restore point was restored alone, which proves nothing of the rest.
func partly(r *record.Record, digest string) bool {
	return slices.ContainsFunc(r.RestorePoints, func(x record.RestorePoint) bool {
		return x.Digest == digest && slices.ContainsFunc(r.Restores, func(f record.RestoreFact) bool {
			return f.Backup == x.Backup && f.Point == x.Point && f.Part != nil
		})
	})
}

// blames tells whether a failed drill may have failed by the restore point of a digest: not where each reason names other backups.
func blames(r *record.Record, v record.Verdict, digest string) bool {
	var names []string
	for _, x := range r.RestorePoints {
		if x.Digest == digest {
			names = append(names, x.Backup)
		}
	}
	others := false
	for _, reason := range v.Reasons {
		if reason.Status != record.StatusFailed {
			continue
		}
		others = true
		named := strings.Split(reason.Args["backup"], ", ")
		if reason.Args["backup"] == "" || slices.ContainsFunc(named, func(b string) bool { return slices.Contains(names, b) }) {
			return true
		}
	}
	return !others
}

func (a *app) answer(got gateAnswer) error {
	w, err := a.words()
	if err != nil {
		return err
	}
	if a.json {
		err = json.NewEncoder(a.stdout).Encode(got)
	} else {
		_, err = fmt.Fprintln(a.stdout, w.Text("gate."+string(got.Verdict), map[string]string{"digest": got.Digest, "drill": got.Drill,
			"started": got.Started.Format("2006-01-02 15:04 -07:00")}))
	}
	code := map[record.Status]int{record.StatusPassed: exitPassed, record.StatusFailed: exitFailed, record.StatusNotRun: exitInconclusive}[got.Verdict]
	if err != nil || code == exitPassed {
		return err
	}
	return &exitError{code}
}
