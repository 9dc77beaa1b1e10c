package pgquery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/scenarios"
)

// Keys are what every check of a database takes. Embed it in a check's own keys.
type Keys struct {
	Instance string             `yaml:"on"`       // instance of the server; needed
	Port     int                `yaml:"port"`     // default 5432
	User     string             `yaml:"user"`     // default postgres
	Password scenarios.Secret   `yaml:"password"` // default none
	Database string             `yaml:"database"` // default: the user's name, as everywhere in PostgreSQL
	Timeout  scenarios.Duration `yaml:"timeout"`  // of the whole question; default 30s
	// schemas of unqualified names; default: of a table the only one that has it, in a query public; [] for none
	SearchPath []string `yaml:"search_path"`
}

// Complete sets the defaults and says what is missing.
func (k *Keys) Complete(s scenarios.Settings) []scenarios.Problem {
	var problems []scenarios.Problem
	if k.Instance == "" {
		problems = append(problems, s.Problem("on", "name the instance, on: db", "%s asks an instance", s.Kind))
	}
	if k.Port == 0 {
		k.Port = 5432
	}
	if k.Port < 1 || k.Port > 65535 {
		problems = append(problems, s.Problem("port", "a port lies between 1 and 65535", "%d is not a port", k.Port))
	}
	if k.User == "" {
		k.User = "postgres"
	}
	if k.Database == "" {
		k.Database = k.User
	}
	if k.SearchPath == nil && s.Has("search_path") {
		k.SearchPath = []string{}
	}
	if k.Timeout == 0 {
		k.Timeout = scenarios.Duration(30 * time.Second)
	}
	return problems
}

// Server is whom the keys name; dial connects to a port of an instance.
func (k Keys) Server(dial func(ctx context.Context, on string, port int) (net.Conn, error)) (Server, error) {
	password, err := k.Password.Reveal()
	if err != nil {
		return Server{}, err
	}
	return Server{User: k.User, Password: password, Database: k.Database, Timeout: k.Timeout.Std(),
		Path: k.SearchPath,
		Dial: func(ctx context.Context) (net.Conn, error) { return dial(ctx, k.Instance, k.Port) }}, nil
}

// Refused is a server's no, as facts keep it.
type Refused struct {
	Error  string `json:"error,omitempty"`  // its own words
	Silent bool   `json:"silent,omitempty"` // it gave no answer in its time, and that is all
}

// Refusal sorts an error of a session: no is the server's own answer, err means that it could not be asked. refused
// tells whether a dial error is the server's doing, unasked whether an error is that of whoever carries the question.
func Refusal(ctx context.Context, err error, refused, unasked func(error) bool) (no Refused, _ error) {
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
	case errors.As(err, &doubt), unasked(err), errors.As(err, &dial) && !refused(dial.Err):
		return no, err
	}
	no = Refused{Error: err.Error(), Silent: Silent(err)}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" { // insufficient_privilege
		no.Error += " (rights by membership are not in a dump of one database: restore.roles_from or member_of give them)"
	}
	return no, nil
}
