package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// refusal is a "no" of the shop to a customer: the business works and says no.
type refusal string

func (r refusal) Error() string { return string(r) }

// errSignedOut: there is no such session, or it has ended.
const errSignedOut = refusal("please log in")

// shop is the business on its database.
type shop struct {
	config config
	sql    statements
	db     pool
}

type product struct {
	ID         int64  `json:"id"`
	SKU        string `json:"sku"`
	Name       string `json:"name"`
	PriceCents int64  `json:"price_cents"`
	Stock      int64  `json:"stock"`
}

type line struct {
	ProductID int64 `json:"product_id"`
	Quantity  int64 `json:"quantity"` // 1 to 100
}

type order struct {
	ID         int64      `json:"id"`
	Number     int64      `json:"number"`
	Status     string     `json:"status"` // open or paid
	TotalCents int64      `json:"total_cents"`
	CreatedAt  time.Time  `json:"created_at"`
	PaidAt     *time.Time `json:"paid_at,omitempty"`
}

// login opens a session. The answer is the same for a wrong name and a wrong password.
func (s *shop) login(ctx context.Context, name, password string) (token string, err error) {
	err = s.db.do(ctx, func(c *pgx.Conn) error {
		var id int64
		var hash, salt []byte
		err := c.QueryRow(ctx, `select id, password_hash, password_salt from customers where name = $1`, name).
			Scan(&id, &hash, &salt)
		if errors.Is(err, pgx.ErrNoRows) {
			return refusal("wrong name or password")
		}
		if err != nil {
			return err
		}
		given, err := hashPassword(password, s.config.Pepper, salt)
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(given, hash) != 1 {
			return refusal("wrong name or password")
		}
		token = rand.Text()
		sum := sha256.Sum256([]byte(token))
		_, err = c.Exec(ctx, `insert into sessions (token_hash, customer_id, expires_at) values ($1, $2, $3)`,
			sum[:], id, time.Now().Add(s.config.Session))
		return err
	})
	return token, err
}

// customer is whose session a token opens.
func customer(ctx context.Context, c *pgx.Conn, token string) (id int64, err error) {
	sum := sha256.Sum256([]byte(token))
	err = c.QueryRow(ctx, `select customer_id from sessions where token_hash = $1 and expires_at > now()`, sum[:]).
		Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errSignedOut
	}
	return id, err
}

func (s *shop) catalogue(ctx context.Context) (found []product, err error) {
	err = s.db.do(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, `select id, sku, name, price_cents, stock from products
			where shelf = $1 order by id limit 100`, s.config.Shelf)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[product])
		return err
	})
	return found, err
}

// place takes an order. The same request key again gives the order that was taken before.
func (s *shop) place(ctx context.Context, token, key string, lines []line) (o order, err error) {
	if key == "" || len(lines) == 0 {
		return o, refusal("an order needs a request_key and lines")
	}
	ids, quantities := make([]int64, len(lines)), make([]int64, len(lines))
	slices.SortFunc(lines, func(a, b line) int { return int(a.ProductID - b.ProductID) }) // one order of locks
	for i, l := range lines {
		if l.Quantity < 1 || l.Quantity > 100 || (i > 0 && ids[i-1] == l.ProductID) {
			return o, refusal("each product once, 1 to 100 of it")
		}
		ids[i], quantities[i] = l.ProductID, l.Quantity
	}
	err = s.session(ctx, token, func(tx pgx.Tx, who int64) error {
		var total, known int64
		err := tx.QueryRow(ctx, `select coalesce(sum(p.price_cents * w.quantity), 0)::bigint, count(*)
			from unnest($1::bigint[], $2::bigint[]) as w (id, quantity) join products p using (id)
			where p.shelf = $3`, ids, quantities, s.config.Shelf).Scan(&total, &known)
		if err != nil {
			return err
		}
		if int(known) != len(lines) {
			return refusal("no such product")
		}
		var id int64
		err = tx.QueryRow(ctx, `insert into orders (customer_id, request_key, total_cents) values ($1, $2, $3)
			on conflict (customer_id, request_key) do nothing returning id`, who, key, total).Scan(&id)
		switch {
		case errors.Is(err, pgx.ErrNoRows): // asked before
			o, err = readOrder(ctx, tx, who, `o.request_key = $2`, key)
			return err
		case err != nil:
			return err
		}
		_, err = tx.Exec(ctx, `insert into order_lines (order_id, product_id, quantity, price_cents)
			select $1, id, w.quantity, p.price_cents
			from unnest($2::bigint[], $3::bigint[]) as w (id, quantity) join products p using (id) order by id`,
			id, ids, quantities)
		if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.ConstraintName == "products_in_stock" {
			return refusal("sold out")
		}
		if err != nil {
			return err
		}
		o, err = readOrder(ctx, tx, who, `o.id = $2`, id)
		return err
	})
	return o, err
}

