package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
)

func (a *app) auditKeygen() *cobra.Command {
	comment := who()
	var k keyOptions
	c := &cobra.Command{
		Use: "keygen FILE", Short: "Make a key: FILE, which nobody else may read, and FILE.pub for those who verify",
		Long: "The key is ed25519 in OpenSSH's format: ssh-keygen reads it, and keys of ssh-keygen do as well. It must lie outside of\n" +
			"repositories and of --home.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			home, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if rel, err := filepath.Rel(home, path); err == nil && filepath.IsLocal(rel) {
				return fmt.Errorf("make a key: %s lies in the home of the drills, which is what it is to vouch for", args[0])
			}
			secret, err := k.secret()
			if err != nil {
				return err
			}
			v, err := signing.Write(path, comment, secret)
			if err != nil {
				return err
			}
			return a.say(map[string]string{"key": args[0], "public": args[0] + ".pub", "id": v.ID()}, "audit.made_key")
		},
	}
	c.Flags().StringVar(&comment, "comment", comment, "whose key it is; stands in the public key")
	c.Flags().StringVar(&k.passphrase, "passphrase-file", "", "file with a passphrase that locks the key")
	return c
}

// say prints a result: as JSON, or as a label with these arguments.
func (a *app) say(args map[string]string, label string) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(args)
	}
	w, err := a.words()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, clean(w.Text(label, args)))
	return err
}

func (a *app) auditSign() *cobra.Command {
	var k keyOptions
	var tsa tsaOptions
	c := &cobra.Command{
		Use: "sign DRILL...", Short: "Sign the statement of drills: beside those who have signed it before",
		Long: "Signs an in-toto statement in a DSSE envelope. Its subjects are the digests of the restore points, and it names the manifest of\n" +
			"all that was sealed. What lies there is held against the manifest first: nothing is signed that was changed.\n" + exitHelp,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := k.signer()
			if err != nil {
				return err
			}
			stamp, err := tsa.stamper(cmd.Context())
			if err != nil {
				return err
			}
			if _, err := drills.LogAll(a.home, true, a.sealing()); err != nil {
				return fmt.Errorf("complete the log: %w", err)
			}
			var errs []error
			for _, arg := range args {
				dir, err := a.drillDir(arg)
				if err == nil {
					_, err = evidence.Sign(cmd.Context(), a.home, filepath.Base(dir), buildID(), s, stamp)
				}
				if err == nil {
					err = a.say(map[string]string{"drill": filepath.Base(dir), "id": s.Verifier().ID()}, "audit.signed")
				}
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
	}
	k.flags(c, "signs")
	tsa.flags(c, "each signature")
	_ = c.MarkFlagRequired("key")
	return c
}

func (a *app) auditCheckpoint() *cobra.Command {
	var k keyOptions
	var tsa tsaOptions
	c := &cobra.Command{
		Use: "checkpoint", Short: "Sign the log as it stands and print the checkpoint, to be kept or mailed elsewhere",
		Long: "Whoever keeps it can tell from any later bundle whether something was changed, moved or taken out (lifeboat audit verify\n" +
			"--checkpoint). It is a signed note in the C2SP tlog-checkpoint format.\n" + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := k.signer()
			if err != nil {
				return err
			}
			stamp, err := tsa.stamper(cmd.Context())
			if err != nil {
				return err
			}
			if _, err := drills.LogAll(a.home, true, a.sealing()); err != nil {
				return fmt.Errorf("complete the log: %w", err)
			}
			l, err := evidence.OpenLog(a.home)
			if err != nil {
				return err
			}
			signed, err := l.Checkpoint(a.home, s)
			if err != nil {
				return err
			}
			if _, _, err := evidence.Stamped(a.home, signed, stamp); err != nil {
				return err
			}
			_, err = a.stdout.Write(signed)
			return err
		},
	}
	k.flags(c, "signs")
	tsa.flags(c, "the checkpoint (a bundle of the same log has the stamp)")
	_ = c.MarkFlagRequired("key")
	return c
}
