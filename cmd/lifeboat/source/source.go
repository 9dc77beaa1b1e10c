// Package source reaches a database as its own users reach it, by libpq's environment, so that what it is can be written down beside a dump
// that their pg_dump takes. It only reads.
package source

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/verifier/database"
)

// Source is a database that is reached.
type Source struct {
	config *pgconn.Config
}

// Where says which one; what is empty is as libpq's environment and files have it.
type Where struct {
	Dial     string // a connection string or URI; or a database's name
	Host     string
	Port     string
	User     string
	Password string
}

// Of reads where a source is. No error of it holds what may be a secret.
func Of(w Where) (*Source, error) {
	var settings []string
	add := func(key, value string) {
		if value != "" {
			settings = append(settings, key+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)+"'")
		}
	}
	add("host", w.Host)
	add("port", w.Port)
	add("user", w.User)
	add("password", w.Password)
	text := strings.Join(settings, " ")
	switch {
	case strings.HasPrefix(w.Dial, "postgres://"), strings.HasPrefix(w.Dial, "postgresql://"):
		if len(settings) > 0 && w.Password == "" || len(settings) > 1 {
			return nil, errors.New("an address of the database stands beside its host, port or user: give it all in the address")
		}
		text = w.Dial
	case strings.Contains(w.Dial, "="):
		text += " " + w.Dial // which counts more, as with libpq
	default:
		add("dbname", w.Dial)
		text = strings.Join(settings, " ")
	}
	config, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, errors.New("the connection's settings, or those of libpq's environment (PGHOST, PGSERVICE, PGSSLMODE …), cannot be used: " +
			"try them with psql")
	}
	if w.Password != "" {
		config.Password = w.Password
	}
	config.Database = cmp.Or(config.Database, config.User)
	return &Source{config}, nil
}

// Database that is meant.
func (s *Source) Database() string { return s.config.Database }

// Name says where it is, for people.
func (s *Source) Name() string {
	return fmt.Sprintf("database %s on %s as %s", s.config.Database, s.config.Host, s.config.User)
}

// Server is whom a dialect asks; name "": all databases.
func (s *Source) Server(name string, timeout time.Duration) database.Server {
	return database.Server{Dial: s.dial, User: s.config.User, Password: s.config.Password, Database: name, Timeout: timeout}
}

// dial connects to the first of its servers that takes the connection, with TLS as sslmode says.
func (s *Source) dial(ctx context.Context) (net.Conn, error) {
	conn, err := s.reach(ctx, s.config.Host, s.config.Port, s.config.TLSConfig)
	for _, f := range s.config.Fallbacks {
		if err == nil {
			return conn, nil
		}
		var next error
		if conn, next = s.reach(ctx, f.Host, f.Port, f.TLSConfig); next == nil {
			return conn, nil
		}
		err = errors.Join(err, next)
	}
	return conn, err
}

func (s *Source) reach(ctx context.Context, host string, port uint16, encrypt *tls.Config) (net.Conn, error) {
	network, address := pgconn.NetworkAddress(host, port)
	if s.config.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.config.ConnectTimeout)
		defer cancel()
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil || encrypt == nil || network == "unix" {
		return conn, err
	}
	secure, err := encrypted(ctx, conn, encrypt)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin TLS with %s: %w", address, err), conn.Close())
	}
	return secure, nil
}

// sslRequest asks a server for TLS; the protocol's number for it stands in its manual (SSLRequest).
const sslRequest = 80877103

func encrypted(ctx context.Context, conn net.Conn, with *tls.Config) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 8), sslRequest)
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, err
	}
	if answer[0] != 'S' {
		return nil, errors.New("the server has no TLS")
	}
	secure := tls.Client(conn, with)
	return secure, secure.HandshakeContext(ctx)
}

// Snapshot is a moment of a database in which several sessions read.
type Snapshot struct {
	ID   string
	conn *pgconn.PgConn
}

// Snapshot exports one; it lasts until Close.
func (s *Source) Snapshot(ctx context.Context) (*Snapshot, error) {
	config := s.config.Copy()
	config.RuntimeParams["application_name"] = "lifeboat"
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, s.hidden(err)
	}
	results, err := conn.Exec(ctx, "set idle_in_transaction_session_timeout = 0; set statement_timeout = 0; "+
		"begin transaction isolation level repeatable read read only; select pg_catalog.pg_export_snapshot()").ReadAll()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("export a snapshot: %w", s.hidden(err)), conn.Close(ctx))
	}
	return &Snapshot{string(results[len(results)-1].Rows[0][0]), conn}, nil
}

// Close ends it. Whoever reads in it by then goes on.
func (n *Snapshot) Close(ctx context.Context) { _ = n.conn.Close(ctx) }

// hidden is an error without the password.
func (s *Source) hidden(err error) error { return s.Server("", 0).HideIn(err) }
