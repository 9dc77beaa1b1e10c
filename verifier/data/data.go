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

// asking is a session of a check with its database.
type asking = func(ctx context.Context, q *pgquery.Session) error

// ask opens a session in a zone. no is the server's refusal; what crossed the wire before it is no answer.
func ask(ctx context.Context, t verifier.Target, k pgquery.Keys, zone string, do asking) (no pgquery.Refused, err error) {
	server, err := k.Server(t.Dial)
	if err != nil {
		return no, err
	}
	server.TimeZone = zone
	if no, err = pgquery.Refusal(ctx, server.In(ctx, do), verifier.SystemFault, verifier.Unasked); err != nil {
		return no, fmt.Errorf("ask %s: %w", k.Instance, err)
	}
	return no, nil
}

// refused is what a server's no means for a check.
func refused(no pgquery.Refused, k pgquery.Keys, where string) verifier.Answer {
	if no.Silent {
		return verifier.Silent(k.Timeout.Std(), "%s: %s", where, no.Error)
	}
	return verifier.Failed("%s: %s", where, no.Error)
}
