package postgres

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
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
