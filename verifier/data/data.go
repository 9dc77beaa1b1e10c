// Package data holds the checks of the data layer: is the content there, is it
// new enough, is it the same.
package data

import (
	"context"
	"fmt"

	"lifeboat/internal/pgquery"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Kinds of checks that New makes.
func Kinds() []string { return []string{"checksum", "freshness", "rows", "sql"} }

// New makes a check of its part of a scenario. dir is the scenario's folder.
func New(spec scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
	switch spec.Kind {
	case "checksum":
		return newChecksum(spec)
	case "freshness":
		return newFreshness(spec)
	case "rows":
		return newRows(spec)
	case "sql":
		return newSQL(spec)
	}
	return nil, []scenarios.Problem{spec.Settings.Problem("",
		"kinds: checksum, freshness, rows, sql", "there is no data check %q", spec.Kind)}
}

// read asks a database a question with a small answer. text is the server's refusal.
func read(ctx context.Context, t verifier.Target, k pgquery.Keys, zone, query string) (
	table pgquery.Table, text string, err error) {
	server, err := k.Server(t.Dial)
	if err != nil {
		return table, "", err
	}
	server.TimeZone = zone
	table, err = server.Read(ctx, query)
	if text, err = pgquery.Refusal(ctx, err, verifier.SystemFault); err != nil {
		return table, "", fmt.Errorf("ask %s: %w", k.Instance, err)
	}
	return table, text, nil
}
