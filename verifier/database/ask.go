package database

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// Refused is a server's no, as facts keep it.
type Refused struct {
	Error  string `json:"error,omitempty"`  // its own words
	Silent bool   `json:"silent,omitempty"` // it gave no answer in its time, and that is all
}

// Mean is what a server's no means for a check.
func (no Refused) Mean(k Keys, where string) verifier.Answer {
	if no.Silent {
		return verifier.Silent(k.Timeout.Std(), "%s: %s", where, no.Error)
	}
	return verifier.Failed("%s: %s", where, no.Error)
}

// Ask opens a session in a zone, has it used and ends it. no is the server's refusal; what crossed the wire before it is
// no answer.
func Ask(ctx context.Context, d Dialect, t verifier.Target, k Keys, zone string,
	do func(ctx context.Context, q Session) error,
) (no Refused, err error) {
	server, err := k.Server(t.Dial)
	if err != nil {
		return no, err
	}
	server.TimeZone = zone
	if no, err = refusal(ctx, d, d.In(ctx, server, do)); err != nil {
		return no, fmt.Errorf("ask %s: %w", k.Instance, err)
	}
	return no, nil
}

// refusal sorts an error of a session: no is the server's own answer, err means that it could not be asked.
func refusal(ctx context.Context, d Dialect, err error) (no Refused, _ error) {
	var dial *DialError
	var query *QueryError
	var doubt *DoubtError
	switch {
	case err == nil:
		return no, nil
	case context.Cause(ctx) != nil:
		return no, fmt.Errorf("ask the database: %w", context.Cause(ctx))
	case errors.As(err, &query):
		return no, fmt.Errorf("the query is wrong: %w", err)
	case errors.As(err, &doubt), verifier.Unasked(err), errors.As(err, &dial) && !verifier.SystemFault(dial.Err):
		return no, err
	}
	no = Refused{Error: err.Error(), Silent: d.Silent(err)}
	if hint := d.Hint(err); hint != "" {
		no.Error += " (" + hint + ")"
	}
	return no, nil
}

// Read asks a question with a small answer. NULL is written NULL.
func Read(ctx context.Context, q Session, query string) (Table, error) {
	var t Table
	size := 0
	err := q.Ask(ctx, query, nil, func(values [][]byte) error {
		var row []string
		for _, v := range values {
			text := "NULL"
			if v != nil {
				text = q.Hide(string(v))
			}
			size += len(text)
			row = append(row, text)
		}
		if len(t.Rows) == mostRows || size > mostBytes {
			t.Cut = true
			return errCut
		}
		t.Rows = append(t.Rows, row)
		return nil
	})
	if errors.Is(err, errCut) {
		err = nil
	}
	return t, err
}

// Query asks a question of the scenario's own, with a small answer.
func Query(ctx context.Context, q Session, query string) (Table, error) {
	if err := q.Look(ctx, query); err != nil {
		return Table{}, err
	}
	return Read(ctx, q, query)
}

// Question is a query of the scenario's own with what is expected of its answer. Embed it in a check's own keys.
type Question struct {
	Keys
	Expect
	Query string `yaml:"query"` // that reads, such as select 1; needed
}

// Reply is the answer to a Question.
type Reply struct {
	Table
	Refused
}

// Complete sets the defaults of a dialect and says what is missing; such is a query for a hint.
func (k *Question) Complete(s scenarios.Settings, d Dialect, such string) []scenarios.Problem {
	problems := append(k.Keys.Complete(s, d), k.Expect.Complete(s)...)
	problems = append(problems, s.ProblemIf(k.Query == "", "query", "query: "+such, "sql asks nothing")...)
	return problems
}

// Ask asks it over a new connection.
func (k *Question) Ask(ctx context.Context, d Dialect, t verifier.Target) (reply Reply, err error) {
	reply.Refused, err = Ask(ctx, d, t, k.Keys, "", func(ctx context.Context, q Session) (err error) {
		reply.Table, err = Query(ctx, q, k.Query)
		return err
	})
	return reply, err
}

// Judge holds a reply against what is expected; before is nil where there is none.
func (k *Question) Judge(before *Reply, now Reply) verifier.Answer {
	if now.Error != "" {
		return now.Mean(k.Keys, k.Instance)
	}
	var then *Table
	if before != nil {
		then = &before.Table
	}
	wrong, diff := k.Hold(then, now.Table)
	if wrong != "" {
		a := verifier.Failed("%s", wrong)
		a.Diff = diff
		return a
	}
	return verifier.Passed("%s answered %q", k.Instance, verifier.Line(now.Text(), 100))
}
