package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
	"lifeboat/internal/signing"
	"lifeboat/internal/timestamp"
	"lifeboat/internal/userfile"
	"lifeboat/reports"
)

func (a *app) auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "Evidence that a stranger can check: seal, sign, export, verify",
		Long: "Each drill and night that has ended is sealed and entered into the log of its home by itself. These commands sign what is\n" +
			"sealed, write it into bundles, and verify bundles offline; docs/evidence.md defines the formats.\n" + exitHelp,
	}
	c.AddCommand(a.auditKeygen(), a.auditSign(), a.auditAddendum(), a.auditCheckpoint(), a.auditExport(), a.auditVerify(), a.auditStatus(), a.auditProgramme())
	return c
}

// sealing says who seals evidence now.
func (a *app) sealing() evidence.Sealing {
	return evidence.Sealing{Tool: version, Build: buildID(), Now: time.Now()}
}

// logDead enters into the log what died before it could: a start costs no more than a look at what is not logged.
func (a *app) logDead() {
	if _, err := drills.LogAll(a.home, false, a.sealing()); err != nil {
		a.log().Warn("some drills that have ended are not in the log", "error", err)
	}
}

type auditVerifyOptions struct {
	trust, checkpoint, format string
	tsa, policy               string
	printing
}

func (a *app) auditVerify() *cobra.Command {
	o := auditVerifyOptions{format: "terminal"}
	c := &cobra.Command{
		Use: "verify BUNDLE", Short: "Verify a bundle offline: nothing but the bundle and a public key is needed",
		Long: "Holds every file against its digest, every journal against its chain, every verdict against the one that its journal gives\n" +
			"when it is judged again, every drill against the log, and the log against an older checkpoint; prints one page.\n" +
			"0: verified; 1: something is not what was sealed; 3: nothing contradicts it, and no trusted key was given.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lang, err := a.lang()
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" { // it may work a little more for less memory: of a thousand drills 121 → 89 MiB, and a sixth more of the processors
				debug.SetGCPercent(50)
			}
			r := evidence.VerifyRequest{Build: buildID(), Reports: renderedAgain}
			if o.trust != "" {
				if r.Trust, err = signing.ReadTrust(o.trust); err != nil {
					return err
				}
			}
			if o.checkpoint != "" {
				if r.Checkpoint, err = userfile.Read(o.checkpoint, 1<<20); err != nil {
					return fmt.Errorf("read the older checkpoint: %w", err)
				}
			}
			if r.Authority, err = o.authority(); err != nil {
				return err
			}
			if !a.json {
				r.Show = reports.Shown(lang)
			}
			shown := a.progress(lang)
			if r.Folder, r.Archive, err = opened(args[0], shown); err != nil {
				return a.refusedArchive(err)
			}
			if r.Archive != nil {
				defer r.Archive.Close() //nolint:errcheck // it was only read
			}
			r.Progress = func(done, all int) { shown.of("audit.verifying", int64(done), int64(all)) }
			got, err := evidence.Verify(cmd.Context(), r)
			if err != nil {
				return err
			}
			if a.json {
				err = json.NewEncoder(a.stdout).Encode(struct {
					Verified bool `json:"verified"`
					*evidence.Result
				}{got.Verified(), got})
			} else {
				err = a.audited(cmd.Context(), o, got, lang)
			}
			return errors.Join(err, auditCode(got))
		},
	}
	f := c.Flags()
	f.StringVar(&o.trust, "trust", "", "whom to believe: a public key (.pub of OpenSSH), or a file of keys, roles and thresholds")
	f.StringVar(&o.checkpoint, "checkpoint", "", "the checkpoint of an earlier bundle (its log/checkpoint): what it covers must be unchanged")
	f.StringVar(&o.tsa, "tsa", "", "certificates (PEM) in which the chains of time-stamping authorities end that you believe; then a stamp must be there")
	f.StringVar(&o.policy, "tsa-policy", "", "the policy by which they must have stamped")
	f.StringVar(&o.format, "format", o.format, "terminal, or the summary of the period: markdown, html, pdf; or xlsx (the population for a spreadsheet)")
	o.printing.flags(c)
	return c
}

// audited writes the result for people.
func (a *app) audited(ctx context.Context, o auditVerifyOptions, got *evidence.Result, lang reports.Language) error {
	as := reports.Options{Language: lang, Width: a.width(), Color: a.color()}
	if o.format != formatPDF {
		return reports.Audit(a.stdout, o.format, got, as)
	}
	var page bytes.Buffer
	if err := reports.Audit(&page, "html", got, as); err != nil {
		return err
	}
	return a.pdf(ctx, o.printing, &page, a.stdout)
}

// renderedAgain names the reports of a drill's folder that are not what this lifeboat writes.
func renderedAgain(sealed map[string][]byte, r *record.Record, v record.Verdict, drill fs.FS) (differ []string, err error) {
	var o reports.Options
	pulse, err := drill.Open("raw/pulse.ndjson")
	switch {
	case err == nil:
		defer pulse.Close() //nolint:errcheck // it was only read
		if o.Samples, err = samplesOf(pulse, r); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	kept, err := drill.Open("record.json")
	switch {
	case err == nil:
		defer kept.Close() //nolint:errcheck // it was only read
		if o.RecordDigest, err = digestOf(kept); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return reports.Differ(sealed, r, v, o)
}

// authority is whose time stamps are believed; nil: nobody's.
func (o auditVerifyOptions) authority() (*timestamp.Trust, error) {
	if o.tsa == "" {
		return nil, nil
	}
	raw, err := userfile.Read(o.tsa, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of --tsa: %w", err)
	}
	t := &timestamp.Trust{}
	if t.Roots, err = timestamp.ParseTrust(raw); err != nil {
		return nil, fmt.Errorf("read the certificates of --tsa: %s: %w", o.tsa, err)
	}
	if t.Policy, err = timestamp.ParsePolicy(o.policy); err != nil {
		return nil, fmt.Errorf("--tsa-policy: %w", err)
	}
	return t, nil
}

// refusedArchive: an archive that is no bundle of ours is a finding, and not a mistake of who looks at it.
func (a *app) refusedArchive(err error) error {
	var bad *evidence.BadArchive
	if !errors.As(err, &bad) {
		return err
	}
	a.complain(err)
	return &exitError{exitFailed}
}

func auditCode(r *evidence.Result) error {
	switch {
	case len(r.Wrong) > 0:
		return &exitError{exitFailed}
	case !r.Verified():
		return &exitError{exitInconclusive}
	}
	return nil
}

// opened gives the folder of a bundle, or what its archive holds.
func opened(path string, shown *progress) (folder string, archive *evidence.Archive, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, fmt.Errorf("open the bundle: %w", err)
	}
	if info.IsDir() {
		return path, nil, nil
	}
	f, err := userfile.Open(path)
	if err != nil {
		return "", nil, fmt.Errorf("open the bundle: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	archive, err = evidence.OpenArchive(&counted{Reader: f, p: shown, all: info.Size()})
	shown.of("audit.unpacking", 1, 1)
	return "", archive, err
}

// day reads a date or a moment; a date that ends a period is part of it.
func day(flag, text string, ends bool) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return t, fmt.Errorf("--%s %q: write a date like 2026-07-01, or a moment like 2026-07-01T00:00:00+08:00", flag, text)
	}
	if ends {
		t = t.AddDate(0, 0, 1)
	}
	return t, nil
}

// isArchive tells whether a bundle is to be one file.
func isArchive(path string) bool {
	return strings.HasSuffix(path, ".tar.gz") || strings.HasSuffix(path, ".tgz")
}
