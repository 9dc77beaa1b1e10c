package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

const seeded = 3000

// TestBooks orders and pays side by side on a real PostgreSQL and asks whether money and stock add up: after the seed,
// after business, after an outage of the database, and after the schema migration of the upgrade.
func TestBooks(t *testing.T) {
	db := startPostgres(t)
	owner := db.dsn("shop_owner", "demo-shop-owner", "shop")
	cfg, _, err := readConfig("shop.conf")
	require.NoError(t, err)
	c := db.connect(t, owner)
	from, err := migrate(t.Context(), c, 1)
	require.NoError(t, err)
	assert.Zero(t, from)
	require.NoError(t, seed(t.Context(), c, cfg, seeded))
	assertBooks(t, c)
	assert.Equal(t, int64(seeded), count(t, c, `select count(*) from orders`))
	assert.Equal(t, int64(seeded/50), count(t, c, `select count(*) from orders where status = 'open'`))

	web := serveTest(t, cfg, db.dsn("shop_app", "demo-shop-app", "shop"))
	status, _ := call(t, web, "GET", "/readyz", "", "")
	require.Equal(t, 200, status)

	t.Run("customers order and pay side by side", func(t *testing.T) {
		var all sync.WaitGroup
		for n := 1; n <= 8; n++ {
			all.Go(func() {
				for i := range 10 {
					buy(t, web, n, fmt.Sprintf("k-%d-%d", n, i))
				}
			})
		}
		all.Wait()
		assertBooks(t, c)
		assert.Equal(t, int64(seeded+80), count(t, c, `select count(*) from orders`))
	})
	t.Run("the same request twice orders and pays once", func(t *testing.T) {
		first := buy(t, web, 9, "again")
		before := count(t, c, `select count(*) from payments`)
		assert.Equal(t, first, buy(t, web, 9, "again"))
		assert.Equal(t, before, count(t, c, `select count(*) from payments`))
		assertBooks(t, c)
	})
	t.Run("refusals change nothing", func(t *testing.T) { refusals(t, web, c) })
	t.Run("without configuration it answers and sells nothing", func(t *testing.T) {
		bare := serveTest(t, config{Session: time.Hour}, db.dsn("shop_app", "demo-shop-app", "shop"))
		status, answer := call(t, bare, "GET", "/api/catalogue", "", "")
		assert.Equal(t, 200, status)
		assert.Contains(t, answer, `"products":[]`)
		status, answer = call(t, bare, "POST", "/api/login", `{"name":"customer1","password":"password-1"}`, "")
		assert.Equal(t, 200, status)
		assert.Contains(t, answer, "wrong name or password")
	})
	t.Run("it comes back with the database", func(t *testing.T) {
		db.docker(t, "kill", db.name)
		status, _ := call(t, web, "GET", "/api/catalogue", "", "")
		assert.Equal(t, 503, status)
		db.docker(t, "start", db.name)
		db.await(t)
		assert.Eventually(t, func() bool {
			status, _ := call(t, web, "GET", "/readyz", "", "")
			return status == 200
		}, time.Minute, 50*time.Millisecond)
		buy(t, web, 10, "after the outage")
		assertBooks(t, db.connect(t, owner))
	})
	t.Run("a session that opens slowly serves the next request", func(t *testing.T) {
		slow, opened := db.slowly(t, requestTimeout+requestTimeout/2)
		shop := serveTest(t, cfg, slow)
		status, _ := call(t, shop, "GET", "/readyz", "", "")
		assert.Equal(t, 503, status)
		assert.Eventually(t, func() bool {
			status, _ := call(t, shop, "GET", "/readyz", "", "")
			return status == 200
		}, time.Minute, 50*time.Millisecond)
		for range 20 {
			status, _ := call(t, shop, "GET", "/readyz", "", "")
			assert.Equal(t, 200, status)
		}
		assert.LessOrEqual(t, int(opened.Load()), maxConns)
	})
	t.Run("a query that ran out of time keeps its session", func(t *testing.T) {
		opened, err := newPool(db.dsn("shop_app", "demo-shop-app", "shop"))
		require.NoError(t, err)
		defer opened.Close()
		kept := false // a busy host may not cancel in time
		for tries := 0; tries < 10 && !kept; tries++ {
			require.NoError(t, opened.do(t.Context(), func(c *pgx.Conn) error { return c.Ping(t.Context()) }))
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			err = opened.do(ctx, func(c *pgx.Conn) error {
				_, err := c.Exec(ctx, `select pg_sleep(10)`)
				return err
			})
			cancel()
			assert.True(t, broken(err), "%v", err)
			kept = opened.Stat().IdleConns() == 1
		}
		assert.True(t, kept)
	})
	t.Run("half a rollback is red", func(t *testing.T) {
		c := db.connect(t, owner)
		from, err := migrate(t.Context(), c, 2)
		require.NoError(t, err)
		assert.Equal(t, 1, from)
		assertBooks(t, c)
		_, err = migrate(t.Context(), c, 1)
		assert.ErrorContains(t, err, "no way back but a backup")
		// The program of release 1 on the schema of release 2: healthy, logs people in, cannot take money.
		status, _ := call(t, web, "GET", "/readyz", "", "")
		assert.Equal(t, 200, status)
		token, id, total := place(t, web, 11, "half")
		status, _ = call(t, web, "POST", "/api/orders/"+id+"/pay", `{"amount_cents":`+total+`}`, token)
		assert.Equal(t, 500, status)
		assertBooks(t, c)
	})
	t.Run("release 2 works on its own schema", func(t *testing.T) {
		pool, err := newPool(db.dsn("shop_app", "demo-shop-app", "shop"))
		require.NoError(t, err)
		defer pool.Close()
		next := httptest.NewServer((&server{shop: &shop{config: cfg, sql: statementsOf[2], db: pool}}).routes())
		defer next.Close()
		buy(t, next, 12, "release 2")
		assertBooks(t, db.connect(t, owner))
	})
}

