package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lifeboat/scenarios"
	"lifeboat/scenarios/library"
)

func (a *app) newCommand() *cobra.Command {
	var from, found, keys, image string
	c := &cobra.Command{
		Use: "new FILE", Short: "Write a scenario file, or a catalogue, to begin with",
		Long: "Writes a commented scenario file and the k6 flow that it names, or with --from a shipped scenario\n" +
			"and its flows, or with --catalogue a list of the backups in a folder, a bucket or\n" +
			"a list on a web server, as lifeboat verify proves them.\n" +
			"Overwrites nothing.\n" + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path := args[0]
			var err error
			switch {
			case found != "":
				err = a.writeCatalogue(c.Context(), path, found, keys, image)
			case from != "":
				path, err = library.Write(from, path)
			default:
				err = writeTemplate(path)
			}
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.stdout).Encode(map[string]string{"file": path})
			}
			_, err = fmt.Fprintf(a.stdout, "wrote %s; lifeboat validate %s says what is still missing\n", path, path)
			return err
		},
	}
	c.Flags().StringVar(&from, "from", "", "name of a shipped scenario; FILE is then the folder to write it to")
	c.Flags().StringVar(&found, "catalogue", "", "what the catalogue FILE is to list: a folder, s3://BUCKET/FOLDER, or https://SERVER/FOLDER/SHA256SUMS")
	c.Flags().StringVar(&keys, "store", "", "with --catalogue of a bucket or a list: the store's other keys, as {endpoint: …, access_key: {env: NAME}, …}")
	c.Flags().StringVar(&image, "image", "postgres:17", "with --catalogue: the engine's image into which dumps of PostgreSQL are loaded")
	c.MarkFlagsMutuallyExclusive("from", "catalogue")
	return c
}

// writeTemplate writes the scenario, and its flow unless there is one of that name.
func writeTemplate(path string) error {
	name := scenarioName(path)
	if err := writeNew(path, scenarios.Template(name)); err != nil {
		return err
	}
	flow := filepath.Join(filepath.Dir(path), "flows", scenarios.TemplateName(name)+".js")
	if exists(flow) {
		return nil
	}
	return writeNew(flow, scenarios.TemplateFlow())
}

func writeNew(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return f.Close()
}
