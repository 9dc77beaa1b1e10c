package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
	"lifeboat/internal/timestamp"
	"lifeboat/internal/userfile"
)

type auditExportOptions struct {
	out, from, to, since string
	series               []string
	tsa                  tsaOptions
	key                  keyOptions
}

func (a *app) auditExport() *cobra.Command {
	var o auditExportOptions
	c := &cobra.Command{
		Use: "export --out BUNDLE (--from DAY --to DAY | DRILL...)", Short: "Write a bundle: drills and nights with all their evidence, and the log",
		Long: "Of a period everything is in the bundle that began in it, however it ended, and it shows that nothing is left out. Of drills\n" +
			"that are named it shows only that they are in the log. A bundle is a folder, or one file where its name ends in .tar.gz.\n" +
			"With --key the log is signed; without, nobody can tell who says all this. The same evidence and key give the same bytes.\n" + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error { return a.export(cmd.Context(), o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "folder or .tar.gz to write; it must not be there")
	f.StringVar(&o.from, "from", "", "first day of the period, such as 2026-07-01")
	f.StringVar(&o.to, "to", "", "last day of the period, such as 2026-09-30")
	f.StringSliceVar(&o.series, "series", nil, "only these series and catalogues: the records of others are withheld, and the bundle says how many")
	f.StringVar(&o.since, "since", "", "an older checkpoint from which it is to be shown that the log goes on; those that this home signed always are")
	o.tsa.flags(c, "the signed log")
	o.key.flags(c, "signs the log")
	_ = c.MarkFlagRequired("out")
	return c
}

func (a *app) export(ctx context.Context, o auditExportOptions, args []string) error {
	r := evidence.ExportRequest{Home: a.home, Bundle: evidence.Bundle{Series: o.series}}
	var err error
	switch period := o.from != "" || o.to != ""; {
	case period == (len(args) > 0), period && (o.from == "" || o.to == ""), len(args) > 0 && len(o.series) > 0:
		return errors.New("say what is to be exported: --from and --to, perhaps with --series, or the ids of drills")
	case period:
		if r.From, err = day("from", o.from, false); err != nil {
			return err
		}
		if r.To, err = day("to", o.to, true); err != nil {
			return err
		}
		if !r.From.Before(r.To) {
			return fmt.Errorf("--from %s --to %s: the period ends before it begins", o.from, o.to)
		}
	}
	for _, arg := range args {
		dir, err := a.drillDir(arg)
		if err != nil {
			return err
		}
		r.Chosen = append(r.Chosen, filepath.Base(dir))
	}
	if r.Signer, err = o.key.signer(); err != nil {
		return err
	}
	if o.since != "" {
		if r.Since, err = userfile.Read(o.since, 1<<20); err != nil {
			return fmt.Errorf("read the older checkpoint: %w", err)
		}
	}
	if o.tsa.url != "" && o.key.path == "" {
		return errors.New("--tsa stamps the signed log: say --key, too")
	}
	if r.Stamp, err = o.tsa.stamper(ctx); err != nil {
		return err
	}
	open, err := drills.LogAll(a.home, true, a.sealing())
	if err != nil {
		return fmt.Errorf("complete the log: %w", err)
	}
	if r.Whole() {
		r.Open = open
	}
	return a.writeBundle(r, o.out)
}

// tsaOptions name a time-stamping authority.
type tsaOptions struct{ url, policy string }

func (o *tsaOptions) flags(c *cobra.Command, what string) {
	c.Flags().StringVar(&o.url, "tsa", "", "address of a time-stamping authority (RFC 3161) that stamps "+what+": it was there by then")
	c.Flags().StringVar(&o.policy, "tsa-policy", "", "the policy by which it is to do that, such as 1.3.6.1.4.1.13762.3")
}

// stamper asks the authority; nil: none is named.
func (o tsaOptions) stamper(ctx context.Context) (evidence.Stamper, error) {
	if o.url == "" {
		return nil, nil
	}
	policy, err := timestamp.ParsePolicy(o.policy)
	if err != nil {
		return nil, fmt.Errorf("--tsa-policy: %w", err)
	}
	return func(content []byte) (request, response []byte, err error) {
		if request, err = timestamp.Ask(content, policy); err != nil {
			return nil, nil, err
		}
		response, err = timestamp.Post(ctx, o.url, request)
		return request, response, err
	}, nil
}

// exported writes a folder, or one file.
func exported(r evidence.ExportRequest, to string, archive bool) (b *evidence.Bundle, err error) {
	if !archive {
		return evidence.Export(r, to)
	}
	f, err := os.Create(to)
	if err != nil {
		return nil, fmt.Errorf("write the bundle: %w", err)
	}
	b, err = evidence.ExportArchive(r, f)
	return b, errors.Join(err, f.Sync(), f.Close())
}

// writeBundle writes a folder, or one file, whole or not at all.
func (a *app) writeBundle(r evidence.ExportRequest, out string) (err error) {
	if _, err := os.Lstat(out); err == nil {
		return fmt.Errorf("write the bundle: %s is there already", out)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".lifeboat-audit-*")
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // what was written has another name by then
	made := filepath.Join(tmp, "bundle")
	b, err := exported(r, made, isArchive(out))
	if err != nil {
		return err
	}
	if err := os.Rename(made, out); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(struct {
			Path   string           `json:"path"`
			Bundle *evidence.Bundle `json:"bundle"`
		}{out, b})
	}
	w, err := a.words()
	if err != nil {
		return err
	}
	key := "audit.exported"
	if r.Signer == nil {
		key = "audit.exported_unsigned"
	}
	underWay := "" // nothing is said of none
	if len(b.Open) > 0 {
		underWay = strconv.Itoa(len(b.Open))
	}
	_, err = fmt.Fprintln(a.stdout, w.Text(key, map[string]string{"bundle": out, "open": underWay}))
	return err
}

// keyOptions name a private key.
type keyOptions struct{ path, passphrase string }

func (k *keyOptions) flags(c *cobra.Command, what string) {
	c.Flags().StringVar(&k.path, "key", "", "private key (ed25519, OpenSSH's format) that "+what)
	c.Flags().StringVar(&k.passphrase, "passphrase-file", "", "file with the key's passphrase")
}

// secret is the passphrase; nil: none.
func (k *keyOptions) secret() ([]byte, error) {
	if k.passphrase == "" {
		return nil, nil
	}
	raw, err := userfile.Read(k.passphrase, 64<<10)
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	for len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r') {
		raw = raw[:len(raw)-1]
	}
	if len(raw) == 0 {
		return nil, fmt.Errorf("read the passphrase: %s is empty", k.passphrase)
	}
	return raw, nil
}

// signer is nil where no key is named.
func (k *keyOptions) signer() (signing.Signer, error) {
	if k.path == "" {
		return nil, nil
	}
	secret, err := k.secret()
	if err != nil {
		return nil, err
	}
	s, err := signing.ReadPrivate(k.path, secret)
	if errors.Is(err, signing.ErrPassphrase) {
		return nil, fmt.Errorf("%w; say it with --passphrase-file", err)
	}
	return s, err
}
