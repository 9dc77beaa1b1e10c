// Package database asks a server of a database one question at a time, read-only and with a limit of time, over a
// connection that somebody else dials. What differs from system to system is a Dialect, in a folder of its own.
package database

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"
)

// Dialect is how the servers of one system are asked.
type Dialect interface {
	// Defaults are the port and the user that a scenario need not name.
	Defaults() (port int, user string)
	// Home is the database that a user has who names none; "": there is no such thing.
	Home(user string) string
	// In opens a read-only session, has it used and ends it. Nothing that a database, a role or a backup sets for its
	// sessions takes part in it. *DialError, *QueryError and *DoubtError are what they say; any other error is the
	// server's answer.
	In(ctx context.Context, s Server, do func(ctx context.Context, q Session) error) error
	// Newest asks for the newest time in UTC of a column of a table, or of a query's only column where table is "": one row of it, of the type that
	// it is stored as, and of the newest that is not later than a moment; NULL where that is zero.
	Newest(ctx context.Context, q Session, table, columnOrQuery string, until time.Time) (Table, error)
	// Held lists the databases of a server that are its users'; where s.Database is set, that one.
	Held(ctx context.Context, s Server) ([]Held, error)
	// Content reads all of the database of s. An error means that nothing is known of it.
	Content(ctx context.Context, s Server) (Content, error)
	// Silent tells whether nothing is wrong with a question but the time: there was no answer within its limit.
	Silent(err error) bool
	// Hint says what to do about a server's answer; "" where there is nothing special to say.
	Hint(err error) string
	// Profile reads what the databases of a server are; where s.Database is set, that one. What it could not read it says there.
	Profile(ctx context.Context, s Server, o ProfileOptions) (Profile, error)
}

// Session is one read-only transaction in which several questions can be asked.
type Session interface {
	// Table finds a table by its name as it is really spelled, and gives it quoted and with its schema. *DoubtError: it is
	// not certain which one is meant, it is no table, or rows of it are hidden from this user.
	Table(ctx context.Context, name string) (string, error)
	// Look makes ready for a query that names what it likes. *DoubtError: a name in it stands for more than one thing.
	Look(ctx context.Context, query string) error
	// Ask runs one statement. Values are text as the system's own client prints it, nil for NULL; rows are valid within
	// the callback only. *QueryError: the statement is wrong.
	Ask(ctx context.Context, query string, columns func([]string), row func([][]byte) error) error
	// Hide replaces the password in a text.
	Hide(text string) string
}

// Server is whom to ask. Nothing is taken from this host's environment or files.
type Server struct {
	Dial     func(ctx context.Context) (net.Conn, error)
	TLS      *tls.Config // of a dialect that asks for it on the connection itself; nil: as the server has it
	User     string
	Password string
	Database string
	TimeZone string        // of values without one; default UTC
	Snapshot string        // that another session of the same database exported, to read in; "": one of its own
	Path     []string      // schemas in which unqualified names are looked for; nil: see Session.Table and Session.Look
	Timeout  time.Duration // of the whole question
}

// shortest password that is looked for in messages: shorter ones are words.
const shortest = 4

// Hide replaces the password in a text.
func (s Server) Hide(text string) string {
	if len(s.Password) < shortest {
		return text
	}
	return strings.ReplaceAll(text, s.Password, "***")
}

// HideIn keeps a password out of a message, whoever put it there.
func (s Server) HideIn(err error) error {
	var dial *DialError
	if err == nil || errors.As(err, &dial) || err.Error() == s.Hide(err.Error()) {
		return err
	}
	text := errors.New(s.Hide(err.Error()))
	var query *QueryError
	var doubt *DoubtError
	switch {
	case errors.As(err, &query):
		return &QueryError{Err: text}
	case errors.As(err, &doubt):
		return &DoubtError{Reason: text.Error()}
	}
	return text
}

// DialError says that no connection to the server's port came about.
type DialError struct{ Err error }

func (e *DialError) Error() string { return "connect: " + e.Err.Error() }
func (e *DialError) Unwrap() error { return e.Err }

// QueryError says that the question itself is wrong: it was written for the
// drill, so the server is not to blame.
type QueryError struct{ Err error }

func (e *QueryError) Error() string { return e.Err.Error() }
func (e *QueryError) Unwrap() error { return e.Err }

// DoubtError says that a question was not asked, since its answer could not have been believed: the database is
// not what the question takes it for. It says nothing about its content.
type DoubtError struct{ Reason string }

func (e *DoubtError) Error() string { return e.Reason }
