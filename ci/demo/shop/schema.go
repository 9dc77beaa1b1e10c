package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed sql
var sqlFiles embed.FS

// statements are those that differ between schema releases.
type statements struct {
	takeBalance string // $1 customer, $2 cents; no row where the balance is too low
	addPayment  string // $1 order, $2 cents
	balance     string // $1 customer
}

// statementsOf holds each release's own statements.
var statementsOf = map[int]statements{
	1: {
		takeBalance: `update customers set balance_cents = balance_cents - $2 where id = $1 and balance_cents >= $2`,
		addPayment:  `insert into payments (order_id, amount_cents) values ($1, $2)`,
		balance:     `select balance_cents from customers where id = $1`,
	},
	2: {
		takeBalance: `update wallets set balance_cents = balance_cents - $2
			where customer_id = $1 and balance_cents >= $2`,
		addPayment: `insert into payments (order_id, amount_cents, method) values ($1, $2, 'wallet')`,
		balance:    `select balance_cents from wallets where customer_id = $1`,
	},
}

// The customers of the seed: customer1 to customer500, each with password-N.
const (
	seedCustomers    = 500
	seedOpeningCents = int64(100_000_000_000) // enough for a pulse of months
)

// migrate brings the schema to the wanted release, one transaction a step, and says where it was.
func migrate(ctx context.Context, c *pgx.Conn, want int) (from int, err error) {
	err = c.QueryRow(ctx, `select coalesce(max(release), 0) from schema_release`).Scan(&from)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "42P01" { // undefined_table: an empty database
		err = nil
	}
	if err != nil {
		return from, fmt.Errorf("read schema release: %w", err)
	}
	if from > want {
		return from, fmt.Errorf("migrate: the schema is of release %d and this program of release %d;"+
			" there is no way back but a backup", from, want)
	}
	for step := from + 1; step <= want; step++ {
		text, err := sqlFiles.ReadFile("sql/release_" + strconv.Itoa(step) + ".sql")
		if err != nil {
			return from, err
		}
		if err := runAll(ctx, c, string(text)); err != nil {
			return from, fmt.Errorf("migrate to release %d: %w", step, err)
		}
	}
	return from, nil
}

// seed fills an empty shop of release 1.
func seed(ctx context.Context, c *pgx.Conn, cfg config, orders int) error {
	if cfg.Pepper == "" {
		return errors.New("seed: the configuration has no pepper, so nobody could log in afterwards")
	}
	rows := make([][]any, seedCustomers)
	for i := range rows {
		n := strconv.Itoa(i + 1)
		salt := sha256.Sum256([]byte("salt " + n)) // the same backup each time matters more here
		hash, err := hashPassword("password-"+n, cfg.Pepper, salt[:16])
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		rows[i] = []any{"customer" + n, "customer" + n + "@example.com", hash, salt[:16],
			seedOpeningCents, seedOpeningCents}
	}
	columns := []string{"name", "email", "password_hash", "password_salt", "opening_cents", "balance_cents"}
	if _, err := c.CopyFrom(ctx, pgx.Identifier{"customers"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("seed customers: %w", err)
	}
	text, err := sqlFiles.ReadFile("sql/seed.sql")
	if err != nil {
		return err
	}
	filled := strings.NewReplacer("{{orders}}", strconv.Itoa(orders), "{{customers}}", strconv.Itoa(seedCustomers)).
		Replace(string(text))
	if err := runAll(ctx, c, filled); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	_, err = c.Exec(ctx, `analyze`)
	return err
}

// runAll runs several statements as one transaction.
func runAll(ctx context.Context, c *pgx.Conn, text string) error {
	return c.PgConn().Exec(ctx, "begin;\n"+text+"\ncommit;").Close()
}
