package postgres

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
)

func TestQuote(t *testing.T) {
	assert.Equal(t, `"orders"`, quote("orders"))
	assert.Equal(t, `"a""; drop table b; --"`, quote(`a"; drop table b; --`))
	assert.Equal(t, `"ab"`, quote("a\x00b"))
	assert.Equal(t, ` 'it''s'`, literal(`it's`))
	assert.Equal(t, ` 'a'' or 1=1'`, literal(`a\' or 1=1`))
	assert.Equal(t, "(select 1\n)", within("select 1 ; \n"))
}

func TestDialErrorIsTheHarness(t *testing.T) {
	s := database.Server{User: "u", Password: "sesame", Database: "d", Timeout: 1e9,
		Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("engine gone") }}
	err := Dialect{}.In(context.Background(), s, nil)
	var dial *database.DialError
	require.ErrorAs(t, err, &dial)
	assert.EqualError(t, err, "connect: engine gone")
}

// A limit that a database or a role sets for its sessions must not end the statement that sets our own: none is in force from
// the start. Behind a pooler that knows no such setting it is asked without.
func TestSessionsBeginWithoutALimit(t *testing.T) {
	var asked []map[string]string
	s := database.Server{User: "u", Password: "sesame", Database: "d", Timeout: time.Second,
		Dial: func(context.Context) (net.Conn, error) {
			here, there := net.Pipe()
			b := pgproto3.NewBackend(there, there)
			go func() {
				m, _ := b.ReceiveStartupMessage()
				if start, ok := m.(*pgproto3.StartupMessage); ok {
					asked = append(asked, start.Parameters)
				}
				b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter"})
				_ = b.Flush()
				_ = there.Close()
			}()
			return here, nil
		}}
	require.Error(t, Dialect{}.In(t.Context(), s, nil))
	limits := []string{}
	for _, parameters := range asked {
		if limit, given := parameters["statement_timeout"]; given {
			limits = append(limits, limit)
		} else {
			limits = append(limits, "none")
		}
	}
	assert.Equal(t, []string{"0", "none"}, slices.Compact(limits))
}

func TestSilentAndForbidden(t *testing.T) {
	assert.True(t, Dialect{}.Silent(&pgconn.PgError{Code: "57014"}))
	assert.False(t, Dialect{}.Silent(&pgconn.PgError{Code: "42P01"}))
	assert.Contains(t, Dialect{}.Hint(&pgconn.PgError{Code: "42501"}), "roles_from")
	assert.Empty(t, Dialect{}.Hint(&pgconn.PgError{Code: "42P01"}))
}

func TestUnqualified(t *testing.T) {
	for query, want := range map[string][]string{
		"select Count(*) from shop.orders o":             {"select", "count", "from", "shop", "o"},
		`select "Odd ""one""" from x . "y"`:              {"select", `Odd "one"`, "from", "x"},
		"select 'lower' -- max\n, 金额 from a_1.b$2 /*c*/": {"select", "lower", "max", "金额", "from", "a_1", "c"},
	} {
		assert.Equal(t, want, unqualified(query), query)
	}
}
