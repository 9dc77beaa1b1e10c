package main

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat-k6/wire"
)

// postgres speaks as much of PostgreSQL's protocol as the module needs: simple queries with fixed answers.
type postgres struct {
	addr        string
	connections atomic.Int64
}

func newPostgres(t *testing.T) *postgres {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	p := &postgres{addr: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.connections.Add(1)
			go func() {
				defer func() { _ = conn.Close() }()
				_ = serve(pgproto3.NewBackend(conn, conn))
			}()
		}
	}()
	return p
}

func (p *postgres) env() string {
	return "DSN=postgres://u:secret@" + p.addr + "/x?sslmode=disable&default_query_exec_mode=simple_protocol"
}

func column(name string, oid uint32) pgproto3.FieldDescription {
	return pgproto3.FieldDescription{Name: []byte(name), DataTypeOID: oid, DataTypeSize: 8, TypeModifier: -1}
}

func serve(b *pgproto3.Backend) error {
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return err
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for {
		if err := b.Flush(); err != nil {
			return err
		}
		msg, err := b.Receive()
		if err != nil {
			return err
		}
		q, ok := msg.(*pgproto3.Query)
		if !ok {
			continue
		}
		switch q.String {
		case "hang":
			continue
		case "insert":
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("INSERT 0 3")})
		case "select":
			b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
				column("n", pgtype.Int8OID), column("big", pgtype.Int8OID), column("nothing", pgtype.TextOID),
			}})
			b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("42"), []byte("9007199254740993"), nil}})
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		default:
			b.Send(&pgproto3.EmptyQueryResponse{})
		}
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
}

func TestSQL(t *testing.T) {
	pg := newPostgres(t)
	o := job{wrapper: "business", flow: "sqlok.js", iters: 3, env: []string{pg.env()}}.run(t)
	keep(t, "business-sql", o)
	require.Equal(t, 0, o.exit, "stderr: %s", o.stderr)
	assert.Equal(t, 15, o.end(t).Totals.ChecksPassed, "%s", o.raw)
	assert.Zero(t, o.end(t).Totals.IterationsFailed)
	assert.Len(t, o.kind(wire.KindSQL), 6)
	assert.NotContains(t, string(o.raw), "secret")
	assert.EqualValues(t, 1, pg.connections.Load(), "a business check keeps its connection")
}

// TestSQLPulse: a pulse makes a new connection for each statement, or it would not see that new ones are refused.
func TestSQLPulse(t *testing.T) {
	pg := newPostgres(t)
	o := job{wrapper: "pulse", flow: "sqlok.js", rate: 5, duration: time.Second, env: []string{pg.env()}}.run(t)
	iters := o.kind(wire.KindIter)
	require.NotEmpty(t, iters)
	assert.EqualValues(t, 2*len(iters), pg.connections.Load())
	assert.Zero(t, o.end(t).Totals.IterationsFailed)
}

// TestSQLHang: the pulse's timeout holds for statements too.
func TestSQLHang(t *testing.T) {
	pg := newPostgres(t)
	o := job{
		wrapper: "pulse", flow: "sqlhang.js", rate: 5, duration: time.Second, out: "stdout,timeout=300ms",
		env: []string{pg.env()},
	}.run(t)
	for _, it := range o.kind(wire.KindIter) {
		assert.False(t, it.OK)
		assert.Less(t, time.Duration(it.End-it.Start), 5*time.Second)
	}
	assert.Zero(t, o.end(t).Totals.Dropped)
}