// pay takes the order's total from the customer's balance. Paying twice pays once.
func (s *shop) pay(ctx context.Context, token string, id, amount int64) (o order, balance int64, err error) {
	err = s.session(ctx, token, func(tx pgx.Tx, who int64) error {
		var status string
		var total int64
		err := tx.QueryRow(ctx, `select status, total_cents from orders where id = $1 and customer_id = $2 for update`,
			id, who).Scan(&status, &total)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return refusal("no such order")
		case err != nil:
			return err
		case amount != total:
			return refusal(fmt.Sprintf("the order costs %d cents", total))
		}
		if status == "open" {
			tag, err := tx.Exec(ctx, s.sql.takeBalance, who, total)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return refusal("the balance is too low")
			}
			if _, err := tx.Exec(ctx, s.sql.addPayment, id, total); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `update orders set status = 'paid' where id = $1`, id); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, s.sql.balance, who).Scan(&balance); err != nil {
			return err
		}
		o, err = readOrder(ctx, tx, who, `o.id = $2`, id)
		return err
	})
	return o, balance, err
}

// history is the customer's last 20 orders, newest first.
func (s *shop) history(ctx context.Context, token string) (found []order, err error) {
	err = s.session(ctx, token, func(tx pgx.Tx, who int64) error {
		rows, err := tx.Query(ctx, `select id, number, status, total_cents, created_at, paid_at from order_history
			where customer_id = $1 order by created_at desc, id desc limit 20`, who)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[order])
		return err
	})
	return found, err
}

// ready says whether the database has the schema that this program speaks.
func (s *shop) ready(ctx context.Context) error {
	return s.db.do(ctx, func(c *pgx.Conn) error {
		var at int
		if err := c.QueryRow(ctx, `select max(release) from schema_release`).Scan(&at); err != nil {
			return err
		}
		if at < release { // a newer one is tried: the program of release 1 cannot know better
			return fmt.Errorf("the schema is of release %d and this program needs %d: run shop migrate", at, release)
		}
		return nil
	})
}

// session runs f in one transaction for the customer that the token belongs to.
func (s *shop) session(ctx context.Context, token string, f func(tx pgx.Tx, who int64) error) error {
	return s.db.do(ctx, func(c *pgx.Conn) error {
		who, err := customer(ctx, c, token)
		if err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error { return f(tx, who) })
	})
}

func readOrder(ctx context.Context, tx pgx.Tx, who int64, where string, arg any) (o order, err error) {
	rows, err := tx.Query(ctx, `select o.id, o.number, o.status, o.total_cents, o.created_at, p.paid_at
		from orders o left join payments p on p.order_id = o.id where o.customer_id = $1 and `+where, who, arg)
	if err != nil {
		return o, err
	}
	o, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[order])
	return o, err
}

// hashRounds is low on purpose: a pulse of 20 log-ins a second has to leave the CPU to the database.
const hashRounds = 1000

func hashPassword(password, pepper string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password+pepper, salt, hashRounds, sha256.Size)
}