func refusals(t *testing.T, web *httptest.Server, c *pgx.Conn) {
	token, id, total := place(t, web, 7, "to be refused")
	stranger, _, _ := place(t, web, 8, "a stranger's")
	_, err := c.Exec(t.Context(), `update products set opening_stock = opening_stock - stock, stock = 0 where id = 40`)
	require.NoError(t, err)
	before := count(t, c, `select count(*) from orders`)
	for _, r := range []struct {
		name, path, body, token, answer string
		status                          int
	}{
		{"wrong amount", "/api/orders/" + id + "/pay", `{"amount_cents":1}`, token, "costs " + total, 200},
		{"another's order", "/api/orders/" + id + "/pay", `{"amount_cents":` + total + `}`, stranger, "no such order", 200},
		{"sold out", "/api/orders", `{"request_key":"s","lines":[{"product_id":40,"quantity":1}]}`, token, "sold out", 200},
		{"not on sale", "/api/orders", `{"request_key":"n","lines":[{"product_id":41,"quantity":1}]}`, token, "no such", 200},
		{"signed out", "/api/orders", `{"request_key":"o","lines":[{"product_id":1,"quantity":1}]}`, "x", "log in", 401},
		{"wrong password", "/api/login", `{"name":"customer1","password":"password-2"}`, "", "wrong name", 200},
		{"wrong name", "/api/login", `{"name":"nobody","password":"password-1"}`, "", "wrong name", 200},
	} {
		t.Run(r.name, func(t *testing.T) {
			status, answer := call(t, web, "POST", r.path, r.body, r.token)
			assert.Equal(t, r.status, status)
			assert.Contains(t, answer, r.answer)
			assert.Contains(t, answer, `"ok":false`)
		})
	}
	assert.Equal(t, before, count(t, c, `select count(*) from orders`))
	assertBooks(t, c)
}

// insist asks again while the shop is out of service for the moment: on a busy host an answer may take more than its second.
func insist(t *testing.T, web *httptest.Server, method, path, body, token string) (status int, text string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, text = call(t, web, method, path, body, token)
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return status, text
		}
	}
}

// place logs customer n in and orders; buy pays as well, looks it up in the history, and returns the order's id.
func place(t *testing.T, web *httptest.Server, n int, key string) (token, id, total string) {
	var answer struct {
		OK    bool
		Token string
		Order struct {
			ID    int64
			Total int64 `json:"total_cents"`
		}
	}
	ask := func(path, body, token string) {
		status, text := insist(t, web, "POST", path, body, token)
		assert.Equal(t, 200, status, text)
		assert.NoError(t, json.Unmarshal([]byte(text), &answer))
		assert.True(t, answer.OK, text)
	}
	ask("/api/login", fmt.Sprintf(`{"name":"customer%d","password":"password-%d"}`, n, n), "")
	token = answer.Token
	ask("/api/orders", fmt.Sprintf(`{"request_key":%q,"lines":[{"product_id":%d,"quantity":3},
		{"product_id":1,"quantity":1}]}`, key, n+1), token)
	return token, strconv.FormatInt(answer.Order.ID, 10), strconv.FormatInt(answer.Order.Total, 10)
}

func buy(t *testing.T, web *httptest.Server, n int, key string) (id string) {
	token, id, total := place(t, web, n, key)
	status, text := insist(t, web, "POST", "/api/orders/"+id+"/pay", `{"amount_cents":`+total+`}`, token)
	assert.Equal(t, 200, status, text)
	assert.Contains(t, text, `"status":"paid"`)
	_, text = insist(t, web, "GET", "/api/orders", "", token)
	assert.Contains(t, text, `"id":`+id+`,`)
	return id
}

func assertBooks(t *testing.T, c *pgx.Conn) {
	t.Helper()
	var payments, balances, totals, stock int64
	require.NoError(t, c.QueryRow(t.Context(), `select payments_gap::bigint, balances_gap::bigint, totals_gap::bigint,
		stock_gap::bigint from books`).Scan(&payments, &balances, &totals, &stock))
	assert.Equal(t, [4]int64{}, [4]int64{payments, balances, totals, stock}, "payments, balances, totals, stock")
}

func count(t *testing.T, c *pgx.Conn, query string) (n int64) {
	t.Helper()
	require.NoError(t, c.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// postgres is a throw-away lifeboat/postgres:15 that the test reaches over the engine's own bridge.
type postgres struct{ name string }

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	image := exec.Command("docker", "image", "inspect", "lifeboat/postgres:15")
	if out, err := image.CombinedOutput(); err != nil {
		needs.Skipf(t, "docker with the image lifeboat/postgres:15 (ci/images/postgres.sh) is needed: %v: %s", err, out)
	}
	db := &postgres{name: fmt.Sprintf("lifeboat-demo-test-%d", time.Now().UnixNano())}
	t.Cleanup(func() { // the test's own context has ended by now
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for _, args := range [][]string{{"rm", "-f", "-v", db.name}, {"network", "rm", db.name}} {
			out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
			assert.NoError(t, err, string(out))
		}
	})
	// A network of its own, so that the address is the same after a restart.
	db.docker(t, "network", "create", "--internal", "--label", "lifeboat.demo=1", db.name)
	db.docker(t, "run", "-d", "--name", db.name, "--network", db.name, "--label", "lifeboat.demo=1", "-e",
		"POSTGRES_PASSWORD=demo-postgres", "lifeboat/postgres:15")
	db.await(t)
	c := db.connect(t, db.dsn("postgres", "demo-postgres", "postgres"))
	for _, s := range []string{`create role shop_owner login password 'demo-shop-owner'`, `create role shop_report`,
		`create role shop_app login password 'demo-shop-app'`, `create database shop owner shop_owner`} {
		_, err := c.Exec(t.Context(), s)
		require.NoError(t, err)
	}
	return db
}

func (p *postgres) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

func (p *postgres) dsn(user, password, database string) string {
	const address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
	out, _ := exec.Command("docker", "inspect", "-f", address, p.name).Output()
	return fmt.Sprintf("postgres://%s:%s@%s:5432/%s?sslmode=disable", user, password,
		strings.TrimSpace(string(out)), database)
}

// slowly is the way to the shop's database through a door that takes its time for each new session.
func (p *postgres) slowly(t *testing.T, delay time.Duration) (dsn string, opened *atomic.Int64) {
	t.Helper()
	to, err := url.Parse(p.dsn("shop_app", "demo-shop-app", "shop"))
	require.NoError(t, err)
	door, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { door.Close() })
	opened = new(atomic.Int64)
	go func() {
		for {
			in, err := door.Accept()
			if err != nil {
				return
			}
			opened.Add(1)
			go func() {
				defer in.Close()
				time.Sleep(delay)
				out, err := net.Dial("tcp", to.Host)
				if err != nil {
					return
				}
				defer out.Close()
				go io.Copy(out, in)
				io.Copy(in, out)
			}()
		}
	}()
	through := *to
	through.Host = door.Addr().String()
	return through.String(), opened
}

func (p *postgres) await(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, p.dsn("postgres", "demo-postgres", "postgres"))
		if err != nil {
			return false
		}
		return c.Close(ctx) == nil
	}, 2*time.Minute, 100*time.Millisecond)
}

func (p *postgres) connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}
